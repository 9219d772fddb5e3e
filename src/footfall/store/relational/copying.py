"""Copying between stores that speak SQL; see `footfall.store.copying`.

An engine has the statements that read (`copying.sql`), and a session that runs them
row by row and takes many rows in at once. All else is the same.
"""

import hashlib
import heapq
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from operator import itemgetter
from typing import Any, Protocol

import msgspec
from typing_extensions import override

from footfall.core import observations
from footfall.store.copying import CopyableStore, OrganizationState, Place, Row
from footfall.store.relational.session import Session

# Those whose rows are stored as they are.
_PLAIN = {
    "location": ("number", "id", "body", "settings", "deleted", "changed"),
    "hotspot": ("number", "id", "location", "body", "deleted", "changed"),
    "source": ("number", "id", "kind", "body"),
    "identity": ("key", "contact"),
    "owner": ("device", "since_at", "contact", "randomised", "pseudonym"),
    "session": ("key", "nas", "at", "ended_at"),
    "reattribution": ("number", "device", "since_at", "until_at", "former", "heir"),
    "rejection": ("number", "source", "at", "reason", "body"),
    "last_heard": ("kind", "id", "at"),
    "webhook": ("number", "id", "version", "body", "state"),
    "pending_delivery": (
        "webhook",
        "arrivals",
        "attempts",
        "retry_at",
        "due_at",
        "early",
    ),
    "delivery": (
        "number",
        "webhook",
        "request",
        "at",
        "outcome",
        "attempt",
        "arrival",
        "contact",
        "duration",
        "status",
        "reason",
        "event",
        "answer",
    ),
}
# Those whose rows name their organization by its id.
_OF_AN_ID = {
    "service": (
        "client_key",
        "role",
        "scopes",
        "locations",
        "secret_hash",
        "created_at",
        "revoked_at",
    ),
    "console_user": (
        "id",
        "email",
        "name",
        "role",
        "scopes",
        "locations",
        "password_hash",
        "created_at",
        "revoked_at",
    ),
}
_STAY = (
    "number",
    "contact",
    "place_kind",
    "place",
    "first_at",
    "start_at",
    "hotspot",
    "visit_at",
    "minimum_dwell",
    "session_timeout",
    "maximum_visit",
    "check_at",
)
BATCH = ("number", "received_at", "first_at", "last_at", "format", "records")


class CopySession(Session, Protocol):
    """What copying needs of an engine besides.

    Attributes:
        no_id: What an erased contact has in place of its id.
    """

    no_id: bytes | None

    def stream(self, name: str, after: Place) -> Iterator[Row]:
        """Run a statement that reads what follows a place; few rows are in memory."""

    def row_of_arrival(self, arrival: int) -> int:
        """Return what the rows of the log are beyond that arrived after a number."""

    def insert(
        self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
    ) -> None:
        """Store many rows of the organization; its number is not among the columns."""

    def insert_batches(self, rows: list[Row]) -> None:
        """Store batches of observations, with what finds them."""

    def insert_log(self, rows: list[Row]) -> None:
        """Store events and withdrawals, with what finds them."""


class SQLCopying(CopyableStore, Protocol):
    """What a store that speaks SQL does of copying; an engine has the sessions."""

    @abstractmethod
    def _reading(self, organization: str) -> AbstractContextManager[CopySession]:
        """Lend a session on one state of an organization's data."""

    @abstractmethod
    def _writing(
        self, organization: str, work: Callable[[CopySession], None]
    ) -> Future[None]:
        """Do `work` in a transaction of an organization."""

    @override
    def state_of(self, organization: str) -> OrganizationState:
        with self._reading(organization) as session:
            scope = {"organization": session.organization}
            row = next(session.run("organization_state", scope))
            return OrganizationState(session.keys.name, *row)

    @override
    def count_rows(self, organization: str) -> int:
        with self._reading(organization) as session:
            scope = {"organization": session.organization}
            return int(next(session.run("count_rows", scope))[0])

    @override
    def rows_of(self, organization: str, table: str, after: Place) -> Iterator[Row]:
        with self._reading(organization) as session:
            yield from _rows(session, table, after)

    @override
    def copy_mark(self, organization: str) -> bytes | None:
        with self._reading(organization) as session:
            scope = {"organization": session.organization}
            row = next(iter(session.run("copy_mark", scope)), None)
            return None if row is None else bytes(row[0])

    @override
    def add_rows(
        self, organization: str, table: str, rows: list[Row], mark: bytes
    ) -> Future[None]:
        def work(session: CopySession) -> None:
            _add(session, table, rows)
            note_copy(session, mark)

        return self._writing(organization, work)

    @override
    def end_copy(
        self, organization: str, state: OrganizationState, mark: bytes
    ) -> Future[None]:
        def work(session: CopySession) -> None:
            values = msgspec.structs.asdict(state)
            session.run(
                "put_organization_state",
                values | {"organization": session.organization},
            )
            note_copy(session, mark)

        return self._writing(organization, work)


def note_copy(session: Session, mark: bytes) -> None:
    """Note how far the copy of an organization is."""
    session.run("put_copy_mark", {"organization": session.organization, "mark": mark})


def _rows(session: CopySession, table: str, after: Place) -> Iterator[Row]:
    if table == "log":
        yield from _log(session, int(after[0]))
        return
    for row in session.stream(f"rows_of_{table}", after):
        if table == "key":
            purpose, sealed = row
            yield purpose, session.keys.open(sealed, session.organization_id, purpose)
        elif table == "observation_batch":
            yield _without_keys(session, row)
        else:
            yield tuple(row)


def _log(session: CopySession, after: int) -> Iterator[Row]:
    """Merge events and withdrawals; the engines would sort all of them."""
    place = (session.row_of_arrival(after),)
    parts = [
        session.stream(f"{name}_after", place) for name in ("events", "withdrawals")
    ]
    return map(tuple, heapq.merge(*parts, key=itemgetter(0)))


def _without_keys(session: CopySession, row: Row) -> Row:
    """Put what any store can tell in place of the contacts' keys; adds their ids."""
    *head, records = row
    asked = [
        {"organization": session.organization, "key": key}
        for key in sorted(observations.contacts(records))
    ]
    found = dict(session.run_many("contact_of_key", asked)) if asked else {}
    others = {bytes(key): _stand_in(contact) for key, contact in found.items()}
    ids = tuple(sorted(found.values()))
    return *head, observations.with_contacts(records, others), ids


def _with_keys(session: CopySession, row: Row) -> Row:
    """Put the contacts' keys of this store into a batch of observations."""
    *head, records, contacts = row
    keys = {_stand_in(contact): session.keys.contact(contact) for contact in contacts}
    return *head, observations.with_contacts(records, keys)


def _stand_in(contact: str) -> bytes:
    return hashlib.blake2b(
        contact.encode(), digest_size=observations.DIGEST_BYTES
    ).digest()


def _add(session: CopySession, table: str, rows: list[Row]) -> None:
    if table in _PLAIN:
        session.insert(table, _PLAIN[table], rows)
    elif table in _OF_AN_ID:
        owned = [(*row, session.organization_id) for row in rows]
        session.insert(table, (*_OF_AN_ID[table], "organization"), owned)
    elif table == "key":
        sealed = [
            (purpose, session.keys.seal(key, session.organization_id, purpose))
            for purpose, key in rows
        ]
        session.insert("organization_key", ("purpose", "key"), sealed)
    elif table == "contact":
        _add_contacts(session, rows)
    elif table == "stay":
        # The sixth is kept in a table of its own.
        columns = itemgetter(0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12)
        session.insert("stay", _STAY, map(columns, rows))
        session.insert("stay_end", ("stay", "last_at"), map(itemgetter(0, 5), rows))
    elif table == "observation_batch":
        session.insert_batches([_with_keys(session, row) for row in rows])
    else:
        session.insert_log(rows)


def _add_contacts(session: CopySession, rows: list[Row]) -> None:
    contacts = [
        (number, session.no_id, key)
        if contact is None
        else (number, contact, session.keys.contact(contact))
        for number, contact, key, _ in rows
    ]
    session.insert("contact", ("number", "id", "key"), contacts)
    profiles = [(number, profile) for number, _, _, profile in rows if profile]
    session.insert("profile", ("contact", "body"), profiles)
