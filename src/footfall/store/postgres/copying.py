"""Copying out of a PostgreSQL database and into one; see `footfall.store.copying`."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any

from psycopg_pool import ConnectionPool
from typing_extensions import override

from footfall.core import observations
from footfall.store import Organization
from footfall.store.copying import Place, Row
from footfall.store.postgres.connections import Connection, translated
from footfall.store.postgres.observations import prefixes
from footfall.store.postgres.organizations import Numbers, add_organization
from footfall.store.postgres.session import PostgresSession
from footfall.store.postgres.statements import SQL
from footfall.store.postgres.writer import Writer
from footfall.store.relational.copying import (
    BATCH,
    CopySession,
    SQLCopying,
    note_copy,
)
from footfall.store.relational.keys import Keys
from footfall.store.relational.offsets import offsets_of
from footfall.store.relational.session import Registries

# So many rows are fetched at once.
_FETCH = 1_000
_EVENT = ("arrival", "contact", "type", "created_at", "local_at", "key", "body")
_WITHDRAWAL = ("arrival", "contact", "type", "created_at", "body")


class PostgresCopySession(PostgresSession):
    """A session that reads row by row, and takes many rows in."""

    no_id: bytes | None = None

    def stream(self, name: str, after: Place) -> Iterator[Row]:
        """Run a statement that reads what follows a place; in a transaction."""
        values = {
            "organization": self.organization,
            "after": after[0],
            "after_too": after[-1],
        }
        with self.connection.cursor(name, binary=True) as cursor:
            cursor.itersize = _FETCH
            yield from cursor.execute(SQL[name], values)

    def row_of_arrival(self, arrival: int) -> int:
        """Return what the rows of later arrivals are beyond."""
        return arrival

    def insert(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
    ) -> None:
        """Store many rows of the organization."""
        number = columns.index("number") if "number" in columns else None
        highest = 0
        if "organization" not in columns:
            columns = ("organization", *columns)
            rows = ((self.organization, *row) for row in rows)
            number = None if number is None else number + 1
        names = ", ".join(columns)
        with self.connection.cursor() as cursor:
            look, take = (
                SQL[name].format(table=table, columns=names).encode()
                for name in ("columns", "take_rows")
            )
            cursor.execute(look)
            types = [column.type_code for column in cursor.description or ()]
            with cursor.copy(take) as copy:
                copy.set_types(types)
                for row in rows:
                    copy.write_row(row)
                    if number is not None:
                        highest = row[number]
        if highest:
            self.run("keep_numbers", {"table": table, "number": highest})

    def insert_batches(self, rows: list[Row]) -> None:
        """Store batches of observations, with what finds them."""
        found = [
            (*row, prefixes(one.subject for one in observations.unpack(row[5], row[4])))
            for row in rows
        ]
        self.insert("observation_batch", (*BATCH, "subjects"), found)

    def insert_log(self, rows: list[Row]) -> None:
        """Store events and withdrawals, with what finds them."""
        events = [row for row in rows if row[5] is not None]
        self.insert("event", _EVENT, events)
        gone = [(*row[:4], row[6]) for row in rows if row[5] is None]
        self.insert("withdrawal", _WITHDRAWAL, gone)
        offsets = offsets_of([(row[3], row[4]) for row in events])
        self.run_bulk("add_offsets", offsets)


class PostgresCopying(SQLCopying):
    """What a PostgreSQL store does of copying."""

    _keys: Keys
    _numbers: Numbers
    _pages: ConnectionPool[Connection]
    _pool: ConnectionPool[Connection]
    _registries: Registries
    _writer: Writer
    _submit: Callable[[Callable[[Connection], None]], Future[None]]
    _rows: Callable[..., list[Any]]

    @override
    def is_served(self, now: int) -> bool:
        return bool(self._rows("is_served", now=now)[0][0])

    @override
    def revoked_tokens(self) -> list[tuple[str, int]]:
        return self._rows("revoked_tokens")

    @override
    def begin_copy(
        self, organization: Organization, tokens: list[tuple[str, int]], mark: bytes
    ) -> Future[None]:
        def work(connection: Connection) -> None:
            number = add_organization(connection, organization)
            session = self._session(connection, number, organization.id)
            revoked = [{"token_id": token, "expires_at": at} for token, at in tokens]
            session.run_many("revoke_token", revoked)
            note_copy(session, mark)

        return self._submit(work)

    @override
    def settle_copies(self) -> Future[None]:
        """Count the rows, for the planner."""

        def work(connection: Connection) -> None:
            connection.execute(SQL["count_copies"])

        return self._submit(work)

    @contextlib.contextmanager
    def _reading(self, organization: str) -> Iterator[CopySession]:
        # Orders come from indexes on the connections of pages, so nothing is sorted.
        with (
            translated(),
            self._pages.connection() as connection,
            connection.transaction(),
        ):
            connection.execute(
                "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
            )
            # The other store may take its time with what was read.
            connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
            number = self._numbers.of(connection, organization)
            yield self._session(connection, number, organization)

    @override
    def _writing(
        self, organization: str, work: Callable[[CopySession], None]
    ) -> Future[None]:
        def within(session: PostgresSession) -> None:
            number = session.organization
            work(self._session(session.connection, number, organization))

        return self._writer.submit(organization, within)

    def _session(
        self, connection: Connection, number: int, organization: str
    ) -> CopySession:
        return PostgresCopySession(
            connection, number, organization, self._keys, self._registries
        )
