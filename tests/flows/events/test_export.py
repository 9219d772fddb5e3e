"""An export: constant memory, turns with others, and files whole or not there."""

import asyncio
import contextlib
import csv
import fcntl
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from footfall.core.events.structs import NewEvent
from footfall.core.flat_events import COLUMNS
from footfall.core.queries import EventQuery, Position, Sort
from footfall.core.scrolls import ScrollSeal
from footfall.errors import AlreadyExists, Invalid, OrganizationUnknown
from footfall.flows.events import export_file as files
from footfall.flows.events.export import (
    SLICE_BYTES,
    LineFormat,
    Slices,
    begin_export,
    lines_of,
)
from footfall.flows.events.export_file import Progress, Shape, export_file
from footfall.flows.events.export_tables import Kind
from footfall.flows.events.read import EventReader
from footfall.store import Organization
from tests.conftest import EXAMPLE
from tests.store.test_contract import accept, new

SEAL = ScrollSeal(bytes(64))
COUNT = 3_000
QUERY = EventQuery("org")
SILENT = Progress(lambda *_: None, lambda *_: None)


@pytest.fixture
def filled(store):
    for name in ("org", "other"):
        store.create_organization(Organization(name, name, 0)).result()
    store.append("org", [dated(number) for number in range(COUNT)]).result()
    return store


def dated(number: int) -> NewEvent:
    """Make an event; there are seven days, in no order."""
    local = f"2026-05-0{1 + number * 3 % 7}T10:00:{number % 60:02}Z"
    when = {"createdAt": local, "createdAtLocal": local, "timezone": "UTC"}
    made: NewEvent = new(f"id-{number:05}", when=when, customerId=f"guest-{number % 2}")
    return made


def id_of(line: bytes) -> str:
    return str(json.loads(line)["event"]["id"])


def all_ids(slices: Slices) -> list[str]:
    found: list[str] = []
    while not slices.ended:
        found += map(id_of, lines_of(slices.next()))
    return found


# -- slices ----------------------------------------------------------------------


def test_slices_shrink_so_that_their_bytes_stay_bounded(filled):
    filled.append("org", [new(extra="x" * 60_000) for _ in range(150)]).result()
    slices = Slices(filled, EventQuery("org", sort=Sort.RECEIVED_TIME, reverse=True))
    sizes = []
    while not slices.ended:
        sizes.append(len(slices.next().body))
    assert slices.count == COUNT + 150
    assert max(sizes[1:]) < 2 * SLICE_BYTES


@pytest.mark.parametrize("sort", Sort)
def test_what_arrives_between_two_slices_is_in_none(filled, sort):
    slices = Slices(filled, EventQuery("org", sort=sort))
    first = lines_of(slices.next())
    filled.append("org", [new("late")]).result()
    found = [*map(id_of, first), *all_ids(slices)]
    assert (len(found), len(set(found)), "late" in found) == (COUNT, COUNT, False)


def test_events_erased_meanwhile_just_disappear(filled):
    slices = Slices(filled, QUERY)
    first = lines_of(slices.next())
    filled.erase("org", "guest-1").result()
    found = all_ids(slices)
    assert all(int(one[3:]) % 2 == 0 for one in found)
    assert {*map(id_of, first), *found} >= {f"id-{n:05}" for n in range(0, COUNT, 2)}


def test_the_export_of_a_contact_erased_meanwhile_ends(filled):
    slices = Slices(filled, EventQuery("org", "guest-1"))
    slices.next()
    filled.erase("org", "guest-1").result()
    assert (all_ids(slices), slices.ended) == ([], True)


def test_the_end_by_arrival_is_a_position_to_go_on_from(filled):
    slices = Slices(filled, EventQuery("org", sort=Sort.RECEIVED_TIME))
    all_ids(slices)
    scroll = slices.scroll
    assert scroll is not None
    assert scroll.position == Position(scroll.bound, scroll.bound)
    filled.append("org", [new("later")]).result()
    assert all_ids(Slices(filled, scroll.query, scroll.position, scroll.bound)) == [
        "later"
    ]


def test_an_export_takes_turns_with_the_large_pages_of_others(filled, monkeypatch):
    filled.append("other", [new() for _ in range(300)]).result()
    real, order = type(filled).page, []

    def page(self, query, *args):
        order.append(query.organization)
        return real(self, query, *args)

    monkeypatch.setattr(type(filled), "page", page)

    async def main():
        reader = EventReader(filled, SEAL)
        made = await begin_export(reader, "org", None, {}, LineFormat(SEAL))
        async with contextlib.aclosing(made) as chunks:
            await anext(chunks)
            await reader.read("other", None, {"size": ["300"]}, 0)
            assert order.count("org") <= 3
            rest = [one async for one in chunks]
        assert rest[-1].endswith(b'"complete":true,"count":%d}}\n' % COUNT)

    asyncio.run(main())
    assert order.count("other") == 1


# -- files -----------------------------------------------------------------------


def test_a_file_of_lines_has_all_events_and_nothing_else_is_left(filled, tmp_path):
    target = tmp_path / "events.ndjson"
    assert export_file(filled, QUERY, target, Shape(Kind.NDJSON), SILENT) == COUNT
    page = filled.page(EventQuery("org", size=10_000))
    assert b"[%s]" % page.body == b"[%s]" % b",".join(target.read_bytes().splitlines())
    assert list(tmp_path.iterdir()) == [target]


def interrupted_at(number: int) -> Progress:
    def read(count, total):
        if count >= number:
            raise KeyboardInterrupt

    return Progress(read, lambda _: None)


@pytest.mark.long
@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("torn", [b"", b'{"customerId":"gue'])
def test_an_export_that_was_killed_goes_on_without_a_gap_or_a_repeat(
    filled, tmp_path, monkeypatch, kind, torn
):
    monkeypatch.setattr(files, "_CHECKPOINT_EVERY", 1)
    target, part = tmp_path / "whole", tmp_path / "whole.part"
    for number in (1, 1_000):
        with pytest.raises(KeyboardInterrupt):
            export_file(filled, QUERY, target, Shape(kind), interrupted_at(number))
        assert not target.exists()
        with part.open("ab") as file:
            file.write(torn)  # written, but its position was not noted
    filled.append("org", [new("late")]).result()
    assert export_file(filled, QUERY, target, Shape(kind), SILENT) == COUNT
    once = tmp_path / "once"
    filled.erase("org", "guest").result()  # whose event came late
    export_file(filled, QUERY, once, Shape(kind), SILENT)
    assert once.read_bytes() == target.read_bytes()
    assert {one.name for one in tmp_path.iterdir()} == {"whole", "once"}


def test_an_export_interrupted_while_it_writes_tables_goes_on(filled, tmp_path):
    def stop(_):
        raise KeyboardInterrupt

    target, shape = tmp_path / "days", Shape(Kind.CSV, by_date=True)
    with pytest.raises(KeyboardInterrupt):
        export_file(filled, QUERY, target, shape, Progress(lambda *_: None, stop))
    assert not target.exists()
    assert export_file(filled, QUERY, target, shape, SILENT) == COUNT
    assert list(tmp_path.iterdir()) == [target]


def test_the_rest_of_another_export_is_left_alone(filled, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_CHECKPOINT_EVERY", 1)
    target, shape = tmp_path / "events", Shape(Kind.NDJSON)
    with pytest.raises(KeyboardInterrupt):
        export_file(filled, QUERY, target, shape, interrupted_at(1))
    kept = (tmp_path / "events.part").read_bytes()
    with pytest.raises(Invalid, match="other events"):
        export_file(filled, EventQuery("org", types=(1,)), target, shape, SILENT)
    assert (tmp_path / "events.part").read_bytes() == kept


def test_an_export_never_overwrites_and_has_no_rival(filled, tmp_path):
    target, shape = tmp_path / "events", Shape(Kind.NDJSON)
    with (tmp_path / "events.part").open("wb") as rival:
        fcntl.flock(rival, fcntl.LOCK_EX)
        with pytest.raises(AlreadyExists, match="Another run"):
            export_file(filled, QUERY, target, shape, SILENT)
    target.write_text("mine")
    with pytest.raises(AlreadyExists, match="delete it"):
        export_file(filled, QUERY, target, shape, SILENT)
    assert target.read_text() == "mine"


def test_an_export_of_an_unknown_organization_leaves_nothing(filled, tmp_path):
    with pytest.raises(OrganizationUnknown):
        export_file(
            filled, EventQuery("no"), tmp_path / "x", Shape(Kind.NDJSON), SILENT
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", Kind)
def test_files_by_date_have_the_events_of_their_day(filled, tmp_path, kind):
    target, shape = tmp_path / "days", Shape(kind, by_date=True)
    export_file(filled, QUERY, target, shape, SILENT)
    days = sorted(one.name for one in target.iterdir())
    assert days == [f"date=2026-05-0{number}" for number in range(1, 8)]
    counts = [count_of(target / day / f"events.{kind}", day, kind) for day in days]
    assert sum(counts) == COUNT


def count_of(path: Path, day: str, kind: Kind) -> int:
    if kind is Kind.PARQUET:
        local = pq.read_table(path)["when.createdAtLocal"].to_pylist()
        dates = [one.date().isoformat() for one in local]
    elif kind is Kind.CSV:
        with path.open(newline="") as file:
            dates = [r["when.createdAtLocal"][:10] for r in csv.DictReader(file)]
    else:
        lines = path.read_bytes().splitlines()
        dates = [json.loads(one)["when"]["createdAtLocal"][:10] for one in lines]
    assert set(dates) == {day.removeprefix("date=")}
    return len(dates)


def test_files_by_date_need_the_order_of_the_venues_clock(filled, tmp_path):
    query = EventQuery("org", sort=Sort.RECEIVED_TIME)
    with pytest.raises(Invalid, match="businessTime"):
        export_file(
            filled, query, tmp_path / "x", Shape(Kind.CSV, by_date=True), SILENT
        )


def test_parquet_has_typed_columns_and_the_values_of_the_example(store, tmp_path):
    store.create_organization(Organization("org", "Org", 0)).result()
    sent = [one | {"organizationId": "org"} for one in EXAMPLE]
    store.append("org", [accept(one) for one in sent]).result()
    target = tmp_path / "events.parquet"
    query = EventQuery("org", sort=Sort.RECEIVED_TIME)
    export_file(store, query, target, Shape(Kind.PARQUET), SILENT)
    table = pq.read_table(target)
    assert table.column_names == list(COLUMNS)
    types = {field.name: str(field.type) for field in table.schema}
    assert types["when.createdAt"] == "timestamp[us, tz=UTC]"
    assert types["when.createdAtLocal"] == "timestamp[us]"
    assert types["event.visit.duration"] == "int64"
    assert types["event.withdrawn"] == "bool"
    assert table["event.id"].to_pylist() == [one["event"]["id"] for one in sent]
    assert [one.strftime("%FT%TZ") for one in table["when.createdAt"].to_pylist()] == [
        one["when"]["createdAt"] for one in sent
    ]


@pytest.mark.parametrize("kind", [Kind.CSV, Kind.PARQUET])
def test_a_table_without_events_has_its_columns(filled, tmp_path, kind):
    target = tmp_path / "nothing"
    export_file(filled, EventQuery("other"), target, Shape(kind), SILENT)
    if kind is Kind.CSV:
        assert target.read_text() == ",".join(COLUMNS) + "\n"
    else:
        assert pq.read_table(target).column_names == list(COLUMNS)
