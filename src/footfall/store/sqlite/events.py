"""The events that are made of stays and logins, in SQLite."""

from typing_extensions import override

from footfall.core import derived_events
from footfall.core.events import NewEvent
from footfall.store.sqlite.event_log import Rows, append, next_arrival
from footfall.store.sqlite.repository import Repository
from footfall.store.sqlite.statements import SQL
from footfall.store.sqlite.summaries import add_blocks
from footfall.store.transaction import EventRepository


class SQLiteEvents(Repository, EventRepository):
    """The derived events of an organization, on one connection."""

    @override
    def append(self, events: list[NewEvent]) -> int:
        fresh, seen = [], set[bytes]()
        for event in events:
            place = (self._number, event.key)
            stored = self._connection.execute(SQL["is_stored"], place).get
            if not stored and event.key not in seen:
                fresh.append(event)
                seen.add(event.key)
        if fresh:
            append(self._connection, self._number, Rows(fresh, self._keys))
        return len(fresh)

    @override
    def withdraw(self, events: list[NewEvent]) -> int:
        arrival, count = next_arrival(self._connection), 0
        seen: list[tuple[int, int]] = []
        for event in events:
            place = (self._number, event.key)
            row = self._connection.execute(SQL["event"], place).fetchone()
            if row is None:
                continue
            old, contact, kind, created_at, body = row
            self._connection.execute(SQL["drop_event"], (old,))
            self._connection.execute(SQL["wipe_body"], (old,))
            self._connection.execute(
                SQL["add_withdrawal"],
                (arrival + count, self._number, contact, kind, created_at),
            )
            announced = derived_events.withdrawn(body)
            self._connection.execute(SQL["add_body"], (arrival + count, announced))
            seen.append((kind, created_at))
            count += 1
        add_blocks(self._connection, "withdrawal", self._number, arrival, seen)
        return count
