"""Connections: how each is set, and what its errors mean.

A connection is broken when the server restarts or fails over. What a statement did
then is undone, unless it was the commit itself: of that nobody can tell.
"""

import contextlib
from collections.abc import Iterator, Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Any

import psycopg
from psycopg.types.numeric import Int8BinaryDumper, Int8Dumper
from psycopg_pool import ConnectionPool, PoolTimeout

from footfall.errors import StoreError, StoreFull, StoreUnwritable
from footfall.store.postgres.statements import DISTRIBUTION

Connection = psycopg.Connection[Any]
CONNECTIONS_MAX = 16
WAIT_S = 2
# Every statement reads a few rows by an index, also where the planner has not counted
# a table yet.
PLANNER = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}
# A wait for an organization's lock ends, and the client is told.
_SETTINGS = PLANNER | {
    "plan_cache_mode": "force_generic_plan",
    "synchronous_commit": "on",
    "lock_timeout": "30s",
    "idle_in_transaction_session_timeout": "60s",
}
# A page's order comes from indexes. Its plan is made for its values, as its size and
# its types decide which.
PAGES = {
    "enable_bitmapscan": "off",
    "enable_sort": "off",
    "plan_cache_mode": "force_custom_plan",
}


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn the engine's errors into footfall's, named for what happened."""
    try:
        yield
    except (psycopg.Error, PoolTimeout) as error:
        raise _named(error) from error


def _named(error: Exception) -> StoreError:
    if isinstance(error, psycopg.errors.DiskFull):
        return StoreFull("The database has no space left on its disk.")
    if isinstance(
        error,
        psycopg.errors.ReadOnlySqlTransaction | psycopg.errors.InsufficientPrivilege,
    ):
        return StoreUnwritable(
            "The database cannot be written: footfall needs the primary, and the right "
            "to make and change tables in its schema."
        )
    if isinstance(error, psycopg.OperationalError | PoolTimeout):
        return StoreError("The database cannot be reached now.")
    return StoreError(f"The database cannot do it now ({type(error).__name__}).")


def is_broken(error: BaseException) -> bool:
    """Tell whether the connection is gone: a restart or a failover."""
    return isinstance(error, psycopg.OperationalError) and not isinstance(
        error, psycopg.errors.LockNotAvailable | psycopg.errors.DiskFull
    )


def open_pool(
    url: str, more: Mapping[str, str] = MappingProxyType({})
) -> ConnectionPool[Connection]:
    """Open connections to a database.

    Args:
        url: The database, as libpq takes it.
        more: Settings that these connections have besides those of all.

    Raises:
        StoreError: It cannot be reached.
    """

    def configure(connection: Connection) -> None:
        # Every number is a bigint in the schema: one type, so one plan.
        for kind in (int, IntEnum):
            connection.adapters.register_dumper(kind, Int8Dumper)
            connection.adapters.register_dumper(kind, Int8BinaryDumper)
        for name, value in {**_SETTINGS, **more}.items():
            connection.execute(
                "SELECT set_config(%s, %s, false)", (name, value), prepare=False
            )
        connection.execute(DISTRIBUTION["plan_for_values"], prepare=False)

    pool = ConnectionPool(
        url,
        min_size=1,
        max_size=CONNECTIONS_MAX,
        timeout=WAIT_S,
        # Given up soon: the next who asks tries again, at longer and longer intervals.
        reconnect_timeout=WAIT_S,
        kwargs={"autocommit": True},
        configure=configure,
        open=False,
        name="footfall",
    )
    try:
        with translated():
            pool.open(wait=True, timeout=WAIT_S)
    except StoreError:
        pool.close()
        raise
    return pool
