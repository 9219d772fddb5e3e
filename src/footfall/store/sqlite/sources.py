"""Where equipment sends to, in SQLite, and what of it was rejected."""

from typing import Any

import apsw
import msgspec
from typing_extensions import override

from footfall.store.sqlite.repository import Repository
from footfall.store.sqlite.statements import SQL
from footfall.store.transaction import Source, SourceRepository, StoredRejection

REJECTIONS_MAX = 10_000


class SQLiteSources(Repository, SourceRepository):
    """The sources of an organization, on one connection."""

    @override
    def put(self, source: Source) -> None:
        body = msgspec.json.encode(source)
        self._run("put_source", id=source.id, kind=source.kind, body=body)

    @override
    def delete(self, source: str) -> bool:
        self._run("delete_source", id=source)
        return self._connection.changes() > 0

    @override
    def add_rejections(self, rejections: list[StoredRejection]) -> None:
        self._many(
            "add_problem",
            [
                (self._number, p.source, p.at, p.reason, p.body.encode())
                for p in rejections
            ],
        )
        surplus = list(self._run("surplus_problems", most=REJECTIONS_MAX))
        delete_rejections(self._connection, surplus)

    @override
    def rejections(self, limit: int) -> list[StoredRejection]:
        return [
            StoredRejection(source, at, reason, bytes(body).decode())
            for source, at, reason, body in self._run("problems", limit=limit)
        ]


def delete_rejections(connection: apsw.Connection, numbers: list[Any]) -> None:
    """Overwrite rejections in their place, then delete them."""
    connection.executemany(SQL["wipe_problem"], numbers)
    connection.executemany(SQL["delete_problem"], numbers)
