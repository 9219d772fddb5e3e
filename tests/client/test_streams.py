"""Streams that go on by themselves."""

import asyncio
import contextlib
import itertools

import msgspec
import pytest

from footfall import AsyncClient, service
from footfall.client import errors
from footfall.client.readers import StreamReader
from tests.client.conftest import Credential
from tests.client.original import Original, serving
from tests.conftest import Tenant, event, start_server, stop_server


def take(stream, count):
    events = iter(stream)
    found = list(itertools.islice(events, count))
    events.close()
    return found


def test_a_stream_gives_what_arrives_with_its_place(tenant, client):
    tenant.send([event("a"), event("b"), event("c")])
    found = take(client.events.stream(after=0), 3)
    assert [(one.id, one.position) for one in found] == [("a", 1), ("b", 2), ("c", 3)]
    assert take(client.events.stream(after=found[0].position), 1)[0].id == "b"


def test_a_stream_gives_only_what_is_wanted(tenant, client):
    tenant.send([event("a"), event("b", customerId="ann"), event("c")])
    tenant.send(event("d", where={"locationId": "there"}))
    stream = client.events.stream
    assert take(stream(after=0, contact="ann"), 1)[0].id == "b"
    assert take(stream(after=0, locations=["there", "x"]), 1)[0].id == "d"
    assert take(stream(after=0, types=["login"]), 1)[0].id == "a"


@pytest.mark.long
def test_a_stream_goes_on_after_its_server_went_away(new_place):
    """Nothing is missing and nothing comes twice over a restart of the server."""
    server = start_server(new_place())
    with contextlib.closing(service.open_store(server.chosen)) as store:
        tenant = Tenant(server, store)
        tenant.send([event(f"{number}") for number in range(3)])
        token = tenant.client.headers["Authorization"].removeprefix("Bearer ")
        made = Credential(server.address, tenant.id)
        with made.client(token=token) as client:
            events = iter(client.events.stream(after=0))
            found = [next(events).id for _ in range(3)]
            stop_server(server)
            server = start_server(server.chosen)
            tenant.client.base_url = server.address
            target = client._transport._target
            client._transport._target = msgspec.structs.replace(
                target, base_url=server.address
            )
            tenant.send([event(f"{number}") for number in range(3, 6)])
            found += [next(events).id for _ in range(3)]
            events.close()
        tenant.client.close()
        stop_server(server)
    assert found == [f"{number}" for number in range(6)]


def test_a_place_beyond_the_end_is_an_error(client):
    with pytest.raises(errors.RequestInvalid, match="beyond the end"):
        take(client.events.stream(after=7), 1)


def test_an_answer_that_is_no_stream_is_an_error():
    with (
        serving(Original([])) as original,
        Credential(original.address, "x", "k", "s").client() as client,
        pytest.raises(errors.ResponseUnreadable, match="not a live stream"),
    ):
        take(client.events.stream(), 1)


def test_each_connection_asks_for_the_same_after_the_newest_place():
    reader = StreamReader("x", 5, {"types": iter(["login", "visit"]), "contact": "c"})
    first = reader.call
    reader.position = 9
    assert dict(reader.call.parameters) == dict(first.parameters) | {"after": "9"}
    assert dict(first.parameters)["events"] == "login,visit"


def test_the_stream_of_an_event_loop_gives_the_same(tenant, client, credential):
    tenant.send([event("a"), event("b")])

    async def read():
        async with AsyncClient(
            credential.base_url,
            organization=tenant.id,
            client_key=credential.client_key,
            client_secret=credential.client_secret,
        ) as other:
            stream = other.events.stream(after=0)
            async with contextlib.aclosing(aiter(stream)) as events:
                found = [await anext(events), await anext(events)]
            return found, stream.position

    found, position = asyncio.run(read())
    assert found == take(client.events.stream(after=0), 2)
    assert position == 2
