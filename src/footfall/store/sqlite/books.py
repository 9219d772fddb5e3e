"""The books in SQLite; see `footfall.store.books.Books`."""

import apsw

from footfall.store.sqlite.estates import EstateChapter, forget_problems
from footfall.store.sqlite.kept import KeptChapter, forget_segments
from footfall.store.sqlite.people import PeopleChapter
from footfall.store.sqlite.statements import SQL
from footfall.store.sqlite.stays import StaysChapter


class SQLiteBooks(EstateChapter, PeopleChapter, StaysChapter, KeptChapter):
    """An organization's books on one connection, for as long as its transaction."""


def forget(connection: apsw.Connection, observed: int, unclear: int) -> bool:
    """Forget a part of what is older; True if there may be more."""
    blocks = list(connection.execute(SQL["old_blocks"], {"before": observed}))
    connection.executemany(
        SQL["note_forgotten"], [(last_at, number) for _, number, last_at in blocks]
    )
    connection.executemany(SQL["delete_block"], [(row[0],) for row in blocks])
    forget_segments(connection)
    connection.execute(SQL["forget_sessions"], {"before": observed})
    problems = list(connection.execute(SQL["old_problems"], {"before": unclear}))
    forget_problems(connection, problems)
    return bool(blocks or problems)
