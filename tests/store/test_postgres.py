"""The PostgreSQL store when its connections break; the rest is the contract's."""

import threading
from concurrent.futures import wait
from typing import Any

import psycopg
import pytest

from footfall.core.queries import EventQuery, Sort
from footfall.errors import StoreError
from footfall.store.postgres import pages
from tests import postgres
from tests.store.test_contract import new

# What a restart or a failover of the server does to a connection.
BREAK = "pg_terminate_backend(pg_backend_pid())"
# Breaks the connection while it commits.
BREAK_COMMITS = f"""
  CREATE FUNCTION break_connection() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN PERFORM {BREAK}; RETURN NULL; END $$;
  CREATE CONSTRAINT TRIGGER breaking AFTER INSERT ON contact
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION break_connection()
"""


@pytest.fixture
def store(postgres_store):
    return postgres_store


@pytest.fixture
def database(postgres_url):
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        yield connection


def break_commits(database):
    try:
        database.execute(BREAK_COMMITS)
    except psycopg.errors.InternalError:
        pytest.skip("Citus has no triggers on distributed tables")


class PuttingAnn:
    """A write that counts how often it is done, and may break its connection."""

    def __init__(self, *, breaks: bool = False):
        self.times = 0
        self._breaks = breaks

    def __call__(self, transaction):
        self.times += 1
        transaction.people.put_contact("ann")
        if self._breaks and self.times == 1:
            transaction.stays._session.connection.execute(f"SELECT {BREAK}")


def is_there(store):
    find = "ann"
    return (
        store.read("org", lambda inside: inside.people.find_contact(find)) is not None
    )


def test_a_write_whose_connection_breaks_before_its_commit_is_done_again(store):
    work = PuttingAnn(breaks=True)
    store.transaction("org", work).result()
    assert work.times == 2
    assert is_there(store)


def test_a_checked_write_that_fails_beside_others_fails_alone(store):
    began, go_on, done = threading.Event(), threading.Event(), []

    def hold(_session):
        began.set()
        assert go_on.wait(10)

    def put(name):
        def work(session):
            values = {"key": [name.encode()], "id": [name]}
            session.run("add_contacts", values | {"organization": session.organization})
            done.append(name)

        return work

    def fail(session):
        session.run("take_nothing_of_this_name", {})

    first = store._writer.submit("org", hold)
    began.wait(10)
    # These wait meanwhile, and share the next transaction.
    futures = [
        store._writer.submit("org", work, checked=True)
        for work in (put("a"), fail, put("b"))
    ]
    go_on.set()
    first.result()
    wait(futures)
    errors = [type(future.exception()) for future in futures]
    assert errors == [type(None), KeyError, type(None)]
    # The first was done again.
    assert done == ["a", "a", "b"]


def test_a_write_whose_connection_breaks_in_its_commit_is_not(store, database):
    """Whether it was committed is unknown, so whoever sent it has to decide."""
    break_commits(database)
    work = PuttingAnn()
    with pytest.raises(StoreError):
        store.transaction("org", work).result()
    assert work.times == 1
    assert not is_there(store)


def test_after_a_broken_commit_what_is_sent_again_is_stored_once(store, database):
    break_commits(database)
    with pytest.raises(StoreError):
        store.append("org", [new("one")]).result()
    database.execute("DROP TRIGGER breaking ON contact")
    assert store.append("org", [new("one")]).result().accepted == 1
    assert store.append("org", [new("one")]).result().duplicates == 1


def test_reads_and_pages_go_on_over_new_connections(store, database):
    store.append("org", [new("one")]).result()
    database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND application_name = ''"
        " AND backend_type = 'client backend'"
    )
    assert store.page(EventQuery("org")).count == 1
    assert [one.id for one in store.organizations()] == ["org"]


class Explaining:
    """A connection that keeps the plans of what it is asked."""

    def __init__(self, connection):
        self._connection = connection
        self.plan = ""

    def execute(self, sql, values, *, binary):
        rows = self._connection.execute(f"EXPLAIN {sql}", values)
        self.plan += "\n".join(row[0] for row in rows)
        return self._connection.execute(sql, values, binary=binary)


@pytest.mark.parametrize("sort", [Sort.UTC_TIME, Sort.RECEIVED_TIME])
def test_a_page_of_a_contact_reads_no_events_of_others(store, sort):
    store.append("org", [new("one")]).result()
    with store._pages.connection() as connection:
        asked: Any = Explaining(connection)
        query = EventQuery("org", "guest", sort=sort)
        pages.read(asked, query, pages.Scope(1, 1, 1), None, None)
    assert "event_by_contact" in asked.plan
    assert "event_pkey" not in asked.plan
    assert "event_by_utc" not in asked.plan


def sent_of(contact):
    return new(customerId=contact)


def test_what_is_sent_of_a_contact_that_another_server_erased_is_a_new_ones(
    store, postgres_url
):
    other = postgres.open_store(postgres_url)
    store.append("org", [sent_of("ann")]).result()
    other.erase("org", "ann").result()
    store.append("org", [sent_of("ann")]).result()
    page = store.page(EventQuery("org", "ann"))
    other.close()
    assert page.count == 1


def test_contacts_that_an_undone_write_added_are_not_remembered(store):
    def fail(transaction):
        transaction.events.append([sent_of("ann")])
        raise ValueError("undone")

    with pytest.raises(ValueError, match="undone"):
        store.transaction("org", fail).result()
    store.append("org", [sent_of("ann")]).result()
    assert store.page(EventQuery("org", "ann")).count == 1
