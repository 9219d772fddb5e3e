"""Copying: what a store offers so that all that it holds can move to another store.

An organization's data goes as *rows* in a form that no engine and no key of a store is
in. Each begins with what orders the rows of its table. Numbers are kept, for events are
made with those of hotspots; so are the keys of an organization, for digests are made
with them. What stands for a contact under a store's own key is left out, and made again
where the rows arrive.

| table | its rows |
|---|---|
| service | client_key, role, scopes, locations, secret_hash, created_at, revoked_at |
| console_user | id, email, name, role, scopes, locations, password_hash, created_at, \
revoked_at; they sign in again there |
| key | purpose, key in clear |
| location | number, id, body, settings, deleted, changed |
| hotspot | number, id, location, body, deleted, changed |
| source | number, id, kind, body |
| contact | number, id, key, profile: no id once it is erased, and a key only then |
| identity | key, contact |
| owner | device, since_at, contact, randomised, pseudonym |
| session | key, nas, at, ended_at |
| reattribution | number, device, since_at, until_at, former, heir |
| rejection | number, source, at, reason, body |
| last_heard | kind, id, at |
| stay | as the table, with last_at after first_at |
| observation_batch | number, received_at, first_at, last_at, format, records, \
contacts: the ids of those that the records are about |
| webhook | number, id, version, body, state |
| pending_delivery | webhook, arrivals, attempts, retry_at, due_at, early |
| delivery | as the table |
| log | arrival, contact, type, created_at, local_at, key, body: events, and \
withdrawals, which have neither local_at nor key |
"""

from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any, Protocol, runtime_checkable

import msgspec

from footfall.store import Organization, Store

Row = tuple[Any, ...]
# Numbers, texts or bytes: as many as the rows of the table are ordered by.
Place = tuple[Any, ...]

# In the order in which they are copied, with the place before the first row of each.
BEFORE: dict[str, Place] = {
    "service": ("",),
    "console_user": ("",),
    "key": ("",),
    "location": (0,),
    "hotspot": (0,),
    "source": (0,),
    "contact": (0,),
    "identity": (b"",),
    "owner": (b"", 0),
    "session": (b"",),
    "reattribution": (0,),
    "rejection": (0,),
    "last_heard": (-1, ""),
    "stay": (0,),
    "observation_batch": (0,),
    "webhook": (0,),
    "pending_delivery": (0, b""),
    "delivery": (0,),
    "log": (0,),
}


def place_of(table: str, row: Row) -> Place:
    """Return the place of a row among those of its table."""
    return row[: len(BEFORE[table])]


class OrganizationState(msgspec.Struct, frozen=True):
    """An organization's own row, and what tells whether anything of it has changed.

    Attributes:
        store: What tells its store from all others.
        arrival: The newest arrival number.
        version: Counts the changes of what servers remember.
        registry: The version of what is registered.
        settings: Its rules of presence, as JSON.
        forgotten_until: Up to when observations may have been forgotten.
    """

    store: bytes
    arrival: int
    version: int
    registry: int
    settings: str
    forgotten_until: int


@runtime_checkable
class CopyableStore(Store, Protocol):
    """A store whose organizations can be copied, and that takes copies in."""

    def is_served(self, now: int) -> bool:
        """Tell whether a server works on it: one holds a lease."""

    def state_of(self, organization: str) -> OrganizationState:
        """Return the state of an organization."""

    def count_rows(self, organization: str) -> int:
        """Return how many rows an organization has, about."""

    def rows_of(self, organization: str, table: str, after: Place) -> Iterator[Row]:
        """Yield the rows of a table that follow a place, in order.

        Few of them are in memory at a time, so they may be as many as there are.
        """

    def revoked_tokens(self) -> list[tuple[str, int]]:
        """Return the tokens that were ended, each with when it expires."""

    def copy_mark(self, organization: str) -> bytes | None:
        """Return what was noted of how far a copy into this store is, if one is."""

    def begin_copy(
        self, organization: Organization, tokens: list[tuple[str, int]], mark: bytes
    ) -> Future[None]:
        """Make an organization that is empty, and note that a copy of it has begun.

        The future fails with AlreadyExists where there is one of its id, or where the
        store cannot take a further one.
        """

    def add_rows(
        self, organization: str, table: str, rows: list[Row], mark: bytes
    ) -> Future[None]:
        """Store rows that follow those before, and note how far the copy is."""

    def settle_copies(self) -> Future[None]:
        """Bring what was copied into the shape that what is written here has."""

    def end_copy(
        self, organization: str, state: OrganizationState, mark: bytes
    ) -> Future[None]:
        """Give an organization its state, which shows its events, and note it."""
