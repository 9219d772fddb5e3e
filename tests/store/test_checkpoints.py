"""Checkpoints beside the writer: the WAL stays short, and nobody waits for a reader."""

import apsw
import pytest

from footfall.core.queries import EventQuery
from footfall.store import Organization
from footfall.store.sqlite import checkpoints
from tests.shared import open_sqlite
from tests.store.test_contract import new

PAGES = 100


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "CHECKPOINT_PAGES", PAGES)
    opened = open_sqlite(tmp_path / "footfall.db")
    opened.create_organization(Organization("org", "Org", 1)).result()
    yield opened
    opened.close()


def write(store, times=1):
    for _ in range(times):
        events = [new() for _ in range(50)]
        store.append("org", events).result()


def finish_checkpoint(store):
    store._writer._checkpointer._thread.submit(lambda: None).result()


def wal_pages(store):
    """How many pages the WAL has, whatever the length of its file."""
    connection = apsw.Connection(str(store._path))
    connection.pragma("user_version")
    length, _ = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
    connection.close()
    return length


def test_a_wal_that_is_long_begins_anew(store):
    write(store, 20)
    finish_checkpoint(store)
    write(store)
    assert wal_pages(store) < PAGES


def test_a_long_read_hinders_no_write_and_the_wal_begins_anew_after_it(store):
    with store._readers.snapshot() as connection:
        connection.execute("SELECT count(*) FROM event").fetchall()
        write(store, 20)
        finish_checkpoint(store)
        assert wal_pages(store) > PAGES
    write(store, 20)
    finish_checkpoint(store)
    write(store)
    assert wal_pages(store) < PAGES
    assert store.page(EventQuery("org", size=10_000)).count == 41 * 50
