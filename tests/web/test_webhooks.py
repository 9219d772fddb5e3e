"""Webhooks over HTTP, delivered by a real server to a real receiver."""

import base64

import httpx2
import pytest

from footfall.core.access import Role
from tests.conftest import event
from tests.receiver import Receiver

# The store's part and the deliveries have tests on both engines; this is about HTTP.
pytestmark = pytest.mark.parametrize("server", ["sqlite"], indirect=True)


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


def change(tenant, made, **fields):
    return tenant.client.patch(path(tenant, made["id"]), json=fields)


def do(tenant, made, *what, **body):
    answer = tenant.client.post(path(tenant, made["id"], *what), json=body)
    assert answer.status_code in (200, 202), answer.text
    return answer.json()


def deliveries(tenant, made, **query):
    answer = tenant.client.get(path(tenant, made["id"], "deliveries"), params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["deliveries"]


def until_logged(tenant, made, receiver, count, **query):
    """Wait until so many attempts are in the log: they are written in batches."""
    receiver.wait(lambda: len(deliveries(tenant, made, **query)) >= count)
    return deliveries(tenant, made, **query)


# -- delivery ------------------------------------------------------------------------


def test_an_event_is_sent_as_it_is_stored_and_its_signature_verifies(tenant, receiver):
    made = make(tenant, receiver)
    tenant.send([event("first"), event("second")])
    first, second = receiver.wait_for(2)[:2]
    stored = {e["event"]["id"]: e for e in tenant.read().json()["events"]}
    assert first.verify(made["secret"]) == {
        "type": "login",
        "timestamp": "2026-05-01T10:00:00Z",
        "data": stored[first.event],
    }
    assert {first.event, second.event} == {"first", "second"}
    assert first.id != second.id
    assert first.headers["content-type"] == "application/json"


def test_only_what_a_webhook_wants_is_sent_and_nothing_of_before(tenant, receiver):
    tenant.send(event("before"))
    make(tenant, receiver, events=["login"], locations=["here"])
    here, there = {"locationId": "here"}, {"locationId": "there"}
    survey = {"type": "survey", "id": "survey"}
    tenant.send(event("there", where=there))
    tenant.send(event("survey", where=here, event=survey))
    tenant.send(event("right", where=here))
    assert [one.event for one in receiver.wait_for(1)] == ["right"]


def test_a_batch_has_many_events_each_with_its_id(tenant, receiver):
    made = make(tenant, receiver, batchSize=100)
    change(tenant, made, enabled=False)
    tenant.send([event(f"e{n}") for n in range(30)])
    change(tenant, made, enabled=True)
    bodies = [one.verify(made["secret"]) for one in receiver.wait_for(1)]
    items = [item for body in bodies for item in body["data"]]
    assert {body["type"] for body in bodies} == {"batch"}
    assert [item["data"]["event"]["id"] for item in items] == [
        f"e{n}" for n in range(30)
    ]
    assert len({item["id"] for item in items}) == 30


def test_what_was_tried_is_found_by_event_and_status(tenant, receiver):
    made = make(tenant, receiver)
    usual = "0" * 32 + "l"

    def reply(one):
        good = one.event == usual
        return (200, {}, b"thanks") if good else (500, {}, b"x" * 2_000)

    receiver.reply = reply
    tenant.send([event(usual), event("wrong")])
    until_logged(tenant, made, receiver, 2)
    [good] = deliveries(tenant, made, event=usual)
    assert (good["outcome"], good["status"], good["answer"]) == (
        "delivered",
        200,
        "thanks",
    )
    assert (good["eventId"], good["attempt"], good["reason"]) == (usual, 1, None)
    [wrong] = deliveries(tenant, made, status="failed")
    assert (wrong["eventId"], wrong["answer"]) == ("wrong", "x" * 1_024)
    assert deliveries(tenant, made, status="500") == [wrong]
    assert deliveries(tenant, made, status="500", event=usual) == []
    assert deliveries(tenant, made, before=deliveries(tenant, made)[1]["id"]) == []
    shown = read(tenant, made)
    assert (shown["pending"], shown["behind"], shown["enabled"]) == (1, 0, True)


def test_an_erased_contact_is_gone_from_what_was_tried_and_from_what_waits(
    tenant, receiver
):
    made = make(tenant, receiver)
    receiver.reply = lambda one: (500, {}, one.body)
    tenant.send(event("e", customerId="ann"))
    until_logged(tenant, made, receiver, 1)
    tenant.client.delete(f"/v1/organizations/{tenant.id}/customers/ann")
    assert [one for one in deliveries(tenant, made) if one["eventId"]] == []
    receiver.reply = lambda _: (200, {}, b"ok")
    # It waits for 5 s, and is then looked for in vain.
    until_logged(tenant, made, receiver, 1, status="dropped")
    assert len(receiver.received) == 1
    assert read(tenant, made)["pending"] == 0


def test_a_delivery_is_sent_again_under_the_same_id(tenant, receiver):
    made = make(tenant, receiver)
    tenant.send(event("e"))
    [logged] = until_logged(tenant, made, receiver, 1)
    do(tenant, made, "deliveries", logged["id"], "resend")
    first, again = receiver.wait_for(2)
    assert (again.id, again.body) == (first.id, first.body)


def test_a_replay_sends_what_happened_since_an_instant_in_order(tenant, receiver):
    days = {f"day{n}": f"2026-05-0{n}T10:00:00Z" for n in (1, 2, 3)}
    made = make(tenant, receiver)
    for name, at in days.items():
        tenant.send(event(name, when={"createdAt": at, "timezone": "UTC"}))
    first = {one.event: one.id for one in receiver.wait_for(3)}
    until_logged(tenant, made, receiver, 3)
    do(tenant, made, "replay", **{"from": days["day2"]})
    again = receiver.wait_for(5)[3:]
    assert [one.event for one in again] == ["day2", "day3"]
    assert all(first[one.event] == one.id for one in again)


def test_a_410_disables_a_webhook_until_it_is_enabled_again(tenant, receiver):
    made = make(tenant, receiver)
    receiver.reply = lambda _: (410, {}, b"")
    tenant.send(event("e0"))
    until_logged(tenant, made, receiver, 1, status="disabled")
    assert read(tenant, made)["disabledBecause"] == "the endpoint answered 410"
    metrics = httpx2.get(f"{tenant.server.address}/metrics").text
    assert 'footfall_webhooks{state="disabled"}' in metrics
    tenant.send(event("e1"))
    refused = tenant.client.post(path(tenant, made["id"], "replay"), json={"from": "x"})
    assert refused.status_code == 409
    receiver.reply = lambda _: (200, {}, b"ok")
    assert change(tenant, made, enabled=True).json()["enabled"]
    got = [one.event for one in receiver.wait_for(3)]
    assert sorted(got) == ["e0", "e0", "e1"]


def test_a_ping_says_what_became_of_it(tenant, receiver):
    made = make(tenant, receiver)
    done = do(tenant, made, "ping")
    assert (done["delivered"], done["status"], done["answer"]) == (True, 200, "ok")
    [sent] = receiver.received
    assert sent.verify(made["secret"])["type"] == "ping"
    [logged] = deliveries(tenant, made)
    assert (logged["eventId"], logged["status"]) == (None, 200)
    change(tenant, made, url="https://nowhere.invalid/")
    done = do(tenant, made, "ping")
    assert not done["delivered"]
    assert done["reason"] == "the name is not known"


def test_after_a_rotation_both_secrets_sign_for_a_while(tenant, receiver):
    made = make(tenant, receiver)
    rotated = do(tenant, made, "rotate", overlap=60)
    do(tenant, made, "ping")
    for secret in (made["secret"], rotated["secret"]):
        receiver.received[-1].verify(secret)
    last = do(tenant, made, "rotate", overlap=0)
    do(tenant, made, "ping")
    receiver.received[-1].verify(last["secret"])
    assert len(receiver.received[-1].headers["webhook-signature"].split()) == 1


# -- management ----------------------------------------------------------------------


def test_a_secret_is_shown_only_when_it_is_made(tenant, receiver):
    made = make(tenant, receiver, events=["visit"])
    kind, _, secret = made.pop("secret").partition("_")
    assert kind == "whsec"
    assert 24 <= len(base64.b64decode(secret)) <= 64
    assert read(tenant, made) == made
    listed = tenant.client.get(path(tenant)).json()
    assert (listed["count"], listed["webhooks"]) == (1, [made])
    assert "secret" not in change(tenant, made, events=[]).json()


def test_a_change_changes_what_is_sent_and_nothing_else(tenant, receiver):
    made = make(tenant, receiver, events=["visit"], batchSize=5)
    changed = change(tenant, made, locations=["a"]).json()
    assert changed == read(tenant, made)
    assert changed["locations"] == ["a"]
    assert (changed["events"], changed["batchSize"]) == (["visit"], 5)


def test_a_deleted_webhook_is_gone(tenant, receiver):
    made = make(tenant, receiver)
    assert tenant.client.delete(path(tenant, made["id"])).status_code == 204
    for answer in (
        tenant.client.get(path(tenant, made["id"])),
        tenant.client.get(path(tenant, made["id"], "deliveries")),
        tenant.client.delete(path(tenant, made["id"])),
        change(tenant, made, enabled=True),
        tenant.client.post(path(tenant, made["id"], "ping")),
        tenant.client.post(path(tenant, made["id"], "deliveries", "1", "resend")),
    ):
        assert answer.status_code == 404
        assert answer.json()["type"].endswith(":webhook-unknown")


def test_another_tenant_sees_nothing_of_a_webhook(tenant, other_tenant, receiver):
    made = make(tenant, receiver)
    other = other_tenant.client
    assert other.get(path(tenant, made["id"])).status_code == 403
    assert other.get(path(other_tenant, made["id"])).status_code == 404
    assert other.delete(path(other_tenant, made["id"])).status_code == 404
    assert other.get(path(other_tenant)).json()["webhooks"] == []
    assert read(tenant, made)["enabled"]


def test_a_scope_and_the_role_of_a_manager_are_needed(tenant, receiver):
    made = make(tenant, receiver)
    reads = tenant.login(Role.ORGANIZATION_MANAGER, ("webhooks_read",))
    writes = tenant.login(Role.ORGANIZATION_MANAGER, ("webhooks_write",))
    none = tenant.login(Role.ORGANIZATION_MANAGER, ("events_read", "events_write"))
    local = tenant.login(Role.LOCATION_MANAGER, ("webhooks_read",))
    clients, one = (reads, writes, none, local), path(tenant, made["id"])
    got = [client.get(one).status_code for client in clients]
    assert got == [200, 403, 403, 403]
    got = [client.patch(one, json={"batchSize": 2}).status_code for client in clients]
    assert got == [403, 200, 403, 403]
    for client in clients:
        client.close()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": 5}, "url"),
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"url": "http://a.example@127.0.0.1/"}, "url"),
        ({"url": "ftp://a.example/"}, "url"),
        ({"url": "https://a.example/", "events": ["logn"]}, "events"),
        ({"url": "https://a.example/", "events": "login"}, "events"),
        ({"url": "https://a.example/", "locations": [""]}, "locations"),
        ({"url": "https://a.example/", "locations": ["x"] * 101}, "locations"),
        ({"url": "https://a.example/", "batchSize": 0}, "batchSize"),
        ({"url": "https://a.example/", "batchSize": 101}, "batchSize"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_its_field(tenant, body, field):
    answer = tenant.client.post(path(tenant), json=body)
    assert answer.status_code == 409, answer.text
    assert field in {error["field"] for error in answer.json()["errors"]}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"status": "lost"}, "status"),
        ({"size": "101"}, "size"),
        ({"before": "x"}, "before"),
    ],
)
def test_a_wrong_parameter_of_the_log_is_named(tenant, receiver, query, field):
    made = make(tenant, receiver)
    answer = tenant.client.get(path(tenant, made["id"], "deliveries"), params=query)
    assert answer.status_code == 409
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_an_organization_has_a_limited_number_of_webhooks(tenant, receiver):
    for _ in range(100):
        make(tenant, receiver)
    answer = tenant.client.post(path(tenant), json={"url": receiver.url})
    assert answer.status_code == 409
    assert "100 webhooks" in answer.json()["detail"]
