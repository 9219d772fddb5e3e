"""A store that is copied answers as before, on the other engine and back."""

import contextlib
import json
import random
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter

import msgspec
import pytest

from footfall import service
from footfall.core import observations
from footfall.core.access import Role
from footfall.core.events.types import TYPES
from footfall.core.instants import DAY
from footfall.core.observations import Observation, PlaceReference, SourceBatch
from footfall.core.queries import EventQuery
from footfall.core.scrolls import ScrollSeal
from footfall.core.webhooks import Outcome
from footfall.errors import (
    AlreadyExists,
    OrganizationUnknown,
    SecretWrong,
    StoreError,
)
from footfall.flows.accounts import tenants, users
from footfall.flows.contacts.manage import create_contact, read_contact
from footfall.flows.copy_store import Progress
from footfall.flows.events.read import read_events
from footfall.flows.presence.reattribute import reattribute_all
from footfall.flows.presence.recompute import recompute
from footfall.settings import Settings
from footfall.simulation.history import simulate
from footfall.store import Organization
from footfall.store.copying import BEFORE
from footfall.store.transaction import HeardKind, Reattribution, StoredRejection
from footfall.store.webhooks import Attempt, PendingDelivery
from tests import postgres
from tests.flows.world import ANN, BOB, LATER, MADE_UP, START, World
from tests.shared import ENVIRONMENT
from tests.store.test_contract import new

SECRET = postgres.SECRET
EVENTS = 6_000
SEAL = ScrollSeal(bytes(range(64)))
ZOE = bytes.fromhex("0c8ddb0000dd")
QUIET = Progress(lambda _: None, lambda _: None)
BOTH = ("org", "chain")


@pytest.fixture
def chosen(chosen):
    """A store that is not there yet."""
    if not chosen.is_postgres:
        for file in chosen.path.parent.iterdir():
            file.unlink()
    return chosen


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
        copied = [run.copy(one, QUIET) for one, _ in run.choose(organizations)]
        run.finish()
        return copied


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
    tenants.create_service(store, "org", role, ("events_read",), START)
    ended = tenants.create_service(store, "org", role, ("events_write",), START)
    store.revoke_service(ended.client_key, LATER).result()
    store.revoke_token("token", 2**61, LATER).result()
    users.create_user(store, users.Person("org", "ann@example.com", "Ann"), START)
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
    hooks = service.webhooks(store, Settings(secret=SECRET))
    made = hooks.create("org", {"url": "https://a.example/"}, START).result()
    number = store.read("org", lambda t: t.webhooks.find(made.id)).number
    attempts = [
        Attempt(START, Outcome.FAILED, 1, 1, b"key", "kim", 5, 500, answer=b"no"),
        Attempt(START, Outcome.FAILED, 1, 2, b"yek", "kim", batched=True),
    ]
    store.transaction("org", lambda t: t.webhooks.add_attempts(number, attempts))
    waiting = [PendingDelivery((1, 2), 1, LATER, LATER)]
    store.transaction("org", lambda t: t.webhooks.put_pending(number, waiting))
    # Left to be done when the server was stopped.
    moved = Reattribution(digest_of(store, BOB), START, START + DAY)
    store.transaction("org", lambda t: t.people.put_reattribution(moved)).result()
    some = [StoredRejection("plain", START, "no place", '{"x":1}')]
    store.transaction("org", lambda t: t.sources.add_rejections(some)).result()
    heard = {(HeardKind.SOURCE, "B"): START, (HeardKind.SOURCE, "a"): LATER}
    store.transaction("org", lambda t: t.last_heard.note(heard)).result()
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
        (one.id, table): list(store.rows_of(one.id, table, before))
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


# Copies, and is killed at its n-th write to the target: before anybody knows whether it
# was committed, or (an odd one) after; at the 0th, when all is compared.
KILLED = """
import itertools, os, signal, sys
from footfall import service
from footfall.flows import copy_store
from footfall.settings import Settings
from footfall.store.relational.copying import SQLCopying

*stores, last, secret = sys.argv[1:]
calls, write = itertools.count(1), SQLCopying.add_rows

def stop(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def counted(self, *arguments):
    future = write(self, *arguments)
    if next(calls) == int(last):
        if int(last) % 2:
            future.result()
        stop()
    return future

SQLCopying.add_rows = counted
if last == "0":
    SQLCopying.end_copy = stop
copy_store.BATCH_ROWS = 800
quiet = copy_store.Progress(lambda _: None, lambda _: None)
with service.copying(*(Settings(store=one, secret=secret) for one in stores)) as run:
    for one, _ in run.choose(["org"]):
        run.copy(one, quiet)
    run.finish()
"""


@pytest.mark.long
def test_a_copy_that_is_killed_goes_on_where_it_was(filled, chosen):
    target = msgspec.structs.replace(chosen, secret=SECRET)
    source = sqlite(filled)
    for last in (2, 5, 12, 0):
        command = [sys.executable, "-c", KILLED, source.store, target.store]
        done = subprocess.run(
            [*command, str(last), SECRET],
            env=ENVIRONMENT,
            check=False,
            stderr=subprocess.PIPE,
        )
        assert done.returncode == -signal.SIGKILL, done.stderr
        with opened(target) as store:
            assert store.page(EventQuery("org")).count == 0, "shown before it is whole"
    [copied] = copy(source, target, "org")
    with opened(source) as one, opened(target) as other:
        whole, there = contents(one), contents(other)
    assert there == {key: rows for key, rows in whole.items() if key[0] == "org"}
    assert copied.rows == sum(map(len, there.values()))
    [again] = copy(source, target, "org")
    assert again.before


@pytest.fixture
def small(tmp_path):
    """A file with an organization, a device and a source."""
    chosen = sqlite(tmp_path / "small.db")
    with opened(chosen) as store:
        world = World(store)
        world.log_in("ann", ANN, 0)
        world.hear(ANN, 5)
        service.source_secrets(store, SECRET).create("org", "mist", 0, secret="1234")
    return chosen


def test_a_store_with_a_secret_of_its_own_can_read_all_of_its_copy(small, chosen):
    own = msgspec.structs.replace(chosen, secret="s" * 40)
    with service.copying(small, own) as run:
        assert run.renews_secret
    copy(small, own)
    with opened(small) as store:
        keys = digest_of(store, ANN)
        people = customers(store, "org")
    with opened(own) as store:
        assert digest_of(store, ANN) == keys
        assert [read_contact(store, "org", one).id for one in people] == people
        [source] = store.sources()
        assert service.source_secrets(store, "s" * 40).open(source) == "1234"
    with pytest.raises(SecretWrong):
        service.open_store(msgspec.structs.replace(own, secret=SECRET))


def test_a_secret_that_nobody_can_open_stays_as_it_is(small, tmp_path):
    with opened(small) as store:
        secrets = service.source_secrets(store, "older" * 8)
        secrets.create("org", "mist", 0, secret="5678")
    own = Settings(store=f"sqlite:{tmp_path}/own.db", secret="s" * 40)
    copy(small, own)
    with opened(own) as store:
        assert [secrets.can_open(one) for one in store.sources()] == [False, True]


def test_an_organization_that_is_no_copy_is_left_alone(small, chosen):
    target = msgspec.structs.replace(chosen, secret=SECRET)
    with opened(target) as store:
        store.create_organization(Organization("org", "Other", 0)).result()
        before = contents(store)
    with pytest.raises(AlreadyExists, match="no copy of this one"):
        copy(small, target)
    with opened(target) as store:
        assert contents(store) == before
    with pytest.raises(AlreadyExists, match="no copy of this one"):
        copy(small, small)


def test_another_store_is_not_copied_over_a_copy(small, chosen, tmp_path):
    target = msgspec.structs.replace(chosen, secret=SECRET)
    copy(small, target)
    other = sqlite(tmp_path / "other.db")
    with opened(other) as store:
        World(store)
    with pytest.raises(AlreadyExists, match="no copy of this one"):
        copy(other, target)


def test_only_postgresql_takes_in_organizations_beside_others(
    small, postgres_url, tmp_path
):
    other = sqlite(tmp_path / "other.db")
    shared = Settings(store=postgres_url, secret=SECRET)
    for place in (other, shared):
        with opened(place) as store:
            store.create_organization(Organization("other", "Other", 0)).result()
            simulate(store, "other", 50, 1, 2, lambda _: None)
    with pytest.raises(AlreadyExists, match="copy into a new file"):
        copy(small, other)
    copy(small, shared)
    with opened(shared) as store:
        found = {name: walks(store, name) for name in ("other", "org")}
    with opened(small) as store:
        assert found["org"] == walks(store, "org")
    with opened(other) as store:
        assert found["other"] == walks(store, "other")


def test_numbers_that_meet_in_a_file_are_said(small, postgres_url, tmp_path):
    other, shared = sqlite(tmp_path / "other.db"), Settings(
        store=postgres_url, secret=SECRET
    )  # fmt: skip
    with opened(other) as store:
        store.create_organization(Organization("other", "Other", 0)).result()
        simulate(store, "other", 50, 1, 2, lambda _: None)
    for source in (small, other):
        copy(source, shared)
    file = sqlite(tmp_path / "both.db")
    with pytest.raises(AlreadyExists, match="into a file of its own"):
        copy(shared, file)
    for name in ("org", "other"):
        copy(shared, sqlite(tmp_path / f"{name}-alone.db"), name)


def test_a_source_that_changes_is_noticed(small, chosen):
    target = msgspec.structs.replace(chosen, secret=SECRET)

    def write(_rows):
        original.transaction("org", lambda _: None).result()

    with opened(small) as original, service.copying(small, target) as run:
        [(one, _)] = run.choose(())
        run.copy(one, Progress(lambda _: None, write))
        with pytest.raises(StoreError, match="has changed in the source"):
            run.finish()
        with pytest.raises(StoreError, match="has changed in the source"):
            run.copy(one, QUIET)
    with opened(target) as store:
        assert store.page(EventQuery("org")).count == 0
    with pytest.raises(StoreError, match="itself a copy that is not complete"):
        copy(target, small)


def test_a_copy_that_is_not_the_same_is_noticed(small, chosen):
    target = msgspec.structs.replace(chosen, secret=SECRET)

    def write(_rows):
        copied.transaction("org", lambda t: t.people.put_contact("x")).result()

    with opened(target) as copied, service.copying(small, target) as run:
        [(one, _)] = run.choose(())
        with pytest.raises(StoreError, match="is not the same: its contact has"):
            run.copy(one, Progress(lambda _: None, write))


def test_a_store_that_a_server_works_on_is_refused(small, chosen):
    target = msgspec.structs.replace(chosen, secret=SECRET)
    for name, place in (("source", small), ("target", target)):
        with opened(place) as store:
            store.take_lease("presence", "server", LATER, LATER + 5).result()
            with pytest.raises(StoreError, match=f"works on the {name}"):
                copy(small, target)
            store.give_up_leases("server").result()
    with pytest.raises(OrganizationUnknown, match="nobody in the source"):
        copy(small, target, "nobody")


def test_a_copied_file_has_no_remains_of_its_contacts_that_erasing_would_miss(tmp_path):
    source, target = sqlite(tmp_path / "source.db"), sqlite(tmp_path / "target.db")
    chance = random.Random(2)
    with opened(source) as store:
        for name in BOTH:
            store.create_organization(Organization(name, name, 0)).result()
        # Their numbers alternate, so the second ones come in between the first.
        for first in range(0, 3_000, 10):
            contacts = [
                f"canary-{number:05}-{'x' * chance.randint(1, 80)}"
                for number in range(first, first + 10)
            ]
            for name in BOTH:
                store.append(name, [new(customerId=f"{name}-{c}") for c in contacts])
    copy(source, target)
    data = (tmp_path / "target.db").read_bytes()
    found = Counter(re.findall(rb"(?:org|chain)-canary-\d{5}", data))
    # In the contact's row and in the event's body.
    assert set(found.values()) == {2}
    assert len(found) == 6_000
