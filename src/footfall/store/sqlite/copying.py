"""Copying out of an SQLite file and into one; see `footfall.store.copying`.

The rows of all organizations of a file share their numbers, and the numbers must stay.
So a file takes in the organizations of one other store, and has none of its own before.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from itertools import groupby
from typing import Any

import apsw
import msgspec
from typing_extensions import override

from footfall.errors import AlreadyExists
from footfall.store import Organization
from footfall.store.copying import Place, Row
from footfall.store.relational.copying import (
    BATCH,
    CopySession,
    SQLCopying,
    note_copy,
)
from footfall.store.relational.keys import Keys
from footfall.store.relational.offsets import offsets_of
from footfall.store.relational.session import Registries
from footfall.store.sqlite.arrivals import rows_of
from footfall.store.sqlite.connections import Readers
from footfall.store.sqlite.event_log import number_of
from footfall.store.sqlite.session import SQLiteSession
from footfall.store.sqlite.statements import SQL
from footfall.store.sqlite.summaries import add_summaries
from footfall.store.sqlite.writer import Writer

# Of these an organization's rows are found by their contacts and stays.
_NO_ORGANIZATION = ("profile", "stay_end")


class SQLiteCopySession(SQLiteSession):
    """A session that reads row by row, and takes many rows in."""

    no_id: bytes | None = bytes(1)

    def stream(self, name: str, after: Place) -> Iterator[Row]:
        """Run a statement that reads what follows a place."""
        values = {
            "organization": self.organization,
            "after": after[0],
            "after_too": after[-1],
        }
        yield from self.run(name, values)

    def row_of_arrival(self, arrival: int) -> int:
        """Return the last row that arrived up to a number."""
        row, _ = rows_of(self.connection, self.organization, arrival, None)
        return row

    def insert(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
    ) -> None:
        """Store many rows of the organization."""
        if table == "source":
            columns = ["rowid" if name == "number" else name for name in columns]
        if table not in _NO_ORGANIZATION and "organization" not in columns:
            columns = ("organization", *columns)
            rows = ((self.organization, *row) for row in rows)
        names, places = ", ".join(columns), ", ".join("?" * len(columns))
        sql = SQL["take_row"].format(table=table, columns=names, places=places)
        self.connection.executemany(sql, rows)

    def insert_batches(self, rows: list[Row]) -> None:
        """Store batches of observations; a server makes their indexes."""
        self.insert("observation_batch", BATCH, rows)

    def insert_log(self, rows: list[Row]) -> None:
        """Store events and withdrawals, with what finds them.

        They get row numbers as far apart as their arrivals, so that they are one range.
        """
        first = rows[0][0]
        newest = int(self.connection.execute(SQL["newest_row"]).get)
        scope = {"organization": self.organization}
        ahead = self.connection.execute(SQL["last_range"], scope).fetchone()
        number = newest + 1 if ahead is None else max(newest + 1, first + ahead[0])
        values = scope | {"arrival": first, "number": number}
        self.connection.execute(SQL["add_arrival_range"], values)
        numbered = [(row[0] - first + number, *row[1:]) for row in rows]
        self.run_bulk("add_bodies", [(row[0], row[-1]) for row in numbered])
        columns = ("number", "contact", "type", "created_at", "local_at", "key")
        events = [row[:-1] for row in numbered if row[-2] is not None]
        self.insert("event", columns, events)
        gone = [row[:4] for row in numbered if row[-2] is None]
        self.insert("withdrawal", columns[:4], gone)
        self._summarize("event", events)
        self._summarize("withdrawal", gone)
        offsets = offsets_of([(row[3], row[4]) for row in events])
        self.run_bulk("add_offsets", offsets)

    def _summarize(self, table: str, rows: list[Row]) -> None:
        places = enumerate(rows)
        for _, run in groupby(places, key=lambda place: place[1][0] - place[0]):
            some = [row for _, row in run]
            seen = [(row[2], row[3]) for row in some]
            add_summaries(self.connection, table, self.organization, some[0][0], seen)


class SQLiteCopying(SQLCopying):
    """What an SQLite store does of copying."""

    _keys: Keys
    _readers: Readers
    _registries: Registries
    _writer: Writer

    @override
    def is_served(self, now: int) -> bool:
        with self._readers.one() as connection:
            return bool(connection.execute(SQL["is_served"], {"now": now}).get)

    @override
    def revoked_tokens(self) -> list[tuple[str, int]]:
        with self._readers.one() as connection:
            return [
                (str(t), int(at)) for t, at in connection.execute(SQL["revoked_tokens"])
            ]

    @override
    def begin_copy(
        self, organization: Organization, tokens: list[tuple[str, int]], mark: bytes
    ) -> Future[None]:
        def work(connection: apsw.Connection) -> None:
            other = connection.execute(SQL["others_than_copies"]).fetchone()
            if other is not None:
                raise AlreadyExists(
                    f"The target file has an organization {other[0]} that was not "
                    "copied into it: copy into a new file, or into PostgreSQL."
                )
            values = msgspec.structs.asdict(organization)
            connection.execute(SQL["add_organization"], values)
            connection.executemany(
                SQL["revoke_token"],
                [{"token_id": token, "expires_at": at} for token, at in tokens],
            )
            note_copy(self._session(connection, organization.id), mark)

        return self._writer.submit(work)

    @override
    def settle_copies(self) -> Future[None]:
        """Rewrite the file where rows of several organizations were copied into it.

        Their numbers alternate, so trees did not only grow at their ends, and what is
        erased later would be left where SQLite once moved it from.
        """

        def work(connection: apsw.Connection) -> None:
            if len(connection.execute(SQL["organizations"]).fetchall()) > 1:
                # Else it would be made in memory first.
                connection.pragma("temp_store", "file")
                connection.execute("VACUUM")
                connection.pragma("temp_store", "memory")

        return self._writer.submit(work, alone=True)

    @contextlib.contextmanager
    def _reading(self, organization: str) -> Iterator[CopySession]:
        with self._readers.snapshot() as connection:
            yield self._session(connection, organization)

    @override
    def _writing(
        self, organization: str, work: Callable[[CopySession], None]
    ) -> Future[None]:
        def within(connection: apsw.Connection) -> None:
            try:
                work(self._session(connection, organization))
            except apsw.ConstraintError:
                raise AlreadyExists(
                    f"The target file has rows under the numbers that those of "
                    f"organization {organization} have: copy it into a file of its own."
                ) from None

        return self._writer.submit(within, lane=organization)

    def _session(
        self, connection: apsw.Connection, organization: str
    ) -> SQLiteCopySession:
        number = number_of(connection, organization)
        return SQLiteCopySession(
            connection, number, organization, self._keys, self._registries
        )
