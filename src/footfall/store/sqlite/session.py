"""A session in SQLite; see `footfall.store.relational.session.Session`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import apsw

from footfall.store.relational.cache import PresenceCache
from footfall.store.relational.keys import Keys
from footfall.store.relational.session import Registries, Row
from footfall.store.sqlite.bulk import run_bulk
from footfall.store.sqlite.statements import SQL


class SQLiteSession:
    """An organization's rows on one connection, inside a transaction."""

    def __init__(
        self,
        connection: apsw.Connection,
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
        # Called between pieces of long reading that is in no hurry.
        self.give_way: Callable[[], None] = lambda: None

    def run(self, name: str, values: Mapping[str, Any]) -> apsw.Cursor:
        """Run a statement; yields its rows."""
        return self.connection.execute(SQL[name], values)

    def run_many(self, name: str, rows: Iterable[Mapping[str, Any]]) -> apsw.Cursor:
        """Run a statement for each of these; yields the rows of all, in order."""
        return self.connection.executemany(SQL[name], rows)

    def run_bulk(self, name: str, rows: Sequence[Sequence[Any]]) -> list[Row]:
        """Run a bulk statement; see `bulk`."""
        return run_bulk(self.connection, name, self.organization, rows)
