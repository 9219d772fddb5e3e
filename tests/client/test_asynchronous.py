"""The client of an event loop, where the other one is not compared with it."""

import asyncio
import contextlib

import pytest

from footfall import AsyncClient
from footfall.client import errors, transports
from tests.client.original import Original, serving
from tests.client.test_original import history
from tests.conftest import event


def run(credential, work, **more):
    async def whole():
        async with AsyncClient(
            credential.base_url,
            organization=credential.organization,
            client_key=credential.client_key,
            client_secret=credential.client_secret,
            **more,
        ) as client:
            return await work(client)

    return asyncio.run(whole())


def test_a_refused_token_is_fetched_again(tenant, credential):
    tenant.send(event("id"))

    async def work(client):
        await client.log_in()
        access = client._transport._access
        access._token = access._token[:-4] + "AAAA"
        listed = [one.id async for one in client.events.list()]
        access._token = access._token[:-4] + "AAAA"
        async with contextlib.aclosing(aiter(client.events.stream(after=0))) as events:
            return [*listed, (await anext(events)).id]

    assert run(credential, work) == ["id", "id"]


def test_errors_are_the_same(credential):
    async def work(client):
        with pytest.raises(errors.RequestInvalid):
            await client.events.list(sort_by="when").to_dicts()
        with pytest.raises(errors.RequestInvalid, match="beyond the end"):
            await anext(aiter(client.events.stream(after=7)))
        rejected = (await client.events.send([b"{}"])).rejected
        credential.client_secret = "x"
        return len(rejected)

    assert run(credential, work) == 1
    with pytest.raises(errors.CredentialsRefused):
        run(credential, AsyncClient.log_in)
    credential.base_url = ""
    with pytest.raises(errors.ArgumentInvalid):
        run(credential, AsyncClient.log_in)


def test_a_history_is_read_whole_on_a_bad_day(credential):
    events = history(60)

    async def work(client):
        parts = [part async for part in client.events.history(page_size=7)]
        return {one.id for part in parts for one in part.events}

    bad = Original(events, expires_after=3, drops_every=4, limits_every=5)
    with serving(bad) as original:
        credential.base_url = original.address
        assert run(credential, work) == {one["event"]["id"] for one in events}


def test_an_answer_without_an_end_is_not_read_to_its_end(credential, monkeypatch):
    monkeypatch.setattr(transports, "RESPONSE_BYTES_MAX", 2**20)
    events = [event("large", text="x" * 2**21)]

    async def work(client):
        with pytest.raises(errors.ResponseTooLarge):
            await client.events.list().to_dicts()

    with serving(Original(events)) as original:
        credential.base_url = original.address
        run(credential, work)
        assert original.requests == 1


def test_an_answer_that_is_no_stream_is_an_error(credential):
    async def work(client):
        with pytest.raises(errors.ResponseUnreadable, match="not a live stream"):
            await anext(aiter(client.events.stream()))

    with serving(Original([])) as original:
        credential.base_url = original.address
        run(credential, work)


def test_an_address_that_is_none_is_said(credential):
    credential.base_url = "http://x:y"
    with pytest.raises(errors.ArgumentInvalid, match="is not an address"):
        run(credential, AsyncClient.log_in)
