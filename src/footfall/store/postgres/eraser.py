"""The eraser: carries erasures through, from the request to the vacuum.

The steps are those of `erasure`, between the organization's other writes. Here is what
comes after: deleted rows stay in tables and indexes until a vacuum takes them away.
"""

import functools
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, TypeVar

import msgspec
from psycopg_pool import ConnectionPool

from footfall.errors import StoreError
from footfall.store import Erased
from footfall.store.postgres import erasure
from footfall.store.postgres.connections import Connection, translated
from footfall.store.postgres.distribution import table_sizes
from footfall.store.postgres.erasure import Begun
from footfall.store.postgres.session import PostgresSession
from footfall.store.postgres.statements import SQL
from footfall.store.postgres.writer import Writer
from footfall.store.relational.erasure import going_on

T = TypeVar("T")
_THREADS = 2
# Vacuum goes through all indexes of a table; an erasure waits for that of a small one.
VACUUM_AT_ONCE_BYTES = 256 * 1024 * 1024
_PERSONAL = (
    "event, withdrawal, contact, profile, identity, owner, stay, stay_end, "
    "observation_batch, rejection, reattribution, organization_key, delivery, erasure"
)


class Look(Protocol):
    """Reads an organization's rows beside the writer."""

    def __call__(self, organization: str, look: Callable[[PostgresSession], T], /) -> T:
        """Return what is seen in one state of the database."""


class Eraser:
    """Does erasures on threads of its own."""

    def __init__(
        self,
        pool: ConnectionPool[Connection],
        writer: Writer,
        look: Look,
    ):
        """Start the threads.

        Args:
            pool: What to vacuum on.
            writer: What does the steps.
            look: Reads an organization's rows beside the writer.
        """
        self._pool = pool
        self._writer = writer
        self._look = look
        self._threads = ThreadPoolExecutor(_THREADS, "footfall-erasure")
        self._closing = threading.Event()

    def erase(self, organization: str, contact: str) -> Future[Erased]:
        """See `Store.erase`."""
        return self._threads.submit(self._erase, organization, contact)

    def finish(self, *, resume: bool) -> Future[bool]:
        """See `Store.finish_erasures`."""
        return self._threads.submit(self._finish, resume)

    def close(self) -> None:
        """Stop after the step that is being done; any server does the others."""
        self._closing.set()
        self._threads.shutdown()

    def vacuum(self, *, at_once: bool) -> bool:
        """Take away what deleted rows left; True if it must wait.

        Rows that an older transaction may still see stay until it has ended; the
        erasures are then still noted, and the next vacuum tries again.
        """
        with translated(), self._pool.connection() as connection:
            size = sum(table_sizes(connection).values())
            if not at_once and size > VACUUM_AT_ONCE_BYTES:
                return True
            row = connection.execute(
                "SELECT coalesce(min(xact_start), now()) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).fetchone()
            connection.execute(f"VACUUM (TRUNCATE false) {_PERSONAL}")
            connection.execute(SQL["delete_erasures"], {"before": row and row[0]})
            return _vacuum_waits(connection)

    def _erase(self, organization: str, contact: str) -> Erased:
        begun = self._writer.submit(
            organization,
            lambda session: erasure.begin(session, contact),
            versioned=True,
        ).result()
        counts: Counter[int] = Counter()
        with going_on():
            for one in begun:
                counting = functools.partial(erasure.count, begun=one)
                counts.update(self._look(organization, counting))
                self._complete(organization, one)
        return Erased(dict(counts), self.vacuum(at_once=False))

    def _finish(self, resume: bool) -> bool:  # noqa: FBT001  passed to a thread
        with translated(), self._pool.connection() as connection:
            rows = connection.execute(SQL["erasures_under_way"]) if resume else ()
            left = [(name, Begun(*one)) for name, *one in rows]
            waits = bool(left) or _vacuum_waits(connection)
        for organization, begun in left:
            self._complete(organization, begun)
        return waits and self.vacuum(at_once=True)

    def _complete(self, organization: str, begun: Begun) -> None:
        erasure.complete(
            _Runner(organization, self._writer, self._look, self._closing), begun
        )


class _Runner(msgspec.Struct, frozen=True):
    """Reaches an organization's rows; see `Runner`."""

    organization: str
    writer: Writer
    look: Look
    closing: threading.Event

    def write(self, step: Callable[[PostgresSession], T]) -> T:
        if self.closing.is_set():
            raise StoreError("The store is closing.")
        return self.writer.submit(self.organization, step).result()

    def read(self, look: Callable[[PostgresSession], T]) -> T:
        return self.look(self.organization, look)


def _vacuum_waits(connection: Connection) -> bool:
    """Tell whether an erasure is done of which dead rows are still there."""
    row = connection.execute(SQL["erasures"]).fetchone()
    return row is not None and bool(row[0])
