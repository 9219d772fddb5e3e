"""A page costs what it shows, not what is stored: in every order, by every filter."""

import itertools
import json
import random

import apsw
import msgspec
import pytest

from footfall.core import instants
from footfall.core.events.structs import NewEvent
from footfall.core.events.types import TYPE_NUMBERS, TYPES
from footfall.core.instants import DAY, HOUR, MINUTE
from footfall.core.queries import EventQuery, Sort
from footfall.store import Organization
from footfall.store.relational.contact_spans import MANY
from footfall.store.sqlite import pages
from footfall.store.sqlite.arms import KEYS
from tests.shared import open_sqlite

START = instants.parse_instant("2026-01-01T00:00:00Z")
SMALL, FACTOR = 3_000, 10
SIZE = 20
RARE = TYPE_NUMBERS["promo"]
# Opcodes of SQLite's machine: what a page of 20 may take of them, whatever is stored.
STEPS_MAX = 20_000


def made(path, count):
    """Make a store: a year of events that arrive nearly in order, of several zones."""
    rng = random.Random(1)
    store = open_sqlite(path)
    for name in ("org", "dense"):
        store.create_organization(Organization(name, name, 0)).result()
        for first in range(0, count, 1_000):
            store.append(
                name, [event(rng, n, count) for n in range(first, first + 1_000)]
            )
    store.check().result()
    return store


def event(rng, number, count):
    at = START + 360 * DAY * number // count + rng.randrange(-HOUR, HOUR)
    offset = rng.choice((-8, -7, 1)) * HOUR if number % 101 else 3 * DAY
    kind = RARE if number % (count // 5) == 7 else rng.randrange(12)
    contact = f"contact {rng.randrange(count // 20)}"
    body = b'{"n":%d}' % number
    return NewEvent(rng.randbytes(17), contact, kind, at, at + offset, body, body)


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    small = made(folder / "small.db", SMALL)
    large = made(folder / "large.db", SMALL * FACTOR)
    yield small, large
    small.close()
    large.close()


TYPE_CHOICES = {
    "all": tuple(range(len(TYPES))),
    "one": (2,),
    "rare": (RARE,),
    "some": (1, 3, RARE),
    "all but one": tuple(range(1, len(TYPES))),
}
DAYS = {
    "always": (None, None),
    "from late on": (START + 350 * DAY, None),
    "until early": (None, START + 10 * DAY),
    "a day": (START + 180 * DAY, START + 181 * DAY),
    "some hours": (START + 180 * DAY, START + 180 * DAY + 5 * HOUR),
    "a minute": (START + 180 * DAY, START + 180 * DAY + MINUTE),
    "in years to come": (START + 3_000 * DAY, None),
    "years ago": (None, START - 3_000 * DAY),
}
COMBINATIONS = list(
    itertools.product(Sort, (False, True), TYPE_CHOICES, DAYS, (False, True))
)


def query_of(sort, reverse, types, days, contact):
    start, end = DAYS[days]
    return EventQuery(
        "org",
        "contact 7" if contact else None,
        types=TYPE_CHOICES[types],
        start_at=start,
        end_at=end,
        sort=sort,
        reverse=reverse,
        size=SIZE,
    )


def steps_of(store, query, after=None):
    """Return how many opcodes a page takes, and the page."""
    counted = 0

    def on_profile(trace):
        nonlocal counted
        counted += trace["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"]

    with store._readers.one() as connection:
        connection.trace_v2(apsw.SQLITE_TRACE_PROFILE, on_profile)
    page = store.page(query, after)
    with store._readers.one() as connection:
        connection.trace_v2(0)
    return counted, page


@pytest.mark.parametrize("contact", [False, True])
@pytest.mark.parametrize("days", DAYS)
@pytest.mark.parametrize("sort", Sort)
def test_a_page_takes_no_more_steps_where_ten_times_as_much_is_stored(
    stores, sort, days, contact
):
    small, large = stores
    for reverse, types in itertools.product((False, True), TYPE_CHOICES):
        query = query_of(sort, reverse, types, days, contact)
        before, page = steps_of(small, query)
        after, fuller = steps_of(large, query)
        named = f"{query}: {before} and {after} steps"
        assert 0 < before < STEPS_MAX, named
        assert after < STEPS_MAX, named
        # Where the small store fills no page, it has less to read.
        if page.count == fuller.count:
            # A few blocks more are passed over.
            assert after <= 1.5 * before + 3_000, named
        if page.has_more:
            on, _ = steps_of(large, query, large.page(query).last)
            assert on <= 1.5 * before + 3_000, named


@pytest.mark.parametrize("span", [2 * MINUTE, HOUR, 5 * HOUR, 8 * HOUR, DAY, 3 * DAY])
@pytest.mark.parametrize("reverse", [False, True])
def test_a_short_span_in_local_order_costs_a_page_however_dense_it_is(
    crowded, span, reverse
):
    query = EventQuery("org", start_at=START + DAY, end_at=START + DAY + span - 1)
    query = msgspec.structs.replace(query, size=SIZE, reverse=reverse)
    steps, page = steps_of(crowded, query)
    assert page.count == SIZE
    assert steps < STEPS_MAX


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("sort", Sort)
def test_a_page_of_a_contact_costs_the_same_however_many_events_the_contact_has(
    crowded, sort, reverse
):
    query = EventQuery("org", "c", sort=sort, size=SIZE, reverse=reverse)
    middle = crowded.page(msgspec.structs.replace(query, size=10_000)).last
    for after in (None, middle):
        steps, page = steps_of(crowded, query, after)
        assert page.count == SIZE
        # Twice as many, for a short span of them is sorted.
        assert steps < 2 * STEPS_MAX, after


@pytest.fixture(scope="module")
def crowded(tmp_path_factory):
    """Make a store of 100,000 events within four days, in zones far apart."""
    rng = random.Random(2)
    store = open_sqlite(tmp_path_factory.mktemp("crowded") / "crowded.db")
    store.create_organization(Organization("org", "Org", 0)).result()
    for first in range(0, 100_000, 5_000):
        batch = []
        for number in range(first, first + 5_000):
            at = START + 4 * DAY * number // 100_000
            local_at = at + rng.choice((-8, -7, 1)) * HOUR
            batch.append(NewEvent(rng.randbytes(17), "c", 3, at, local_at, b"{}", b""))
        store.append("org", batch).result()
    yield store
    store.close()


@pytest.mark.parametrize("many", [MANY, 0])
def test_pages_are_what_a_plain_list_says(stores, many, monkeypatch):
    monkeypatch.setattr(pages, "MANY", many)
    store, _ = stores
    rows = stored(store)
    for combination in COMBINATIONS:
        query = query_of(*combination)
        page, after, found = None, None, []
        while page is None or page.has_more:
            page = store.page(query, after)
            found += [one["n"] for one in json.loads(b"[" + page.body + b"]")]
            after = page.last
            if len(found) >= 100:
                break
        expected = [row["n"] for row in rows if matches(query, row)]
        order = {row["n"]: row for row in rows}
        expected.sort(key=lambda n: key_of(query, order[n]), reverse=query.reverse)
        assert found == expected[: len(found)], query
        assert page.has_more or len(found) == len(expected), query


def stored(store):
    with store._readers.one() as connection:
        found = connection.execute(
            "SELECT event.number, type, created_at, local_at, id, body "
            "FROM event JOIN body USING (number) "
            "JOIN contact ON contact.number = contact "
            "WHERE event.organization = 1"
        ).fetchall()
    names = ("number", "type", "created_at", "local_at", "contact")
    return [
        dict(zip(names, row[:5], strict=True)) | json.loads(row[5]) for row in found
    ]


def matches(query, row):
    return (
        row["type"] in query.types
        and query.contact in (None, row["contact"])
        and (query.start_at is None or row["created_at"] >= query.start_at)
        and (query.end_at is None or row["created_at"] <= query.end_at)
    )


def key_of(query, row):
    return row[KEYS[query.sort]], row["number"]
