"""A transaction in SQLite; see `footfall.store.transaction.Transaction`."""

import apsw

from footfall.store.relational.last_heard import SQLLastHeard
from footfall.store.relational.people import SQLPeople
from footfall.store.relational.registry import SQLRegistry
from footfall.store.relational.sources import SQLSources
from footfall.store.relational.stays import SQLStays
from footfall.store.relational.webhooks import SQLWebhooks
from footfall.store.sqlite.analytics import SQLiteAnalytics
from footfall.store.sqlite.events import SQLiteEvents
from footfall.store.sqlite.observations import SQLiteObservations, forget_indexes
from footfall.store.sqlite.session import SQLiteSession
from footfall.store.sqlite.statements import SQL


class SQLiteTransaction:
    """The repositories of an organization on one connection, in its transaction."""

    def __init__(self, session: SQLiteSession):
        self.registry = SQLRegistry(session)
        self.people = SQLPeople(session)
        self.stays = SQLStays(session)
        self.events = SQLiteEvents(session)
        self.observations = SQLiteObservations(session)
        self.sources = SQLSources(session)
        self.last_heard = SQLLastHeard(session)
        self.webhooks = SQLWebhooks(session)
        self.analytics = SQLiteAnalytics(session)


def forget(connection: apsw.Connection, observed: int, rejections: int) -> bool:
    """Forget a part of what is older; True if there may be more."""
    batches = list(connection.execute(SQL["old_batches"], {"before": observed}))
    connection.executemany(
        SQL["note_forgotten"], [(last_at, number) for _, number, last_at in batches]
    )
    connection.executemany(SQL["delete_batch"], [(row[0],) for row in batches])
    forget_indexes(connection)
    connection.execute(SQL["forget_sessions"], {"before": observed})
    old = list(connection.execute(SQL["old_rejections"], {"before": rejections}))
    rows = [{"number": number} for (number,) in old]
    connection.executemany(SQL["delete_rejection"], rows)
    tried = list(connection.execute(SQL["old_deliveries"], {"before": rejections}))
    gone = [{"number": number} for (number,) in tried]
    connection.executemany(SQL["delete_delivery"], gone)
    return bool(batches or old or tried)
