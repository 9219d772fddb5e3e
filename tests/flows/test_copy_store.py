"""A store that is copied answers as before, on the other engine and back."""

import contextlib
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from footfall import service
from footfall.core import observations
from footfall.core.access import Role
from footfall.core.events import TYPES
from footfall.core.instants import DAY
from footfall.core.observations import Observation, PlaceReference, SourceBatch
from footfall.core.scrolls import ScrollSeal
from footfall.errors import AlreadyExists, OrganizationUnknown, StoreError
from footfall.flows import copy_store
from footfall.flows.accounts import tenants
from footfall.flows.contacts.manage import create_contact, read_contact
from footfall.flows.copy_store import Progress
from footfall.flows.events.read import read_events
from footfall.flows.presence.recompute import recompute
from footfall.flows.presence.reattribute import reattribute_all
from footfall.settings import Settings
from footfall.simulation.history import simulate
from footfall.store import Organization
from footfall.store.copying import BEFORE
from footfall.store.transaction import Reattribution, StoredRejection
from tests import postgres
from tests.flows.world import ANN, BOB, LATER, MADE_UP, START, World
from tests.shared import ENVIRONMENT

SECRET = postgres.SECRET
EVENTS = 10_000
SEAL = ScrollSeal(bytes(range(64)))
ZOE = bytes.fromhex("0c8ddb0000dd")
QUIET = Progress(lambda _: None, lambda _: None)
BOTH = ("org", "chain")


def sqlite(path):
    return Settings(store=f"sqlite:{path}", secret=SECRET)


@contextlib.contextmanager
def opened(chosen):
    store = service.open_store(chosen)
    try:
        yield store
    finally:
        store.close()


def copy(source, target, *organizations):
    with service.copying(source, target) as run:
        run.prepare(LATER)
        return [run.copy(one, QUIET) for one, _ in run.choose(organizations)]


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A file with all there is: two organizations, and a third with nothing."""
    path = tmp_path_factory.mktemp("filled") / "footfall.db"
    with opened(sqlite(path)) as store:
        store.create_organization(Organization("chain", "Chain", 1)).result()
        world = World(store)
        store.create_organization(Organization("empty", "Empty", 2)).result()
        simulate(store, "chain", EVENTS, 1, 20, lambda _: None)
        fill(world)
        simulate(store, "org", EVENTS, 2, 20, lambda _: None)
        store.erase("org", person_of(world, "zoe")).result()
        for name in BOTH:
            store.erase(name, customers(store, name)[-1]).result()
    return path


def fill(world):
    store = world.store
    secrets = service.source_secrets(store, SECRET)
    for kind in ("radius", "mist"):
        secrets.create("org", kind, START, secret=f"{kind} secret")
    role = Role.ORGANIZATION_MANAGER
    for scope in ("events_read", "events_write"):
        made = tenants.create_service(store, "org", role, (scope,), START)
    store.revoke_service(made.client_key, LATER).result()
    store.revoke_token("token", 2**61, LATER).result()
    world.set(minimum_dwell=3)
    world.set("shop", session_timeout=20)
    create_contact(store, "org", {"id": "kim", "email": "kim@example.com"}, START)
    world.log_in("ann", ANN, -40)
    world.hear(ANN, 0, 4, 8)
    world.hear(MADE_UP, 2, 9)
    world.log_in("bob", BOB, 3, at="shop", nas="nas-2", session="s1")
    world.hear(BOB, 5, 12, at="shop")
    by_id = [
        Observation(
            START + minute * DAY // 1440, PlaceReference(hotspot="h1"), contact="kim"
        )
        for minute in (1, 7, 30)
    ]
    world.take(SourceBatch(by_id))
    # Somebody came earlier: an arrival and a visit are withdrawn.
    world.close()
    world.hear(ANN, -9, -2)
    world.log_in("eve", MADE_UP, 40)
    world.hear(ANN, 60)
    world.log_in("zoe", ZOE, 10)
    world.hear(ZOE, 11, 20)
    # Left to be done when the server was stopped.
    moved = Reattribution(digest_of(store, BOB), START, START + DAY)
    store.transaction("org", lambda t: t.people.put_reattribution(moved)).result()
    some = [StoredRejection("plain", START, "no place", '{"x":1}')]
    store.transaction("org", lambda t: t.sources.add_rejections(some)).result()
    store.transaction("org", lambda t: t.registry.delete_hotspot("h2")).result()


def digest_of(store, device):
    key = store.read("org", lambda t: t.registry.load().device_key)
    return observations.digest(key, device)


def person_of(world, name):
    logins = [event["customerId"] for event in world.events("login")]
    return next(one for one in logins if world.name_of(one) == name)


def customers(store, organization):
    """Some who were seen last, so that they are simulated."""
    asked = {"size": ["500"], "sortReverse": ["true"]}
    body = read_events(store, SEAL, organization, None, asked, 0)
    found = [event["customerId"] for event in json.loads(body)["events"]]
    return sorted(dict.fromkeys(found))


def walks(store, organization):
    """Every order with every kind of filter, whole, as the bytes of its pages."""
    contacts = customers(store, organization)
    span = {"dateStart": ["2026-10-01"], "dateEnd": ["2026-11-03T12:00:00Z"]}
    filters = [
        (None, {}),
        (None, {"events": ["visit,login"]}),
        (None, span),
        (None, span | {"events": [TYPES[0]]}),
        *((contact, {}) for contact in contacts[:3]),
        *((contact, span) for contact in contacts[3:5]),
    ]
    return [
        pages(
            store,
            organization,
            contact,
            more | {"sortBy": [sort], "sortReverse": [way]},
        )
        for contact, more in filters
        for sort in ("businessTime", "utcTime", "receivedTime")
        for way in ("true", "false")
    ]


def pages(store, organization, contact, parameters):
    asked = parameters | {"size": ["3000"], "enableScroll": ["true"]}
    found = []
    while True:
        body = read_events(store, SEAL, organization, contact, asked, 0)
        found.append(body)
        answer = json.loads(body[: body.index(b'"events":')] + b'"events":[]}')
        if not answer["count"]:
            return found
        asked = {"scrollId": [answer["scrollId"]]}


def contents(store):
    """All that a store holds."""
    return {
        (one.id, table): sorted(store.rows_of(one.id, table, before), key=repr)
        for one in store.organizations()
        for table, before in BEFORE.items()
    }


def told(store):
    """What lists say, in their order."""
    tokens = [store.credential(one.client_key, "token") for one in store.services()]
    rejected = store.read("org", lambda t: t.sources.rejections(9))
    return (store.organizations(), store.services(), tokens, store.sources(), rejected)


def stored(chosen):
    with opened(chosen) as store:
        return (
            contents(store),
            told(store),
            {name: walks(store, name) for name in BOTH},
        )


def go_on(chosen):
    """Let life go on in a store: visits close, a late observation withdraws some."""
    with opened(chosen) as store:
        world = World.__new__(World)
        world.store, world.zone = store, "UTC"
        world.hear(ANN, -14, 61)
        world.log_in("eve", MADE_UP, 38)
        world.hear(MADE_UP, 41, 55)
        world.close(LATER + DAY)
        reattribute_all(store, LATER + DAY)
        recompute(
            store, "org", None, since=START - DAY, until=START + DAY, now=LATER + DAY,
            progress=lambda *_: None,
        )  # fmt: skip
        simulate(store, "chain", 500, 3, 2, lambda _: None)
        return (
            [pages(store, name, None, {"sortBy": ["receivedTime"]}) for name in BOTH],
            read_contact(store, "org", "kim"),
            world.visits(),
        )


def test_a_store_answers_the_same_on_the_other_engine_and_back(
    filled, postgres_url, tmp_path
):
    first, there = sqlite(filled), Settings(store=postgres_url, secret=SECRET)
    back = sqlite(tmp_path / "back.db")
    with opened(first) as store:
        scroll = scroll_of(store)
    copy(first, there)
    copy(there, back)
    before = stored(first)
    rows = {table: before[0]["org", table] for table in BEFORE}
    assert [table for table, some in rows.items() if not some] == []
    assert any(key is None for *_, key, _ in rows["log"]), "none withdrawn"
    assert any(name is None for _, name, *_ in rows["contact"]), "none erased"
    assert stored(there) == before
    assert stored(back) == before
    for chosen in (there, back):
        with opened(chosen) as store:
            # A scroll of before goes on.
            assert follow(store, scroll) == follow_in(first, scroll)
    shutil.copy(filled, tmp_path / "first.db")
    lives = [go_on(one) for one in (sqlite(tmp_path / "first.db"), there, back)]
    assert lives[1] == lives[0]
    assert lives[2] == lives[0]


def scroll_of(store):
    asked = {"size": ["700"], "enableScroll": ["true"]}
    return json.loads(read_events(store, SEAL, "org", None, asked, 0))["scrollId"]


def follow(store, scroll):
    return read_events(store, SEAL, "org", None, {"scrollId": [scroll]}, 0)


def follow_in(chosen, scroll):
    with opened(chosen) as store:
        return follow(store, scroll)
