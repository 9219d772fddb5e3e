"""Checkpoints beside the writer: the WAL stays short, and nobody waits for a reader."""

import itertools

import pytest

from footfall.core.queries import EventQuery
from footfall.store import Organization
from footfall.store.sqlite import checkpoints, wal
from footfall.store.sqlite.checkpoints import Checkpointer
from tests.shared import open_sqlite
from tests.store.test_contract import new

PAGES = 100


@pytest.fixture
def lengths(monkeypatch):
    """How many pages the WAL has after each commit, whatever the length of its file."""
    found = []
    notice = Checkpointer.notice

    def noticing(checkpointer, connection, name, pages):
        found.append(pages)
        return notice(checkpointer, connection, name, pages)

    monkeypatch.setattr(Checkpointer, "notice", noticing)
    return found


@pytest.fixture
def store(tmp_path, lengths, monkeypatch):
    monkeypatch.setattr(checkpoints, "CHECKPOINT_PAGES", PAGES)
    opened = open_sqlite(tmp_path / "footfall.db")
    opened.create_organization(Organization("org", "Org", 1)).result()
    yield opened
    opened.close()


def write(store):
    """Store 50 events, and finish the checkpoint that this began, if it did."""
    store.append("org", [new() for _ in range(50)]).result()
    store._writer._checkpointer._thread.submit(lambda: None).result()


def test_a_wal_that_is_long_begins_anew(store, lengths):
    while lengths[-1] < PAGES:
        write(store)
    write(store)
    assert lengths[-1] < PAGES


def test_a_long_read_hinders_no_write_and_the_wal_begins_anew_after_it(store, lengths):
    with store._readers.snapshot() as connection:
        connection.execute("SELECT count(*) FROM event").fetchall()
        for _ in range(20):
            write(store)
        assert lengths[-1] > PAGES
    written = 20
    while lengths[-1] > PAGES and written < 40:
        write(store)
        written += 1
    assert lengths[-1] < PAGES
    assert store.page(EventQuery("org", size=10_000)).count == written * 50


def test_the_writer_moves_nothing_that_a_long_read_has_kept(
    store, lengths, monkeypatch
):
    monkeypatch.setattr(checkpoints, "_FORCED_PAGES", 2 * PAGES)
    monkeypatch.setattr(checkpoints, "_KEPT_MAX", PAGES // 2)
    restarted = []
    restart = checkpoints._restart

    def noticing(connection):
        restarted.append(lengths[-1])
        return restart(connection)

    monkeypatch.setattr(checkpoints, "_restart", noticing)
    with store._readers.snapshot() as connection:
        connection.execute("SELECT count(*) FROM event").fetchall()
        while lengths[-1] < 2 * PAGES:
            write(store)
        restarted.clear()
        for _ in range(10):
            write(store)
        assert restarted == []
    while not restarted:
        write(store)
    write(store)
    assert lengths[-1] < PAGES


@pytest.fixture
def long_wal(store, lengths, monkeypatch, tmp_path):
    """The WAL's file, far longer than usual."""
    monkeypatch.setattr(checkpoints, "WAL_BYTES_MAX", PAGES * 4096)
    monkeypatch.setattr(checkpoints, "_CUT_BYTES", PAGES * 4096)
    with store._readers.snapshot() as connection:
        connection.execute("SELECT count(*) FROM event").fetchall()
        while lengths[-1] < 8 * PAGES:
            write(store)
    return tmp_path / "footfall.db-wal"


def test_a_long_wal_is_cut_little_by_little(store, long_wal):
    sizes = [long_wal.stat().st_size]
    while sizes[-1] > 2 * PAGES * 4096:
        write(store)
        sizes.append(long_wal.stat().st_size)
    steps = [before - after for before, after in itertools.pairwise(sizes)]
    assert 0 < max(steps) <= PAGES * 4096


def test_emptying_cuts_a_long_wal_in_steps_too(store, long_wal, monkeypatch):
    sizes = [long_wal.stat().st_size]
    cut = checkpoints.cut_some

    def noticing(connection, most):
        sizes.append(long_wal.stat().st_size)
        return cut(connection, most)

    monkeypatch.setattr("footfall.store.sqlite.wal.cut_some", noticing)
    assert not wal.empty_wal(long_wal.with_name("footfall.db"), lambda: None)
    assert long_wal.stat().st_size == 0
    steps = [before - after for before, after in itertools.pairwise(sizes)]
    assert 0 < max(steps) <= PAGES * 4096
    assert sizes[-1] <= PAGES * 4096
    write(store)
    assert store.page(EventQuery("org", size=10_000)).count % 50 == 0
