"""A database with Citus: its tables lie on its nodes, and tenants can be moved."""

import re

import psycopg
import pytest

from footfall.core.queries import EventQuery
from footfall.errors import NotFound, StoreError
from footfall.store import Appended, Organization
from footfall.store.postgres import schema
from footfall.store.postgres.distribution import has_citus
from tests import postgres
from tests.store.test_contract import new
from tests.store.test_shards import DISTRIBUTED, LOCAL, OF_ALL, REFERENCE, STATEMENTS


@pytest.fixture
def citus_url(postgres_url):
    with psycopg.connect(postgres_url) as connection:
        found = connection.execute(
            "SELECT 1 FROM pg_extension WHERE extname = 'citus'"
        ).fetchone()
    if found is None:
        pytest.skip(
            "The tests' database has no Citus; FOOTFALL_TEST_STORE can name one."
        )
    return postgres_url


@pytest.fixture
def store(citus_url):
    made = postgres.open_store(citus_url)
    yield made
    made.close()


@pytest.fixture
def database(citus_url, store):
    with psycopg.connect(citus_url, autocommit=True) as connection:
        yield connection


def kinds(database):
    """Return how each table of the schema lies."""
    return {
        str(table): kind
        for table, kind in database.execute(
            "SELECT relname, coalesce(partmethod::text, 'local') FROM pg_class"
            " LEFT JOIN pg_dist_partition ON logicalrelid = pg_class.oid"
            " WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
        )
    }


def test_a_new_database_with_citus_is_distributed(database):
    expected = (
        dict.fromkeys(DISTRIBUTED, "h")
        | dict.fromkeys(REFERENCE, "n")
        | dict.fromkeys(LOCAL | {"schema_version"}, "local")
    )
    assert kinds(database) == expected


SAMPLES = {
    "bigint": "1",
    "integer": "1",
    "smallint": "1",
    "boolean": "true",
    "text": "'x'",
    "bytea": "'x'",
    "bigint[]": "'{1}'",
    "integer[]": "'{1}'",
    "smallint[]": "'{1}'",
    "boolean[]": "'{true}'",
    "text[]": "'{x}'",
    "bytea[]": "'{x}'",
    "timestamp with time zone": "now()",
}


PARAMETER = re.compile(r"(?<!:):(\w+)")


def plan(database, sql):
    """Return the plan of a statement for values of its parameters' types."""
    order = list(dict.fromkeys(PARAMETER.findall(sql)))
    numbered = PARAMETER.sub(lambda found: f"${order.index(found[1]) + 1}", sql)
    try:
        database.execute(f"PREPARE walked AS {numbered}")
    except psycopg.errors.AmbiguousFunction:
        # A sum of parameters: the driver says that they are numbers.
        numbers = ", ".join(["bigint"] * len(order))
        database.execute(f"PREPARE walked ({numbers}) AS {numbered}")
    [(types,)] = database.execute(
        "SELECT parameter_types::text[] FROM pg_prepared_statements"
        " WHERE name = 'walked'"
    ).fetchall()
    database.execute("DEALLOCATE walked")
    samples = [f"{SAMPLES[one]}::{one}" for one in types]
    valued = PARAMETER.sub(lambda found: samples[order.index(found[1])], sql)
    rows = database.execute(f"EXPLAIN {valued}").fetchall()
    return "\n".join(line for (line,) in rows)


def test_citus_plans_one_task_for_each_statement_of_an_organization(database):
    leaving = {}
    for name in STATEMENTS.keys() - OF_ALL:
        planned = plan(database, STATEMENTS[name])
        counts = set(re.findall(r"Task Count: (\d+)", planned))
        if not counts <= {"1"}:
            leaving[name] = planned
    assert not leaving


def test_without_citus_it_says_so(postgres_url):
    with psycopg.connect(postgres_url) as connection:
        if has_citus(connection):
            pytest.skip("The tests' database has Citus.")
    store = postgres.open_store(postgres_url)
    store.create_organization(Organization("org", "Org", 0)).result()
    with pytest.raises(StoreError, match="CREATE EXTENSION citus"):
        store.distribute()
    with pytest.raises(StoreError, match="distribute` first"):
        store.isolate("org", ("worker", 5432))
    store.close()


def test_a_database_that_is_full_already_is_distributed_and_keeps_its_rows(
    citus_url, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(schema, "has_citus", lambda _connection: False)
        patch.setattr(schema, "is_distributed", lambda _connection: False)
        before = postgres.open_store(citus_url)
    for name in ("one", "two"):
        before.create_organization(Organization(name, name, 0)).result()
        before.append(name, [new(f"{name} {n}") for n in range(20)]).result()
    before.close()
    after = postgres.open_store(citus_url)
    with psycopg.connect(citus_url, autocommit=True) as database:
        assert set(kinds(database).values()) == {"local"}
        assert set(after.distribute()) == DISTRIBUTED.keys() | REFERENCE
        assert after.distribute() == []
        assert {table for table, kind in kinds(database).items() if kind == "h"} == (
            DISTRIBUTED.keys()
        )
        # What was copied to the nodes is no longer in files of the coordinator.
        assert database.execute("SELECT pg_relation_size('event')").fetchone() == (0,)
    for name in ("one", "two"):
        assert after.page(EventQuery(name, size=100)).count == 20
        again = [new(f"{name} {n}") for n in range(19, 22)]
        assert after.append(name, again).result() == Appended(2, 1)
    after.close()


def placement(database, organization):
    """Return an organization's node, and whether its shard is of no other."""
    [found] = database.execute(
        "SELECT nodename, nodeport, shardminvalue = shardmaxvalue"
        " FROM pg_dist_shard JOIN pg_dist_placement USING (shardid)"
        " JOIN pg_dist_node USING (groupid) WHERE shardid ="
        " get_shard_id_for_distribution_column('organization',"
        " (SELECT number FROM organization_number WHERE id = %s))",
        (organization,),
    )
    return found


def test_a_large_tenant_gets_a_node_apart_from_the_others(store, database):
    store.create_organization(Organization("large", "Large", 0)).result()
    store.append("large", [new(f"{n}") for n in range(20)]).result()
    nodes = database.execute(
        "SELECT nodename, nodeport FROM pg_dist_node WHERE shouldhaveshards"
    ).fetchall()
    assert not placement(database, "large")[2]
    for node in nodes:
        store.isolate("large", node)
        assert placement(database, "large") == (*node, True)
        assert store.page(EventQuery("large", size=100)).count == 20
    assert store.append("large", [new("21")]).result() == Appended(1)
    with pytest.raises(NotFound, match="no node nowhere:1"):
        store.isolate("large", ("nowhere", 1))
