"""The events that are made of stays and logins, in PostgreSQL."""

from collections.abc import Mapping

from typing_extensions import override

from footfall.core import derived_events
from footfall.core.events.structs import NewEvent
from footfall.store.postgres.event_log import append, give_arrivals
from footfall.store.postgres.session import PostgresSession
from footfall.store.relational.repository import Repository
from footfall.store.transaction import EventRepository


class PostgresEvents(Repository, EventRepository):
    """The derived events of an organization, on one connection."""

    def __init__(self, session: PostgresSession):
        super().__init__(session)
        self._postgres = session

    @override
    def append(self, events: list[NewEvent], known: Mapping[str, int] = {}) -> int:
        return append(self._postgres, events, known).accepted if events else 0

    @override
    def withdraw(self, events: list[NewEvent]) -> int:
        if not events:
            return 0
        keys = dict.fromkeys(event.key for event in events)
        found = list(self._many("withdraw_event", [{"key": key} for key in keys]))
        if not found:
            return 0
        arrivals = give_arrivals(self._postgres, len(found))
        self._many(
            "add_withdrawal",
            [
                {
                    "arrival": arrival,
                    "contact": contact,
                    "type": kind,
                    "created_at": created_at,
                    "body": derived_events.withdrawn(body),
                }
                for arrival, (contact, kind, created_at, body) in zip(
                    arrivals, found, strict=True
                )
            ],
        )
        return len(found)
