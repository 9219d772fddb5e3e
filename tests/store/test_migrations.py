"""Every released schema's file opens, and an interrupted migration is completed."""

import gzip
import json
from pathlib import Path

import apsw
import pytest

from footfall.core.analytics import parse_question
from footfall.core.instants import parse_instant
from footfall.core.queries import EventQuery, Sort
from footfall.errors import FootfallError
from footfall.flows.analytics import report, update
from footfall.store.relational.keys import Keys
from footfall.store.sqlite import connections
from footfall.store.sqlite.statements import migrations
from tests.conftest import EXAMPLE, SEED_ORGANIZATION
from tests.proof.disks import mounted
from tests.shared import SEALING_KEY, open_sqlite

NOW = parse_instant("2024-01-01T00:00:00Z")
FIXTURES = sorted((Path(__file__).parents[1] / "fixtures").glob("schema-*.db.gz"))


def test_every_schema_has_its_file():
    numbers = [int(f.name[7:11]) for f in FIXTURES]
    assert numbers == list(range(1, len(migrations()) + 1))


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda f: f.name)
def test_an_older_file_is_brought_up_to_date_and_keeps_its_events(fixture, tmp_path):
    path = tmp_path / "footfall.db"
    path.write_bytes(gzip.decompress(fixture.read_bytes()))
    store = open_sqlite(path)
    assert store.check_health()["schema"] == len(migrations())
    page = store.page(EventQuery(SEED_ORGANIZATION, sort=Sort.RECEIVED_TIME))
    assert json.loads(b"[" + page.body + b"]") == EXAMPLE
    store.close()


def test_what_analytics_kept_in_another_form_is_counted_again(tmp_path):
    path = tmp_path / "footfall.db"
    path.write_bytes(gzip.decompress(FIXTURES[15].read_bytes()))
    connection = apsw.Connection(str(path))
    connection.execute(
        "INSERT INTO analytics VALUES (1, 19, 3);"
        "INSERT INTO analytics_block VALUES (1, 1, 7, zeroblob(18))"
    )
    connection.close()
    store = open_sqlite(path)
    assert store.organizations_to_count() == [SEED_ORGANIZATION]
    update.update(store, SEED_ORGANIZATION)
    question = parse_question({"from": ["2015-01-01"], "metrics": ["events"]}, NOW)
    rows = report.timeseries(store, SEED_ORGANIZATION, question, None).rows
    counted = sum(value for row in rows for key, value in row.items() if key != "time")
    assert counted == len(EXAMPLE)
    store.close()


def test_older_rejections_that_may_hold_personal_data_are_wiped(tmp_path):
    path = tmp_path / "footfall.db"
    path.write_bytes(gzip.decompress(FIXTURES[1].read_bytes()))
    connection = apsw.Connection(str(path))
    insert = (
        "INSERT INTO problem (organization, source, at, reason, body)"
        " VALUES (1, 's', ?, 'canary \u20ac is no MAC', ?)"
    )
    bodies = (b"canary " * 5, b"canary " * 500)
    connection.executemany(insert, [(n, bodies[n % 2]) for n in range(300)])
    connection.close()
    assert b"canary" in path.read_bytes()
    store = open_sqlite(path)
    assert (
        store.read(
            SEED_ORGANIZATION, lambda transaction: transaction.sources.rejections(9)
        )
        == []
    )
    store.close()
    assert b"canary" not in path.read_bytes()


def declared(path):
    connection = apsw.Connection(str(path))
    found = list(connection.execute("SELECT type, name, sql FROM sqlite_schema"))
    connection.close()
    return sorted(found)


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda f: f.name)
def test_what_migrations_build_is_what_a_new_file_has(fixture, tmp_path):
    old, new = tmp_path / "old.db", tmp_path / "new.db"
    old.write_bytes(gzip.decompress(fixture.read_bytes()))
    for path in (old, new):
        open_sqlite(path).close()
    assert declared(old) == declared(new)


def test_a_power_cut_at_many_points_of_the_first_start_leaves_what_the_next_completes(
    tmp_path,
):
    whole = tmp_path / "whole.db"
    open_sqlite(whole).close()
    for number in range(1, 500, 8):
        path = tmp_path / f"{number}.db"
        if not cut_at(path, number):
            break
        store = open_sqlite(path)
        assert store.check_health()["problems"] == []
        store.close()
        assert declared(path) == declared(whole)
    assert number > 5


def cut_at(path, number):
    """Make a store and cut the power at its n-th touch; False if it has fewer."""

    def on_touch(_kind, touched):
        if touched == number:
            disk.cut_power()
            raise apsw.IOError("the power is cut")

    with mounted(on_touch) as disk:
        try:
            connection = connections.open_writer(path, Keys(SEALING_KEY))
            connection.close()
        except (apsw.Error, FootfallError):
            pass
        return disk.dead
