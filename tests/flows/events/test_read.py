"""Large reads come in slices, and tenants take turns."""

import asyncio
import json

import pytest

from footfall.core.queries import EventQuery, Sort
from footfall.core.scrolls import ScrollSeal
from footfall.flows.concurrency import FairLimit
from footfall.flows.events import read
from footfall.flows.events.read import SLICE, EventReader, is_small, read_events
from footfall.store import Organization
from tests.store.test_contract import new

SEAL = ScrollSeal(bytes(64))
COUNT = 2 * SLICE + 70


def fill(store):
    for name in ("org", "other"):
        store.create_organization(Organization(name, name, 0)).result()
        store.append(name, [new(f"{name}-{n}") for n in range(COUNT)]).result()


@pytest.fixture
def filled(store):
    fill(store)
    return store


@pytest.fixture(scope="module")
def unchanged(server_store):
    """A store of the same events, for tests that only read it."""
    if "org" not in [one.id for one in server_store.organizations()]:
        fill(server_store)
    return server_store


def ids(data):
    return [event["event"]["id"] for event in json.loads(data)["events"]]


@pytest.mark.parametrize("size", [1, 200, 201, SLICE, SLICE + 1, 2 * SLICE, 10_000])
@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("reverse", ["true", "false"])
def test_a_page_read_in_slices_is_the_page_read_at_once(unchanged, size, sort, reverse):
    parameters = {"size": [str(size)], "sortBy": [sort], "sortReverse": [reverse]}
    parameters["enableScroll"] = ["true"]
    made = EventReader(unchanged, SEAL)
    seen = []
    for _ in range(4):
        at_once = json.loads(read_events(unchanged, SEAL, "org", None, parameters, 0))
        sliced = json.loads(asyncio.run(made.read("org", None, parameters, 0)))
        assert sliced.pop("scrollId", "") or not at_once.get("scrollId")
        scroll = at_once.pop("scrollId", None)
        assert sliced == at_once
        seen += at_once["events"]
        if scroll is None:
            break
        parameters = {"scrollId": [scroll]}
    assert len({event["event"]["id"] for event in seen}) == len(seen)


def test_what_arrives_between_two_slices_is_not_in_the_page(filled, monkeypatch):
    real, calls = type(filled).page, 0

    def page(self, *args):
        nonlocal calls
        calls += 1
        if calls == 2:
            filled.append("org", [new("late")]).result()
        return real(self, *args)

    monkeypatch.setattr(type(filled), "page", page)
    parameters = {"size": ["10000"], "sortBy": ["receivedTime"]}
    data = asyncio.run(EventReader(filled, SEAL).read("org", None, parameters, 0))
    assert ids(data) == [f"org-{n}" for n in range(COUNT)]
    assert calls == 3


def test_slices_of_tenants_take_turns(filled, monkeypatch):
    real, order = type(filled).page, []

    def page(self, query, *args):
        order.append(query.organization)
        return real(self, query, *args)

    monkeypatch.setattr(type(filled), "page", page)

    async def main():
        made = EventReader(filled, SEAL)
        parameters = {"size": ["10000"]}
        reads = [made.read("org", None, parameters, 0) for _ in range(8)]
        await asyncio.gather(*reads, made.read("other", None, parameters, 0))

    asyncio.run(main())
    # Three slices of eight reads; the other tenant waits for one of them at a time.
    assert order.count("org") == 3 * 8
    assert [n for n, name in enumerate(order) if name == "other"][-1] <= 6


def test_small_pages_do_not_wait_for_large_ones(filled):
    async def main():
        made = EventReader(filled, SEAL)
        async with made._turns.of("org"):
            return await made.read("org", None, {"size": ["20"]}, 0)

    assert len(ids(asyncio.run(main()))) == 20


@pytest.mark.parametrize(
    ("query", "small"),
    [
        (EventQuery("org", size=read.SMALL), True),
        (EventQuery("org", size=read.SMALL + 1), False),
        (EventQuery("org", "contact"), True),
        (EventQuery("org", "contact", sort=Sort.RECEIVED_TIME), False),
        (EventQuery("org", "contact", types=(1,)), False),
        (EventQuery("org", "contact", start_at=1), False),
        (EventQuery("org", types=(1,), end_at=1), True),
    ],
)
def test_a_short_page_that_an_index_has_in_order_is_small(query, small):
    assert is_small(query) is small


def test_a_tenant_has_one_turn_at_a_time():
    async def main():
        turns = FairLimit(2)
        running: list[str] = []

        async def work(who):
            async with turns.of(who):
                assert who not in running
                assert len(running) < 2
                running.append(who)
                await asyncio.sleep(0)
                running.remove(who)

        await asyncio.gather(*(work(f"{n % 3}") for n in range(30)))
        assert len(turns) == 0

    asyncio.run(main())
