"""What each repository of a transaction stands on."""

from collections.abc import Iterable, Sequence
from typing import Any

import apsw

from footfall.core.places import Registry
from footfall.store.sqlite.cache import PresenceCache
from footfall.store.sqlite.keys import Keys
from footfall.store.sqlite.statements import SQL

Registries = dict[int, tuple[int, Registry]]


class Repository:
    """An organization's rows on one connection, for as long as its transaction."""

    def __init__(
        self,
        connection: apsw.Connection,
        number: int,
        name: str,
        registries: Registries,
        keys: Keys,
        recent: PresenceCache | None = None,
    ):
        """Take the scope of the transaction.

        Args:
            connection: Inside a transaction.
            number: The organization's.
            name: Its id.
            registries: Those that were read already.
            keys: What opens the organization's keys.
            recent: What the writer knows; without it nothing is written.
        """
        self._connection = connection
        self._number = number
        self._name = name
        self._registries = registries
        self._keys = keys
        # The registry with what this transaction changed of it.
        self._own: tuple[int, Registry] | None = None
        self._touched = False
        self._writes = recent is not None
        self._cache = recent or PresenceCache()

    def _run(self, name: str, **values: Any) -> apsw.Cursor:
        return self._connection.execute(
            SQL[name], {"organization": self._number} | values
        )

    def _many(self, name: str, rows: Iterable[Sequence[Any]]) -> apsw.Cursor:
        return self._connection.executemany(SQL[name], rows)
