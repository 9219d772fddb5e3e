"""A transaction in PostgreSQL; see `footfall.store.transaction.Transaction`."""

from footfall.store.postgres.analytics import PostgresAnalytics
from footfall.store.postgres.events import PostgresEvents
from footfall.store.postgres.observations import PostgresObservations
from footfall.store.postgres.session import PostgresSession
from footfall.store.relational.last_heard import SQLLastHeard
from footfall.store.relational.people import SQLPeople
from footfall.store.relational.registry import SQLRegistry
from footfall.store.relational.sources import SQLSources
from footfall.store.relational.stays import SQLStays
from footfall.store.relational.webhooks import SQLWebhooks


class PostgresTransaction:
    """The repositories of an organization on one connection, in its transaction."""

    def __init__(self, session: PostgresSession):
        self.registry = SQLRegistry(session)
        self.people = SQLPeople(session)
        self.stays = SQLStays(session)
        self.events = PostgresEvents(session)
        self.observations = PostgresObservations(session)
        self.sources = SQLSources(session)
        self.last_heard = SQLLastHeard(session)
        self.webhooks = SQLWebhooks(session)
        self.analytics = PostgresAnalytics(session)
