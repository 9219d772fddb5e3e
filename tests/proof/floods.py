"""Floods: bodies that need more memory or time than their sender may use.

Each is sent by one tenant, or a stranger, while a bystander sends small events and
reads small pages; what counts is the bystander's longest wait, and the memory.
"""

import asyncio
import contextlib
import gzip
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx2
import msgspec

from footfall import clock, service
from footfall.flows.events import ingest
from tests.conftest import Tenant, event
from tests.proof.bystander import turns
from tests.proof.crowds import ServedStore

MB = 1024 * 1024


class Flooded(msgspec.Struct):
    """How others fared in a flood."""

    name: str
    tried: str
    requests: int = 0
    failed: int = 0
    longest_ms: float = 0
    peak_mb: float = 0
    long_turns: int = 0


Flood = Callable[[httpx2.AsyncClient], Awaitable[None]]


async def beside(
    place: ServedStore, bystander: Tenant, flood: Flood, found: Flooded
) -> None:
    """Run a flood, and measure how a bystander fares meanwhile."""
    limits = httpx2.Limits(max_connections=None)
    address = place.server.address
    async with httpx2.AsyncClient(
        base_url=address, timeout=60, limits=limits
    ) as client:
        task = asyncio.ensure_future(flood(client))
        headers = dict(bystander.client.headers)
        while not task.done():
            for method, content in (("GET", None), ("POST", json.dumps(event()))):
                began = asyncio.get_running_loop().time()
                path = bystander.events_path
                answer = await client.request(
                    method, path, content=content, headers=headers
                )
                took = asyncio.get_running_loop().time() - began
                found.longest_ms = max(found.longest_ms, took * 1000)
                found.failed += answer.status_code not in (200, 201)
                found.requests += 1
            await asyncio.sleep(0.01)
        await task
    found.peak_mb = place.peak_mb()


def flood_all(folder: Path) -> list[Flooded]:
    """Run each flood on a server of its own."""
    results = []
    for number, (name, tried, make) in enumerate(FLOODS):
        home = folder / str(number)
        home.mkdir()
        place = ServedStore(home)
        found = Flooded(name, tried)
        try:
            store = service.open_store(place.server.chosen)
            bystander = Tenant(place.server, store)
            store.close()
            _, before = turns(place.server)
            asyncio.run(beside(place, bystander, make(place), found))
            _, after = turns(place.server)
            found.long_turns = after - before
            bystander.client.close()
        finally:
            place.close()
        results.append(found)
    return results


def _posts(
    place: ServedStore, body: bytes, count: int, path: str | None = None, **headers: str
) -> Flood:
    path = path or place.tenant.events_path
    own = {} if "sources" in path else dict(place.tenant.client.headers)

    async def post(client: httpx2.AsyncClient) -> None:
        # The server may refuse a body while it is still being sent, and hang up.
        with contextlib.suppress(httpx2.NetworkError):
            await client.post(path, content=body, headers=own | headers)

    async def flood(client: httpx2.AsyncClient) -> None:
        for _ in range(2):
            await asyncio.gather(*(post(client) for _ in range(count // 2)))

    return flood


def _bombs(place: ServedStore) -> Flood:
    packed = gzip.compress(b"[" + b" " * (32 * MB - 3) + b"]")
    return _posts(place, packed, 100, **{"Content-Encoding": "gzip"})


def _strangers(place: ServedStore) -> Flood:
    store = service.open_store(place.server.chosen)
    source_secrets = place.server.source_secrets(store)
    made = source_secrets.create(place.tenant.id, "meraki", clock.now(), validator="v")
    store.close()
    path = f"/v1/sources/{made.source.id}"
    packed = gzip.compress(b'{"data":[' + b"{}," * (2 * MB) + b"{}]}")
    return _posts(place, packed, 40, path, **{"Content-Encoding": "gzip"})


def _brackets(place: ServedStore) -> Flood:
    return _posts(place, b"[" + b"[]," * (10 * MB) + b"[]]", 4)


def _unknown_types(place: ServedStore) -> Flood:
    items = [
        {"customerId": "c", "event": {"type": f"type {number}"}}
        for number in range(10_000)
    ]
    return _posts(
        place,
        gzip.compress(json.dumps(items).encode()),
        8,
        **{"Content-Encoding": "gzip"},
    )


def _members(place: ServedStore) -> Flood:
    return _posts(
        place, gzip.compress(b"") * 200_000, 8, **{"Content-Encoding": "gzip"}
    )


def _batches(place: ServedStore) -> Flood:
    items = [event(pad="x" * 2_000) for _ in range(10_000)]
    return _posts(place, json.dumps(items).encode(), 8)


def _scrolls(place: ServedStore) -> Flood:
    """Sixteen scrolls of 10,000 by one tenant, over and over."""
    fill(place)
    path, headers = place.tenant.events_path, dict(place.tenant.client.headers)

    async def scroll(client: httpx2.AsyncClient) -> None:
        parameters = {"size": "10000", "enableScroll": "true"}
        for _ in range(12):
            answer = await client.get(path, params=parameters, headers=headers)
            assert answer.status_code == 200, answer.text[:200]

    async def flood(client: httpx2.AsyncClient) -> None:
        await asyncio.gather(*(scroll(client) for _ in range(16)))

    return flood


def _dated(place: ServedStore) -> Flood:
    """Reads by arrival with a filter of dates that match few events."""
    fill(place)
    path, headers = place.tenant.events_path, dict(place.tenant.client.headers)
    parameters = {"sortBy": "receivedTime", "dateStart": "2030-01-01", "size": "20"}

    async def read(client: httpx2.AsyncClient) -> None:
        for _ in range(50):
            answer = await client.get(path, params=parameters, headers=headers)
            assert answer.status_code == 200, answer.text[:200]

    async def flood(client: httpx2.AsyncClient) -> None:
        await asyncio.gather(*(read(client) for _ in range(8)))

    return flood


def fill(place: ServedStore) -> None:
    """Give the tenant 100,000 events."""
    store = service.open_store(place.server.chosen)
    for _ in range(10):
        items = [json.dumps(event(pad="x" * 200)).encode() for _ in range(10_000)]
        batch = ingest.read(items, place.tenant.id, clock.now())
        store.append(place.tenant.id, batch.events).result()
    store.close()


FLOODS: tuple[tuple[str, str, Callable[[ServedStore], Flood]], ...] = (
    ("packed bodies of 32 MiB", "100 of 32 kB", _bombs),
    ("posts to a source without its secret", "40 of 6 MiB, packed", _strangers),
    ("`[` and ten million `[],`", "4 times", _brackets),
    ("10,000 unknown types", "8 times", _unknown_types),
    ("200,000 empty gzip members", "8 times", _members),
    ("10,000 events of 2 kB", "8 times", _batches),
    ("scrolls of 10,000", "16 at once, 12 pages each", _scrolls),
    ("reads by arrival with a filter of dates", "8 at once, 50 each", _dated),
)
