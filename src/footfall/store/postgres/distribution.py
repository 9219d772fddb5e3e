"""Several machines: the tables distributed by organization, with the extension Citus.

All rows of an organization lie in one shard of each table, and these shards lie on one
node, so its requests go there alone. What a request needs before its organization is
known stays on the coordinator: services, revoked tokens, sources, leases.

Nothing here is used where the extension is not installed in the database.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import psycopg

from footfall.errors import NotFound, StoreError
from footfall.store.postgres.connections import PLANNER, Connection
from footfall.store.postgres.statements import DISTRIBUTION, SQL


def has_citus(connection: Connection) -> bool:
    """Tell whether the extension is installed in the database."""
    return bool(_value(connection, "has_citus"))


def is_distributed(connection: Connection) -> bool:
    """Tell whether the tables lie in shards."""
    return has_citus(connection) and bool(_value(connection, "is_distributed"))


def distribute(connection: Connection) -> list[str]:
    """Distribute the tables that are not yet, in one transaction; returns which.

    Until it ends, nobody writes to the tables.

    Raises:
        StoreError: The extension is not there.
    """
    if not has_citus(connection):
        raise StoreError(
            "Citus is not installed in this database: load it (shared_preload_libraries"
            " = 'citus'), run CREATE EXTENSION citus, and add its nodes."
        )
    with _refusals(), connection.transaction():
        tables = []
        if not is_distributed(connection):
            _value(connection, "distribute_numbers")
            _value(connection, "distribute_organization")
            tables += ["organization_number", "organization"]
        for (table,) in connection.execute(DISTRIBUTION["undistributed"]).fetchall():
            _value(connection, "distribute_table", table=table)
            tables.append(table)
        for table in tables:
            _value(connection, "drop_local_rows", table=table)
        # What a server's session is set to does not reach the nodes.
        for setting, value in PLANNER.items():
            alter = _value(connection, "set_on_nodes", setting=setting, value=value)
            if alter is not None:
                connection.execute(alter)
    return tables


def isolate(connection: Connection, organization: int, node: tuple[str, int]) -> None:
    """Give an organization a shard of its own, and move that to a node.

    It may be repeated. Each step is whole or not at all, and writes go on meanwhile but
    for some seconds at the end of each, where the nodes' wal_level is logical.

    Raises:
        NotFound: The database has no such node.
        StoreError: The tables are not distributed.
    """
    if not is_distributed(connection):
        raise StoreError(
            "The tables are not distributed: run `footfall store distribute` first."
        )
    host, port = node
    target = _value(connection, "node", host=host, port=port)
    if target is None:
        raise NotFound(f"The database has no node {host}:{port}; see citus_add_node.")
    scope = {"organization": organization}
    [(shard, at, own)] = connection.execute(DISTRIBUTION["shard"], scope).fetchall()
    with _refusals():
        if not own:
            shard = _value(connection, "isolate", **scope)
        if at != target:
            _value(connection, "move_shard", shard=shard, from_node=at, node=target)


def table_sizes(connection: Connection) -> dict[str, int]:
    """Return how many bytes the large tables have, with their indexes."""
    if is_distributed(connection):
        return dict(connection.execute(DISTRIBUTION["distributed_sizes"]).fetchall())
    return dict(connection.execute(SQL["table_sizes"]).fetchall())


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """Tell the operator, who asked for it, what Citus says against it."""
    try:
        yield
    except psycopg.OperationalError:
        raise
    except psycopg.DatabaseError as error:
        raise StoreError(f"Citus refuses: {error.diag.message_primary}.") from error


def _value(connection: Connection, name: str, **values: Any) -> Any:
    """Return the one value of a statement; None where it has no row."""
    row = connection.execute(DISTRIBUTION[name], values).fetchone()
    return None if row is None else row[0]
