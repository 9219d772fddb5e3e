"""Erasure on PostgreSQL: in steps, and completed by any server."""

import itertools
import subprocess
import sys
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import psycopg
import pytest

from footfall.core.queries import EventQuery
from footfall.errors import ContactUnknown
from footfall.store.postgres import erasure
from footfall.store.postgres.event_log import append
from tests.store.test_contract import new


@pytest.fixture
def store(postgres_store):
    return postgres_store


def test_each_step_deletes_a_bounded_number_of_rows_and_others_get_their_turn(store):
    many = 3 * erasure.STEP_ROWS
    store.append("org", [new(f"{n}") for n in range(many)]).result()
    left: list[int] = []
    appended: list[Future[Any]] = []
    submit = store._writer.submit

    def watching(organization, work, **more):
        def watched(session):
            done = work(session)
            [(count,)] = session.connection.execute("SELECT count(*) FROM event")
            left.append(count)
            return done

        future = submit(organization, watched, **more)
        if not appended:
            other = [new("other", customerId="bystander")]
            appended.append(submit("org", lambda session: append(session, other)))
        return future

    store._writer.submit = watching
    counts = store.erase("org", "guest").result().counts
    assert sum(counts.values()) == many
    gone = [before - after for before, after in itertools.pairwise(left)]
    assert max(gone) <= erasure.STEP_ROWS
    assert appended[0].result().accepted == 1
    assert store.page(EventQuery("org", "bystander")).count == 1


DYING = """
import os, sys
from tests import postgres
store, left = postgres.open_store(sys.argv[1]), int(sys.argv[2])
submit = store._writer.submit
def dying(*arguments, **more):
    global left
    left -= 1
    if left < 0:
        os._exit(9)
    return submit(*arguments, **more)
store._writer.submit = dying
store.erase("org", "guest").result()
os._exit(0)
"""


def test_an_erasure_whose_server_dies_at_any_step_is_completed_by_another(
    store, postgres_url
):
    for steps in itertools.count(1):
        store.append(
            "org", [new(f"{steps}"), new(f"b{steps}", customerId="bob")]
        ).result()
        done = subprocess.run(
            [sys.executable, "-c", DYING, postgres_url, str(steps)],
            cwd=Path(__file__).parents[2],
            check=False,
        )
        with pytest.raises(ContactUnknown):
            store.page(EventQuery("org", "guest"))
        assert store.finish_erasures().result() is False
        assert store.page(EventQuery("org")).count == steps
        if done.returncode == 0:
            break
        assert done.returncode == 9
    assert steps > 4
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute("SELECT count(*) FROM erasure").fetchone()
    assert row == (0,)
