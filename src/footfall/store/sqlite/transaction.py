"""A transaction in SQLite; see `footfall.store.transaction.Transaction`."""

import apsw

from footfall.store.sqlite.cache import PresenceCache
from footfall.store.sqlite.events import SQLiteEvents
from footfall.store.sqlite.keys import Keys
from footfall.store.sqlite.observations import SQLiteObservations, forget_segments
from footfall.store.sqlite.people import SQLitePeople
from footfall.store.sqlite.registry import SQLiteRegistry
from footfall.store.sqlite.repository import Registries
from footfall.store.sqlite.sources import SQLiteSources, delete_rejections
from footfall.store.sqlite.statements import SQL
from footfall.store.sqlite.stays import SQLiteStays


class SQLiteTransaction:
    """The repositories of an organization on one connection, in its transaction."""

    def __init__(
        self,
        connection: apsw.Connection,
        number: int,
        name: str,
        registries: Registries,
        keys: Keys,
        cache: PresenceCache | None = None,
    ):
        """Put them together.

        Args:
            connection: Inside a transaction.
            number: The organization's.
            name: Its id.
            registries: Those that were read already.
            keys: What opens the organization's keys.
            cache: What the writer knows; without it nothing is written.
        """
        scope = (connection, number, name, registries, keys, cache)
        self.registry = SQLiteRegistry(*scope)
        self.people = SQLitePeople(*scope)
        self.stays = SQLiteStays(*scope)
        self.events = SQLiteEvents(*scope)
        self.observations = SQLiteObservations(*scope)
        self.sources = SQLiteSources(*scope)


def forget(connection: apsw.Connection, observed: int, rejections: int) -> bool:
    """Forget a part of what is older; True if there may be more."""
    blocks = list(connection.execute(SQL["old_blocks"], {"before": observed}))
    connection.executemany(
        SQL["note_forgotten"], [(last_at, number) for _, number, last_at in blocks]
    )
    connection.executemany(SQL["delete_block"], [(row[0],) for row in blocks])
    forget_segments(connection)
    connection.execute(SQL["forget_sessions"], {"before": observed})
    problems = list(connection.execute(SQL["old_problems"], {"before": rejections}))
    delete_rejections(connection, problems)
    return bool(blocks or problems)
