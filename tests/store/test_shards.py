"""Each statement of an organization, and each key, stays on one shard.

The statements are read by a parser (sqlglot), so this is known wherever the tests run;
`test_distribution` asks Citus itself, where there is one.
"""

from collections.abc import Iterator

import pytest
import sqlglot
from sqlglot import exp

from footfall.store.relational.statements import load_engine, load_migrations

ENGINE = "footfall.store.postgres"
STATEMENTS = load_engine(ENGINE)
# The first reads no rows; those of a COPY are sent to their shards one by one; ANALYZE
# is of all tables.
for name in ("columns", "take_rows", "count_copies"):
    del STATEMENTS[name]
ARMS = " UNION ALL ".join(
    STATEMENTS[name].format(
        key="arrival",
        table=table,
        conditions="arrival <= :bound",
        order="key",
        size=20,
    )
    for name in ("arm", "sorted_arm")
    for table in ("event", "withdrawal")
)
del STATEMENTS["arm"], STATEMENTS["sorted_arm"]
STATEMENTS["page"] = STATEMENTS["page"].format(arms=ARMS, order="key", size=20)

# Each node has all of it; what each write updates may never be here.
REFERENCE = {"organization_number"}
# On the coordinator alone: what is asked for before an organization is known.
LOCAL = {
    "service",
    "console_user",
    "console_session",
    "sign_in_link",
    "revoked_token",
    "store_key",
    "lease",
    "source",
}
# These are no organization's: they look for work, or tell of the whole database.
OF_ALL = {
    "organizations",
    "newest_arrivals",
    "due",
    "organizations_to_reattribute",
    "organizations_to_count",
    "organizations_to_forget",
    "webhook_versions",
    "forget_sessions",
    "erasures",
    "erasures_under_way",
    "delete_erasures",
    "shared_external_ids",
}
# What these read of their shard goes by way of the coordinator, which numbers the new
# rows: one for each hotspot, each batch.
NUMBERED = {"put_hotspot", "add_batch"}
# Citus wants their values before it sends a statement to its shard.
VOLATILE = {"random", "gen_random_uuid", "clock_timestamp", "nextval"}


def table_of(statement: exp.Expr) -> str:
    """Return the table that a statement makes or inserts into."""
    found = statement.find(exp.Table)
    assert found is not None
    return str(found.name)


SCHEMA = [
    one
    for script in load_migrations(ENGINE)
    for one in sqlglot.parse(script, dialect="postgres")
    if isinstance(one, exp.Create)
]
TABLES = {table_of(one): one for one in SCHEMA if one.kind == "TABLE"}
DISTRIBUTED = {
    table: "number" if table == "organization" else "organization"
    for table in TABLES.keys() - REFERENCE - LOCAL
}
Scope = exp.Select | exp.Update | exp.Delete


def names(node: exp.Expr) -> list[str]:
    return [one.name for one in node.find_all(exp.Identifier)]


def keys_of(table: str) -> list[list[str]]:
    """Return the columns of each primary key and unique constraint."""
    keys = [names(one) for one in TABLES[table].find_all(exp.PrimaryKey)]
    keys += [
        names(one)
        for one in TABLES[table].find_all(exp.UniqueColumnConstraint)
        if isinstance(one.this, exp.Schema)
    ]
    for column in TABLES[table].find_all(exp.ColumnDef):
        kinds = [type(one.kind) for one in column.constraints]
        if {exp.PrimaryKeyColumnConstraint, exp.UniqueColumnConstraint} & set(kinds):
            keys.append([column.name])
    return keys


@pytest.mark.parametrize("table", sorted(DISTRIBUTED))
def test_each_key_begins_with_the_organization(table):
    assert keys_of(table)
    assert {key[0] for key in keys_of(table)} == {DISTRIBUTED[table]}


@pytest.mark.parametrize("table", sorted(TABLES))
def test_a_foreign_key_leads_to_the_same_shard(table):
    for key in TABLES[table].find_all(exp.ForeignKey):
        target = key.args["reference"].this
        assert names(key)[0] == DISTRIBUTED[table]
        assert target.expressions[0].name == "organization"
        assert target.this.name in DISTRIBUTED
    # Those of one column are written beside it; an organization's have two.
    assert not [
        one
        for column in TABLES[table].find_all(exp.ColumnDef)
        for one in column.find_all(exp.Reference)
    ]


def test_no_unique_index_goes_across_shards():
    assert not [one for one in SCHEMA if one.kind == "INDEX" and one.args["unique"]]


def bound(scope: Scope, outer: frozenset[str], *, of_all: bool) -> frozenset[str]:
    """Return what names the organization here; fail where a table's rows are others'.

    A table's are those of the organization where its number is equal to it, or to that
    of another table of which this holds.
    """
    held = scope.args.get("with_")
    found = {
        one.alias_or_name: DISTRIBUTED[one.name]
        for one in scope.find_all(exp.Table)
        if one.name in DISTRIBUTED and one.find_ancestor(exp.Query, exp.DML) is scope
    }
    assert held is None or not found.keys() & {one.alias for one in held.expressions}
    equalities = [
        {side_of(one.left, found), side_of(one.right, found)}
        for one in conjuncts(scope)
    ]
    known = {":organization", *outer}
    missing = [f"{table}.{column}" for table, column in found.items()]
    if of_all and missing:
        known.add(missing[0])
    for _ in missing:
        known |= {side for pair in equalities if pair & known for side in pair}
    assert set(missing) <= known, f"{scope.sql()}: {set(missing) - known} not bound"
    return frozenset(known)


def conjuncts(scope: Scope) -> Iterator[exp.EQ]:
    """Yield the equalities that each row of a scope has."""
    joins = [one for one in scope.args.get("joins") or () if not one.side]
    conditions = [scope.args.get("where"), *(one.args.get("on") for one in joins)]
    for condition in filter(None, conditions):
        whole = condition.this if isinstance(condition, exp.Where) else condition
        for one in whole.flatten() if isinstance(whole, exp.And) else [whole]:
            if isinstance(one, exp.EQ):
                yield one


def side_of(side: exp.Expr, found: dict[str, str]) -> str:
    if isinstance(side, exp.Column) and not side.table:
        owners = [table for table, column in found.items() if column == side.name]
        assert len(owners) <= 1, f"{side.sql()} is of several tables"
        return f"{owners[0]}.{side.name}" if owners else ""
    return side.sql()


def walk(node: exp.Expr, outer: frozenset[str], *, of_all: bool) -> None:
    """Check each scope within its outer ones."""
    if isinstance(node, exp.Insert) and table_of(node) in DISTRIBUTED:
        check_insert(node)
    if isinstance(node, Scope):
        outer = bound(node, outer, of_all=of_all)
    for child in node.iter_expressions():
        walk(child, outer, of_all=of_all)


def check_insert(insert: exp.Insert) -> None:
    """Check that what is inserted is the organization's."""
    target = insert.this
    place = [one.name for one in target.expressions].index(
        DISTRIBUTED[target.this.name]
    )
    source = insert.expression
    if isinstance(source, exp.Select):
        given = source.expressions[place]
    else:
        [row] = source.expressions
        given = row.expressions[place]
        assert not row.find(exp.Select), "no subquery beside values"
    assert given.sql() in {":organization", "organization"}


@pytest.mark.parametrize("name", STATEMENTS)
def test_an_organizations_statement_stays_on_its_shard(name):
    tree = sqlglot.parse_one(STATEMENTS[name], dialect="postgres")
    tables = {one.name for one in tree.find_all(exp.Table)}
    if tables & DISTRIBUTED.keys():
        assert not tables & LOCAL, "on the coordinator and on a shard"
        walk(tree, frozenset(), of_all=name in OF_ALL)
    for change in tree.find_all(exp.Update):
        assert not {one.this.name for one in change.expressions} & {"organization"}
    if isinstance(tree, exp.DML):
        assert not VOLATILE & {one.name.lower() for one in tree.find_all(exp.Func)}


def test_few_statements_have_the_coordinator_number_what_they_read():
    found = set()
    for name, sql in STATEMENTS.items():
        tree = sqlglot.parse_one(sql, dialect="postgres")
        if not isinstance(tree, exp.Insert) or not isinstance(tree.this, exp.Schema):
            continue
        table = TABLES[tree.this.this.name]
        numbers = {
            column.name
            for column in table.find_all(exp.ColumnDef)
            if column.find(exp.GeneratedAsIdentityColumnConstraint)
        }
        read = {one.name for one in tree.expression.find_all(exp.Table)}
        if read & DISTRIBUTED.keys() and numbers - {one.name for one in tree.this}:
            found.add(name)
    assert found == NUMBERED


def test_no_table_of_the_coordinator_would_be_distributed():
    for table in LOCAL:
        key = TABLES[table].find(exp.PrimaryKey)
        assert key is None or names(key)[0] != "organization"


@pytest.mark.parametrize(
    "wrong",
    [
        "SELECT body FROM event WHERE key = :key",
        "SELECT body FROM event WHERE organization = :organization OR key = :key",
        """DELETE FROM stay WHERE number IN (
             SELECT stay FROM stay_end WHERE organization = :organization)""",
        """DELETE FROM stay WHERE organization = :organization
             AND number IN (SELECT stay FROM stay_end)""",
        """SELECT 1 FROM stay JOIN stay_end ON stay_end.stay = stay.number
             WHERE stay.organization = :organization""",
        """SELECT 1 FROM stay LEFT JOIN stay_end
             ON stay_end.organization = :organization
             WHERE stay.organization = :organization""",
        "UPDATE organization SET version = 1 WHERE id = :id",
        "INSERT INTO profile (organization, contact) VALUES (:other, :contact)",
        "WITH gone AS (DELETE FROM stay RETURNING number) SELECT number FROM gone",
    ],
)
def test_a_statement_that_leaves_the_shard_is_found(wrong):
    tree = sqlglot.parse_one(wrong, dialect="postgres")
    with pytest.raises(AssertionError):
        walk(tree, frozenset(), of_all=False)
