"""Sending: in batches, each event once."""

import asyncio

import pytest

from footfall import AsyncClient
from footfall.client import Event, batches, errors
from footfall.core.access import Role
from footfall.core.events import structs
from tests.conftest import event


def test_events_are_sent_in_batches_and_each_is_stored_once(
    tenant, client, monkeypatch
):
    monkeypatch.setattr(batches, "COUNT_MAX", 10)
    events = [event(f"{number:032x}l") for number in range(25)]
    receipt = client.events.send(iter(events))
    assert (receipt.accepted, receipt.duplicates, receipt.rejected) == (25, 0, [])
    again = client.events.send(events)
    assert (again.accepted, again.duplicates) == (0, 25)
    assert len(tenant.ids()) == 25


def test_large_batches_are_cut_by_their_bytes(tenant, client, monkeypatch):
    monkeypatch.setattr(batches, "BYTES_MAX", 50_000)
    receipt = client.events.send(event(note="x" * 20_000) for _ in range(7))
    assert receipt.accepted == 7


def test_an_event_can_be_sent_in_any_form(tenant, client):
    struct = structs.Event("struct", structs.Detail("login", "struct"))
    forms = [
        event("dict"),
        struct,
        Event(b'{"customerId":"c","event":{"type":"login","id":"event"}}'),
        b'{"customerId":"c",\n "event":{"type":"login","id":"bytes"}}',
        '{"customerId":"c","event":{"type":"login","id":"text"}}',
    ]
    assert client.events.send(forms).accepted == 5
    assert set(tenant.ids()) == {"dict", "struct", "event", "bytes", "text"}


def test_what_is_listed_can_be_sent_on_unchanged(tenant, client):
    sent = event("id", organizationId=tenant.id, extra=[1.0, 10**30])
    client.events.send([sent])
    assert client.events.send(client.events.list()).duplicates == 1


def test_an_event_without_an_id_gets_one_before_it_is_sent(client):
    batcher = batches.Batcher("x")
    for kind in ("geo_visit", "visit"):
        batcher.add({"customerId": "c", "event": {"type": kind}}, 0)
    batch = batcher.rest()
    assert batch is not None
    assert batch.call.body is not None
    first, second = batch.call.body.splitlines()
    assert first.endswith(b'g"}}')
    assert second.endswith(b'l"}}')


def test_rejected_events_are_named_by_their_place_in_all_that_was_sent(
    tenant, client, monkeypatch
):
    monkeypatch.setattr(batches, "COUNT_MAX", 2)
    bad = event("bad", event={"type": "logn", "id": "bad"})
    sent = [event(), event(), event(), bad, bad, b"{", event(), b'{"a":1}']
    receipt = client.events.send(sent)
    assert receipt.accepted == 4
    assert [(one.index, one.id) for one in receipt.rejected] == [
        (3, "bad"),
        (4, "bad"),
        (5, None),
        (7, None),
    ]
    assert "login" in receipt.rejected[0].errors[0].message


def test_what_cannot_be_json_is_an_error_with_its_place(client):
    with pytest.raises(errors.ArgumentInvalid, match="Event 1 "):
        client.events.send([event(), event(when=object())])


def test_a_batch_whose_answer_got_lost_is_sent_again_and_stored_once(
    tenant, client, monkeypatch
):
    exchange = client._transport._exchange
    lost: list[object] = []

    def losing(call):
        answer = exchange(call)
        if call.method == "POST" and "events" in call.path and not lost:
            lost.append(call)
            raise errors.NoResponse("The connection broke off.")
        return answer

    monkeypatch.setattr(client._transport, "_exchange", losing)
    receipt = client.events.send(
        {"customerId": "c", "event": {"type": t}} for t in ("login", "arriving")
    )
    assert (receipt.accepted, receipt.duplicates) == (0, 2)
    assert len(tenant.ids()) == 2


def test_a_server_that_is_away_is_said_to_be_away(credential):
    credential.base_url = "http://127.0.0.1:1"
    with credential.client() as client, pytest.raises(errors.NoResponse, match=":1: "):
        client.events.send([event()])


def test_who_may_not_send_is_told(tenant, credential_of):
    made = credential_of(tenant, Role.ORGANIZATION_MANAGER, ("events_read",))
    with made.client() as client, pytest.raises(errors.Forbidden):
        client.events.send([event()])


def test_the_client_of_an_event_loop_sends_iterables_of_both_kinds(tenant, credential):
    async def numbers():
        for number in range(3):
            yield event(f"async-{number}")

    async def send():
        async with AsyncClient(
            credential.base_url,
            organization=tenant.id,
            client_key=credential.client_key,
            client_secret=credential.client_secret,
        ) as client:
            first = await client.events.send([event("one"), b"{}"])
            return first, await client.events.send(numbers())

    first, second = asyncio.run(send())
    assert (first.accepted, len(first.rejected), second.accepted) == (1, 1, 3)
    assert set(tenant.ids()) == {"one", "async-0", "async-1", "async-2"}
