"""What only SQLite does: the file, its guard, and what erasure leaves on the disk."""

import contextlib
import itertools
import os
import random
import re
import secrets
import sqlite3
import subprocess
import sys
from importlib import resources
from pathlib import Path

import apsw
import pytest

from footfall.core.events.acceptance import accept
from footfall.core.events.structs import NewEvent
from footfall.core.events.types import TYPES
from footfall.core.instants import DAY
from footfall.core.queries import EventQuery, Position, Sort
from footfall.errors import EngineTooOld, StoreForeign, StoreNewer, StoreUnwritable
from footfall.store import Organization
from footfall.store.postgres import session as postgres_session
from footfall.store.postgres import statements as postgres_statements
from footfall.store.relational.offsets import local_spans
from footfall.store.sqlite import bulk, connections
from footfall.store.sqlite.arms import arms_of, arms_of_many, order_of, ranges_of
from footfall.store.sqlite.statements import SQL
from footfall.store.sqlite.synced import SyncedFile
from tests.shared import open_sqlite

HEXADECIMAL = re.compile(rb"[0-9a-f]{32,}")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "footfall.db"


def fill(path, contacts=200, count=4_000):
    """Make a store of random contacts with bodies of all lengths; return ids."""
    rng = random.Random(1)
    names = [f"{rng.getrandbits(128):032x}" for _ in range(contacts)]
    store = open_sqlite(path)
    store.create_organization(Organization("org", "Org", 0)).result()
    for _ in range(8):
        batch = []
        for _ in range(count // 8):
            name = rng.choice(names)
            pad = "x" * rng.choice((10, 200, 700, 5_000, 20_000))
            raw = (
                f'{{"customerId":"{name}","event":{{"type":"login",'
                f'"id":"{rng.getrandbits(128):032x}l"}},"mail":"{name}@guests",'
                f'"pad":"{pad}"}}'
            )
            batch.append(accept(raw.encode(), "org", 0, secrets.token_hex))
        store.append("org", batch).result()
    return store, names


def test_an_erased_contact_is_gone_from_the_bytes_of_the_files(path):
    store, names = fill(path)
    # In steps, for rebalancing could copy what an earlier one left.
    for count, name in enumerate(names[:30], start=1):
        store.erase("org", name).result()
        if count % 10 == 0:
            for file in path.parent.glob("footfall.db*"):
                if file.name != "footfall.db-shm":
                    ids = b" ".join(HEXADECIMAL.findall(file.read_bytes()))
                    assert not [n for n in names[:count] if n.encode() in ids], file
    assert store.page(EventQuery("org", names[150])).count > 0
    assert store.check_health()["problems"] == []
    store.close()


def test_a_reader_beside_it_does_not_keep_erased_bytes_in_the_wal(path):
    store, names = fill(path, contacts=5, count=80)
    reader = apsw.Connection(str(path))
    reader.execute("BEGIN; SELECT count(*) FROM body").fetchall()
    assert store.erase("org", names[0]).result().bytes_pending
    reader.execute("ROLLBACK")
    assert not store.finish_erasures().result()
    for file in (path, path.with_name("footfall.db-wal")):
        assert names[0].encode() not in file.read_bytes()
    reader.close()
    store.close()


LOCKED = """
import fcntl, struct, sys
with open(sys.argv[1], "r+b") as file:
    asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0x40000002, 510, 0)
    answer = fcntl.fcntl(file, fcntl.F_GETLK, asked)
print(struct.unpack("hhqqi4x", answer)[0] != fcntl.F_UNLCK)
"""


def test_an_open_store_keeps_its_lock_so_that_nobody_takes_its_wal_away(path):
    # Made, then opened as it is: neither may give the lock up again.
    for _ in range(2):
        store = open_sqlite(path)
        store.create_organization(Organization(secrets.token_hex(4), "O", 0)).result()
        store.check_health()
        assert is_locked(path)
        store.close()


def is_locked(path):
    done = subprocess.run(
        [sys.executable, "-c", LOCKED, path], capture_output=True, check=True
    )
    return done.stdout == b"True\n"


def test_a_store_that_synced_its_file_keeps_its_lock(path):
    store = open_sqlite(path)
    # The last step of an erasure syncs the database.
    assert not store.purge()
    assert is_locked(path)
    store.close()
    assert str(path) not in open_files()


def test_the_synced_file_is_closed_with_the_last_store_that_has_it(path):
    path.touch()
    shares = [SyncedFile(path) for _ in range(3)]
    for share in shares:
        share.sync()
    assert open_files().count(str(path)) == 1
    for share in shares[:-1]:
        share.close()
        share.close()
    assert str(path) in open_files()
    shares[-1].close()
    assert str(path) not in open_files()


def test_a_sync_that_fails_is_an_error_of_the_engine(path):
    file = SyncedFile(path)
    with pytest.raises(apsw.IOError, match="No such file"):
        file.sync()
    file.close()


def open_files():
    found = []
    for one in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.append(str(one.readlink()))
    return found


def test_another_programs_database_is_not_touched(path):
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE theirs (x)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(StoreForeign, match="not a footfall database"):
        open_sqlite(path)
    assert path.read_bytes() == before
    assert [f.name for f in path.parent.iterdir()] == ["footfall.db"]


@pytest.mark.parametrize("data", [b"x", b"Once upon a time" * 100])
def test_a_file_that_is_no_database_is_not_touched(path, data):
    path.write_bytes(data)
    with pytest.raises(StoreForeign):
        open_sqlite(path)
    assert path.read_bytes() == data


def test_a_newer_schema_is_refused(path):
    open_sqlite(path).close()
    connection = apsw.Connection(str(path))
    connection.pragma("user_version", 99)
    connection.close()
    with pytest.raises(StoreNewer, match="start the newer footfall"):
        open_sqlite(path)


def test_a_missing_folder_is_reported(tmp_path):
    with pytest.raises(StoreUnwritable, match="cannot be written"):
        open_sqlite(tmp_path / "nowhere" / "footfall.db")


def test_a_folder_in_place_of_the_file_is_reported(tmp_path):
    with pytest.raises(StoreUnwritable, match="cannot be read"):
        open_sqlite(tmp_path)


@pytest.mark.parametrize("version", ["3.40.1", "3.51.2", "3.7.17"])
def test_an_engine_with_the_wal_bug_is_refused(version):
    with pytest.raises(EngineTooOld, match="install a newer apsw"):
        connections.check_engine(version)


def test_the_engine_here_is_new_enough():
    connections.check_engine(apsw.sqlite_lib_version())


def test_a_store_is_opened_again_as_it_was(path):
    store, _ = fill(path, contacts=3, count=80)
    store.close()
    store = open_sqlite(path)
    assert store.page(EventQuery("org", size=100)).count == 80
    store.close()
    assert path.with_name("footfall.db-wal").exists() is False


def test_the_settings_that_keep_data_safe_are_on(path):
    store = open_sqlite(path)
    assert store.check_health()["pragmas"] == {
        "journal_mode": "wal",
        "synchronous": 2,
        "secure_delete": 1,
    }
    store.close()


# -- no read scans ---------------------------------------------------------------


PAGE_STATEMENTS = ("ends", "last", "bodies", "few", "entries")


def plan(connection, sql, values):
    rows = connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)
    return [row[3] for row in rows]


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("contact", [None, "guest"])
@pytest.mark.parametrize("types", [(), (3,), (1, 3, 5)])
def test_no_page_scans_or_sorts_the_events(path, sort, contact, types):
    store = open_sqlite(path)
    with store._readers.snapshot() as connection:
        for start, end, reverse, after, name in itertools.product(
            (None, 5), (None, 9), (False, True), (None, Position(7, 7)), PAGE_STATEMENTS
        ):
            query = EventQuery("org", contact, start, end, types, sort, reverse)
            arms = arms_of(query, local_spans(query, lambda *_: []))
            ranges, values = ranges_of(query, arms, after)
            values |= {"organization": 1, "contact": 2, "bound": 100}
            order = order_of(query, arms, reverse)
            sql = SQL[name].format(ranges=ranges, order=order, opposite=order)
            steps = plan(connection, sql, values)
            assert not [s for s in steps if s.startswith(("SCAN event", "SCAN body"))]
            seeks = [s for s in steps if "event_" in s]
            assert seeks
            assert all("=?" in s for s in seeks), steps
            assert all("COVERING INDEX" in s for s in seeks if "_by_" in s), steps
            # Only a contact's own rarer orders are sorted.
            if contact is None or sort is Sort.BUSINESS_TIME:
                assert not [s for s in steps if "TEMP B-TREE" in s], steps
    store.close()


@pytest.mark.parametrize("sort", [Sort.UTC_TIME, Sort.RECEIVED_TIME])
def test_a_page_of_a_contact_with_many_events_seeks_to_their_local_times(path, sort):
    store = open_sqlite(path)
    query = EventQuery("org", "guest", sort=sort)
    arms = arms_of_many(("contact = :contact",), [(1, 5), (7, 9)], (1, 9))
    ranges, values = ranges_of(query, arms, Position(7, 7))
    values |= {"contact": 2, "bound": 100}
    with store._readers.snapshot() as connection:
        steps = plan(connection, f"{ranges} ORDER BY key", values)
    seeks = [step for step in steps if "event_" in step]
    assert all("COVERING INDEX" in step for step in seeks)
    local = "event_by_contact (contact=? AND local_at>? AND local_at<?)"
    assert sum(local in step for step in seeks) == 2
    store.close()


def test_a_page_seeks_to_its_place_through_equal_keys(path):
    store = open_sqlite(path)
    with store._readers.snapshot() as connection:
        query = EventQuery("org")
        arms = arms_of(query, [(None, None)])
        ranges, values = ranges_of(query, arms, Position(7, 7))
        values |= {"organization": 1, "contact": None, "bound": 100}
        [step] = plan(connection, f"{ranges} ORDER BY key, number", values)
    assert "(local_at,number)>(?,?)" in step
    store.close()


SINGLE = [
    name
    for name, sql in SQL.items()
    if "{" not in sql and sql.startswith(("SELECT", "DELETE", "UPDATE", "INSERT"))
]
# Few rows, all of them asked for; or the front of a heap.
LISTS = {
    "due",
    "organizations_to_reattribute",
    "organizations_to_count",
    "indexes_since",
    "organizations",
    "services",
    "users",
    "forget_tokens",
    "sources",
}
LISTS |= {"old_batches", "old_rejections", "old_deliveries", "erasure_entries"}
LISTS |= {"webhook_versions"}
# One row for each periodic job and server.
LISTS |= {"give_up_leases", "servers"}
# What a copy asks once; it reads all there is.
LISTS |= {"is_served", "others_than_copies", "revoked_tokens", "count_rows"}


BULK = [name for name, sql in SQL.items() if "{(" in sql]


@pytest.mark.parametrize("name", sorted({*SINGLE, *BULK} - LISTS))
def test_no_statement_scans(path, name):
    store = open_sqlite(path)
    connection = apsw.Connection(str(path))
    sql = bulk.expanded(name, 3) if name in BULK else SQL[name]
    named = re.findall(r"(?<!\w):(\w+)", sql)
    values = dict.fromkeys(named) if named else (None,) * parameters_of(sql)
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema")}
    steps = [s.split() for s in plan(connection, sql, values)]
    scans = [s for s in steps if s[0] == "SCAN" and s[1] in tables]
    assert not scans
    connection.close()
    store.close()


def test_a_statement_is_not_prepared_again_for_other_values(path):
    store = open_sqlite(path)
    prepared: list[object] = []

    def on_step(*step):
        prepared.append(step)
        return apsw.SQLITE_OK

    with store._readers.one() as connection:
        connection.authorizer = on_step
        for sql in SQL.values():
            names = set(re.findall(r":(\w+)", sql))
            if not names or "{" in sql or not sql.startswith("SELECT"):
                continue
            connection.execute(sql, dict.fromkeys(names, "1")).fetchall()
            prepared.clear()
            connection.execute(sql, dict.fromkeys(names, "2")).fetchall()
            assert not prepared, sql
    store.close()


def test_bulk_statements_take_the_same_values_in_the_same_order_on_both_engines():
    # Each engine's event log has its own way to add events.
    for name in set(BULK) & set(postgres_statements.SQL) - {"add_events"}:
        assert bulk.names_of(name) == postgres_session.names_of(name), name


def test_an_append_takes_few_steps_at_each_of_which_it_may_wait(path):
    store = open_sqlite(path)
    store.create_organization(Organization("org", "Org", 0)).result()
    rng = random.Random(1)
    steps: list[object] = []
    days = [day * DAY for day in range(60)]
    mask = apsw.SQLITE_TRACE_STMT | apsw.SQLITE_TRACE_ROW
    store._writer._connection.trace_v2(mask, steps.append)
    for _ in range(2):
        steps.clear()
        # Of 90 contacts, on 60 days.
        new = [
            NewEvent(rng.randbytes(17), str(n % 90), 3, at, at, b"{}", b"")
            for n, at in enumerate(itertools.islice(itertools.cycle(days), 500))
        ]
        store.append("org", new).result()
    store.close()
    assert len(steps) <= 40


@pytest.mark.parametrize("count", [0, 1, 9, 50, 173])
def test_a_bulk_statement_takes_any_number_of_rows(path, count):
    store = open_sqlite(path)
    store.create_organization(Organization("org", "Org", 0)).result()
    ids = [str(number) for number in range(count)]
    put = store.transaction("org", lambda t: t.people.put_contacts(ids)).result()
    assert list(put) == ids
    again = store.transaction("org", lambda t: t.people.put_contacts(ids)).result()
    assert again == put
    store.close()


def parameters_of(sql):
    """Count them: `?` is one more than the highest so far, `?7` is the seventh."""
    highest = 0
    for number in re.findall(r"\?(\d*)", sql):
        highest = max(highest, int(number)) if number else highest + 1
    return highest


def test_the_lists_of_types_that_the_files_number_only_grows():
    assert TYPES[:13] == (
        ("signup", "arriving", "login", "visit", "geo_arriving", "geo_visit")
        + ("send_email", "open_email", "click_email", "send_sms", "click_sms")
        + ("survey", "promo")
    )


def test_migrations_are_numbered_without_a_gap():
    folder = resources.files("footfall.store.sqlite") / "migrations"
    names = sorted(f.name for f in folder.iterdir() if f.name.endswith(".sql"))
    assert [int(n[:4]) for n in names] == list(range(1, len(names) + 1))


def test_where_the_system_cannot_allocate_the_ballast_is_written(path, monkeypatch):
    monkeypatch.delattr(os, "posix_fallocate")
    store = open_sqlite(path, serving=True)
    laid = path.with_name("footfall.db.ballast").stat()
    assert laid.st_size >= 1024 * 1024
    assert laid.st_blocks * 512 >= laid.st_size
    store.close()
