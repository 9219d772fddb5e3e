"""The live stream: every entry of the log once, in order, from a position on."""

import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx2
import msgspec
import pytest

from footfall import clock, service
from footfall.core.access import Role
from footfall.flows.accounts.tokens import AGAIN
from tests.conftest import EXAMPLE, Tenant, event, start_server, stop_server


class Received(msgspec.Struct):
    """A message of a stream; one without data only says the position."""

    id: int
    event: str = ""
    data: str = ""

    @property
    def event_id(self) -> str:
        return str(json.loads(self.data)["event"]["id"])


@contextlib.contextmanager
def streaming(
    client: httpx2.Client,
    organization: str,
    headers: dict[str, str] | None = None,
    **parameters: str,
) -> Iterator[Iterator[Received]]:
    path = f"/v1/organizations/{organization}/events/stream"
    with client.stream("GET", path, params=parameters, headers=headers) as answer:
        if answer.status_code != 200:
            answer.read()
            raise AssertionError(answer.text)
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        yield received(answer)


def received(answer: httpx2.Response) -> Iterator[Received]:
    fields: dict[str, str] = {}
    for line in answer.iter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "id" in fields:
            yield Received(
                int(fields["id"]), fields.get("event", ""), fields.get("data", "")
            )
            fields = {}


def data(messages: Iterator[Received], count: int) -> list[Received]:
    """Return the next messages that have data."""
    found: list[Received] = []
    while len(found) < count:
        one = next(messages)
        found += [one] if one.data else []
    return found


def ids(count: int) -> list[str]:
    return [f"{number:032x}l" for number in range(count)]


def test_a_stream_without_a_place_has_what_arrives_from_now_on(tenant):
    tenant.send(event())
    with streaming(tenant.client, tenant.id) as messages:
        assert next(messages).id == 1
        sent = event(extra={"kept": [1.5, None]})
        tenant.send(sent)
        [one] = data(messages, 1)
    assert (one.id, one.event) == (2, "login")
    assert json.loads(one.data) == sent | {"organizationId": tenant.id}


@pytest.mark.parametrize("by_header", [False, True])
def test_a_stream_goes_on_after_its_place_with_no_gap_and_no_repeat(tenant, by_header):
    made = ids(600)
    tenant.send([event(one) for one in made[:300]])
    position = {"Last-Event-ID": "100"} if by_header else {}
    after = {} if by_header else {"after": "100"}
    with streaming(tenant.client, tenant.id, position, **after) as messages:
        tenant.send([event(one) for one in made[300:]])
        found = data(messages, 500)
    assert [one.event_id for one in found] == made[100:]
    assert [one.id for one in found] == list(range(101, 601))


def test_the_header_wins_over_the_place_in_the_address(tenant):
    tenant.send([event() for _ in range(3)])
    position = {"Last-Event-ID": "2"}
    with streaming(tenant.client, tenant.id, position, after="0") as messages:
        assert data(messages, 1)[0].id == 3


def test_only_what_is_wanted_comes(tenant):
    at: dict[str, Any] = {"where": {"locationId": "here"}}
    made = ids(4)
    kinds = ({"type": "login"}, {"type": "arriving"})
    tenant.send(
        [
            event(**at, event=kinds[0] | {"id": made[0]}),
            event(event=kinds[0] | {"id": made[1]}),
            event(**at, event=kinds[1] | {"id": made[2]}),
            event(**at, event=kinds[0] | {"id": made[3]}, customerId="ann"),
        ]
    )
    cases: list[tuple[dict[str, Any], list[int]]] = [
        ({"events": "login"}, [0, 1, 3]),
        ({"locations": "there, here"}, [0, 2, 3]),
        ({"customerId": "ann"}, [3]),
        ({"events": "login,visit", "locations": "here", "customerId": "guest"}, [0]),
    ]
    for parameters, wanted in cases:
        with streaming(tenant.client, tenant.id, after="0", **parameters) as messages:
            found = [one.event_id for one in data(messages, len(wanted))]
        assert found == [made[number] for number in wanted]


def test_a_stream_of_a_contact_that_is_not_known_yet_waits_for_it(tenant):
    with streaming(tenant.client, tenant.id, customerId="new") as messages:
        next(messages)
        tenant.send([event(), event(customerId="new")])
        assert data(messages, 1)[0].id == 2


def test_all_types_and_shapes_of_the_example_come_as_they_were_sent(tenant):
    tenant.send(
        [
            one | {"organizationId": tenant.id}
            for one in EXAMPLE
            if "organizationId" in one
        ]
    )
    stored = tenant.read(size=100, sortBy="receivedTime").json()["events"]
    with streaming(tenant.client, tenant.id, after="0") as messages:
        found = [json.loads(one.data) for one in data(messages, len(stored))]
    assert found == stored


def test_what_is_wrong_is_said_before_the_stream_begins(tenant):
    path = f"{tenant.events_path}/stream"
    wrong = {"events": "lgin", "locations": "a,,b", "after": "x"}
    answer = tenant.client.get(path, params=wrong)
    assert answer.status_code == 409
    assert [e["field"] for e in answer.json()["errors"]] == [
        "events",
        "locations",
        "after",
    ]
    answer = tenant.client.get(path, params={"after": 7})
    assert answer.status_code == 409
    assert "beyond the end of the log, which is 0" in answer.json()["detail"]


def test_a_stream_needs_the_right_to_read_events(tenant, other_tenant):
    path = f"{tenant.events_path}/stream"
    assert other_tenant.client.get(path).status_code == 403
    with contextlib.closing(tenant.login(Role.PUBLIC_APP, ("events_write",))) as sender:
        assert sender.get(path).status_code == 403
    assert httpx2.get(f"{tenant.server.address}{path}").status_code == 401


def test_head_gets_the_headers_and_no_stream(tenant):
    answer = tenant.client.head(f"{tenant.events_path}/stream")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/event-stream")


def test_a_stream_ends_when_its_token_is_revoked_and_gives_nothing_more(tenant):
    with streaming(tenant.client, tenant.id) as messages:
        next(messages)
        assert tenant.client.post("/v1/sts/logout").status_code == 200
        revoked_at = clock.now()
        seen: list[int] = []
        reading = threading.Thread(target=lambda: seen.extend(m.id for m in messages))
        reading.start()
        number = 0
        with contextlib.closing(
            tenant.login(Role.ORGANIZATION_MANAGER, ("organization_write",))
        ) as other:
            while number == 0 or reading.is_alive():
                number += 1
                other.post(tenant.events_path, json=event())
                reading.join(0.05)
    assert clock.now() - revoked_at < 10 * AGAIN
    assert len(seen) < number


def test_a_stream_ends_when_its_service_is_revoked(tenant):
    with contextlib.closing(
        tenant.login(Role.ORGANIZATION_MANAGER, ("events_read",))
    ) as client:
        newest = tenant.store.services(tenant.id)[-1]
        with streaming(client, tenant.id) as messages:
            next(messages)
            tenant.store.revoke_service(newest.client_key, clock.now()).result()
            reading = threading.Thread(target=lambda: list(messages))
            reading.start()
            while reading.is_alive():
                tenant.send(event())
                reading.join(0.05)


def test_streams_end_cleanly_when_the_server_stops(new_place):
    server = start_server(new_place())
    try:
        with contextlib.closing(service.open_store(server.chosen)) as store:
            tenant = Tenant(server, store)
            with (
                contextlib.closing(tenant.client),
                streaming(tenant.client, tenant.id) as messages,
            ):
                next(messages)
                server.process.terminate()
                assert not [one for one in messages if one.data]
    finally:
        assert stop_server(server) == 0
