"""The events that are made of stays and logins, in SQLite."""

from collections.abc import Mapping

from typing_extensions import override

from footfall.core import derived_events
from footfall.core.events.structs import NewEvent
from footfall.store.relational.repository import Repository
from footfall.store.sqlite.arrivals import give_arrivals
from footfall.store.sqlite.event_log import Rows, append
from footfall.store.sqlite.session import SQLiteSession
from footfall.store.sqlite.statements import SQL
from footfall.store.sqlite.summaries import add_summaries
from footfall.store.transaction import EventRepository


class SQLiteEvents(Repository, EventRepository):
    """The derived events of an organization, on one connection."""

    def __init__(self, session: SQLiteSession):
        super().__init__(session)
        self._connection = session.connection
        self._number = session.organization

    @override
    def append(self, events: list[NewEvent], known: Mapping[str, int] = {}) -> int:
        if not events:
            return 0
        rows = Rows(events, self._keys, known)
        return append(self._connection, self._number, rows).accepted

    @override
    def withdraw(self, events: list[NewEvent]) -> int:
        if not events:
            return 0
        places = [(self._number, event.key) for event in events]
        found = list(self._connection.executemany(SQL["event"], places))
        number = give_arrivals(self._connection, self._number, len(found))
        seen: list[tuple[int, int]] = []
        bodies: list[tuple[int, bytes]] = []
        for at, (old, contact, kind, created_at, body) in enumerate(found, number):
            self._connection.execute(SQL["delete_event"], (old,))
            self._connection.execute(SQL["wipe_body"], (old,))
            values = (at, self._number, contact, kind, created_at)
            self._connection.execute(SQL["add_withdrawal"], values)
            bodies.append((at, derived_events.withdrawn(body)))
            seen.append((kind, created_at))
        self._bulk("add_bodies", bodies)
        add_summaries(self._connection, "withdrawal", self._number, number, seen)
        return len(found)
