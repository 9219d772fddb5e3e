"""Webhooks over HTTP, delivered by a real server to a real receiver."""

import pytest

from tests.conftest import event
from tests.receiver import Receiver


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.close()


def path(tenant, *parts):
    return "/".join([f"/v1/organizations/{tenant.id}/webhooks", *parts])


def make(tenant, receiver, **more):
    answer = tenant.client.post(path(tenant), json={"url": receiver.url} | more)
    assert answer.status_code == 201, answer.text
    return answer.json()


def read(tenant, made):
    return tenant.client.get(path(tenant, made["id"])).json()


def deliveries(tenant, made, **query):
    answer = tenant.client.get(path(tenant, made["id"], "deliveries"), params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["deliveries"]


def test_an_event_is_sent_as_it_is_stored_and_its_signature_verifies(tenant, receiver):
    made = make(tenant, receiver)
    tenant.send([event("first"), event("second")])
    first, second = receiver.wait_for(2)[:2]
    body = first.verify(made["secret"])
    stored = tenant.read(sortBy="receivedTime").json()["events"]
    assert body == {
        "type": "login",
        "timestamp": "2026-05-01T10:00:00Z",
        "data": stored[0],
    }
    assert {first.event, second.event} == {"first", "second"}
    assert first.id != second.id
