"""Users in the file; what ends their access is noted in the journal too."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import apsw
from typing_extensions import override

from footfall.store.relational.users import Row, Run, SQLUsers
from footfall.store.sqlite.connections import Readers
from footfall.store.sqlite.journal import Entry, UserChange
from footfall.store.sqlite.statements import SQL
from footfall.store.sqlite.writer import Writer

T = TypeVar("T")


class SQLiteUsers(SQLUsers):
    """The repository in an SQLite file.

    Args:
        readers: What lends connections that read.
        writer: The one writer.
        journaled: Notes an entry in the journal and then does the work.
    """

    def __init__(
        self,
        readers: Readers,
        writer: Writer,
        journaled: Callable[[Entry, Callable[[apsw.Connection], Any], int], Any],
    ):
        def read(name: str, /, **values: Any) -> list[Row]:
            with readers.one() as connection:
                return list(connection.execute(SQL[name], values))

        super().__init__(read, lambda work: writer.submit(_running(work)))
        self._journaled = journaled

    @override
    def _change(self, user: str, work: Callable[[Run], bool], now: int) -> Future[bool]:
        done: Future[bool] = self._journaled(UserChange(user, now), _running(work), now)
        return done


def _running(work: Callable[[Run], T]) -> Callable[[apsw.Connection], T]:
    def within(connection: apsw.Connection) -> T:
        def run(name: str, /, **values: Any) -> list[Row]:
            return list(connection.execute(SQL[name], values))

        return work(run)

    return within
