"""A session in PostgreSQL; see `footfall.store.relational.session.Session`."""

import functools
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from footfall.store.postgres.connections import Connection
from footfall.store.postgres.statements import SQL
from footfall.store.relational.cache import PresenceCache
from footfall.store.relational.keys import Keys
from footfall.store.relational.session import Registries, Row

_ROWS = 100


class PostgresSession:
    """An organization's rows on one connection, inside a transaction."""

    def __init__(
        self,
        connection: Connection,
        organization: int,
        organization_id: str,
        keys: Keys,
        registries: Registries,
        cache: PresenceCache | None = None,
    ):
        self.connection = connection
        self.organization = organization
        self.organization_id = organization_id
        self.keys = keys
        self.registries = registries
        self.cache = cache

    def run(self, name: str, values: Mapping[str, Any]) -> Iterator[Row]:
        """Run a statement; yields its rows."""
        cursor = self.connection.execute(SQL[name], values, binary=True)
        if not cursor.description:
            return iter(())
        # All rows are here already; made a few at a time, they take less memory.
        parts = iter(functools.partial(cursor.fetchmany, _ROWS), [])
        return itertools.chain.from_iterable(parts)

    def run_many(self, name: str, rows: Iterable[Mapping[str, Any]]) -> Iterator[Row]:
        """Run a statement for each of these; yields the rows of all, in order."""
        rows, found = list(rows), list[Row]()
        if len(rows) == 1:
            return self.run(name, rows[0])  # with fewer trips to the server
        if rows:
            with self.connection.cursor(binary=True) as cursor:
                cursor.executemany(SQL[name], rows, returning=True)
                for _ in cursor.results():
                    if cursor.description:
                        found += cursor.fetchall()
        return iter(found)

    def run_bulk(self, name: str, rows: Sequence[Sequence[Any]]) -> list[Row]:
        """Run a bulk statement, which takes an array for each column."""
        if not rows:
            return []
        columns = map(list, zip(*rows, strict=True))
        values = dict(zip(names_of(name), columns, strict=True))
        return list(self.run(name, values | {"organization": self.organization}))


@functools.cache
def names_of(name: str) -> tuple[str, ...]:
    """Return the names of a bulk statement's values, in their order."""
    names = dict.fromkeys(re.findall(r"%\((\w+)\)b", SQL[name]))
    return tuple(one for one in names if one != "organization")
