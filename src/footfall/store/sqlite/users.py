"""Users in the file; what ends their access is noted in the journal too."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import apsw
from typing_extensions import override

from footfall.store.relational.store import Row, Run
from footfall.store.relational.users import SQLUsers
from footfall.store.sqlite.journal import Entry, UserChange
from footfall.store.sqlite.statements import SQL

T = TypeVar("T")


class SQLiteUsers(SQLUsers):
    """The repository in an SQLite file.

    Args:
        read: Runs a statement on a connection that reads.
        write: Does work in a transaction of the writer.
        journaled: Notes an entry in the journal and then does the work.
    """

    def __init__(
        self,
        read: Run,
        write: Callable[[Callable[[Run], Any]], Future[Any]],
        journaled: Callable[[Entry, Callable[[apsw.Connection], Any], int], Any],
    ):
        super().__init__(read, write)
        self._journaled = journaled

    @override
    def _change(self, user: str, work: Callable[[Run], bool], now: int) -> Future[bool]:
        done: Future[bool] = self._journaled(UserChange(user, now), running(work), now)
        return done


def running(work: Callable[[Run], T]) -> Callable[[apsw.Connection], T]:
    """Return work with named statements as the writer does it."""

    def within(connection: apsw.Connection) -> T:
        def run(name: str, /, **values: Any) -> list[Row]:
            return list(connection.execute(SQL[name], values))

        return work(run)

    return within
