"""What each repository of a transaction stands on."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from footfall.store.relational.cache import PresenceCache
from footfall.store.relational.session import Row, Session


class Repository:
    """An organization's rows, for as long as its transaction."""

    def __init__(self, session: Session):
        self._session = session
        self._keys = session.keys
        self._writes = session.cache is not None
        self._cache = PresenceCache() if session.cache is None else session.cache

    def _run(self, name: str, **values: Any) -> Iterator[Row]:
        values["organization"] = self._session.organization
        return self._session.run(name, values)

    def _one(self, name: str, **values: Any) -> Row | None:
        """Run a statement that has one row, or none."""
        return next(iter(self._run(name, **values)), None)

    def _many(self, name: str, rows: Iterable[Mapping[str, Any]]) -> Iterator[Row]:
        """Run a statement for each of these; yields the rows of all, in order."""
        scope = {"organization": self._session.organization}
        return self._session.run_many(name, [{**scope, **row} for row in rows])

    def _bulk(self, name: str, rows: Sequence[Sequence[Any]]) -> list[Row]:
        """Run a bulk statement; yields what it does for all rows, in no order."""
        return self._session.run_bulk(name, rows)
