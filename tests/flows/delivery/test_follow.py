"""Whoever follows a log gets each entry after its position once, in order."""

import asyncio
import contextlib
import random
import secrets

import pytest

from footfall.core.events.types import TYPE_NUMBERS
from footfall.core.subscriptions import Subscription, heading_of
from footfall.flows.delivery import follow
from footfall.flows.delivery.follow import Followers
from footfall.store import Organization
from tests.store.test_contract import new

CONTACTS = ("ann", "bob")
PLACES = ("here", "there")
KINDS = ("login", "arriving")
WANTED = (
    Subscription(),
    Subscription(types=(TYPE_NUMBERS["login"],)),
    Subscription(contact="ann"),
    Subscription(locations=frozenset({"here"})),
    Subscription(types=(TYPE_NUMBERS["arriving"],), contact="bob"),
)


@pytest.fixture(autouse=True)
def organizations(store):
    for name in ("org", "other"):
        store.create_organization(Organization(name, name, 1)).result()


def some(rng, count):
    return [
        new(
            customerId=rng.choice(CONTACTS),
            event={"type": rng.choice(KINDS), "id": secrets.token_hex(16) + "l"},
            where={"locationId": rng.choice(PLACES)},
        )
        for _ in range(count)
    ]


async def collect(followers, wanted, position, end, rng):
    """Follow up to an arrival number; return the numbers of what was wanted."""
    found = []
    async with contextlib.aclosing(followers.follow("org", wanted, position)) as parts:
        async for part in parts:
            found += [m.arrival for m in part.messages if wanted.wants(m.heading)]
            if part.end >= end:
                return found
            for _ in range(rng.randrange(3)):  # some are slow
                await asyncio.sleep(0)
    raise AssertionError("the log ended")


def expected(log, wanted, position):
    return [
        number
        for number, body in enumerate(log, 1)
        if number > position and wanted.wants(heading_of(body))
    ]


@pytest.mark.parametrize("seed", range(4))
def test_each_follower_gets_what_it_wants_once_and_in_order(store, monkeypatch, seed):
    # Small, so that followers fall behind and come back all the time.
    monkeypatch.setattr(follow, "READ_SIZE", 7)
    monkeypatch.setattr(follow, "PARTS_MAX", 3)
    monkeypatch.setattr(follow, "PART_BYTES_MAX", 1_000)
    rng = random.Random(seed)
    batches = [some(rng, rng.randrange(1, 30)) for _ in range(40)]
    log = [event.body for batch in batches for event in batch]

    async def run():
        followers = Followers(store)
        async with followers.running():
            following = []
            sent = 0
            for batch in batches:
                if rng.random() < 0.4:
                    wanted, position = rng.choice(WANTED), rng.randrange(sent + 1)
                    work = collect(followers, wanted, position, len(log), rng)
                    following.append((wanted, position, asyncio.ensure_future(work)))
                store.append("other", some(rng, 1))
                await asyncio.wrap_future(store.append("org", batch))
                sent += len(batch)
            for wanted, position, found in following:
                async with asyncio.timeout(30):
                    assert await found == expected(log, wanted, position)
            assert len(followers) == 0

    asyncio.run(run())


def test_a_wake_up_that_is_lost_is_made_good(store, monkeypatch):
    monkeypatch.setattr(follow, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(store, "watch", lambda _wake: lambda: None)

    async def run():
        followers = Followers(store)
        async with followers.running(), asyncio.timeout(30):
            work = collect(followers, Subscription(), 0, 3, random.Random(1))
            following = asyncio.ensure_future(work)
            await asyncio.sleep(0)
            await asyncio.wrap_future(store.append("org", some(random.Random(), 3)))
            assert await following == [1, 2, 3]

    asyncio.run(run())


def test_those_at_the_end_of_the_log_share_one_read(store, monkeypatch):
    reads = []
    entries = store.entries

    def counted(query, after):
        reads.append(after)
        return entries(query, after)

    monkeypatch.setattr(store, "entries", counted)

    async def run():
        followers = Followers(store)
        async with followers.running(), asyncio.timeout(30):
            many = [
                asyncio.ensure_future(
                    collect(followers, Subscription(), 0, 5, random.Random(n))
                )
                for n in range(50)
            ]
            while followers.count("org") < 50:  # noqa: ASYNC110  nobody says when
                await asyncio.sleep(0.01)
            await asyncio.wrap_future(store.append("org", some(random.Random(), 5)))
            assert {tuple(found) for found in await asyncio.gather(*many)} == {
                (1, 2, 3, 4, 5)
            }
            assert len(reads) < 5

    asyncio.run(run())


def test_what_follows_ends_when_the_followers_are_closed(store):
    async def run():
        followers = Followers(store)
        async with followers.running(), asyncio.timeout(30):
            parts = [part async for part in _closing(followers)]
            assert not [part for part in parts if part.messages]

    async def _closing(followers):
        following = followers.follow("org", Subscription(), 0)
        asyncio.get_running_loop().call_later(0.05, followers.close)
        async for part in following:
            yield part

    asyncio.run(run())
