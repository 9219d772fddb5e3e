"""The embedded store: SQLite through apsw, one file, one writer.

Readers and the writer never wait for each other (WAL); a commit is synced before
anyone is told of it (`synchronous=FULL`).
"""

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import apsw
import msgspec

from footfall.core import access, events
from footfall.core.access import Service
from footfall.core.events import NewEvent
from footfall.core.queries import EventQuery, Place
from footfall.errors import (
    AlreadyExists,
    ContactUnknown,
    OrganizationUnknown,
    StoreError,
    StoreFull,
)
from footfall.store import Appended, Credential, Organization, Page
from footfall.store.sqlite import pages
from footfall.store.sqlite.ballast import Ballast
from footfall.store.sqlite.connections import (
    Readers,
    check_engine,
    check_file,
    is_full,
    transaction,
    translated,
)
from footfall.store.sqlite.examination import examine
from footfall.store.sqlite.statements import SQL
from footfall.store.sqlite.writer import Writer

T = TypeVar("T")
# With less space left than this, sends fail sooner or later.
SPACE_MIN = 1024 * 1024


class SQLiteStore:
    """See `footfall.store.Store`."""

    def __init__(self, path: Path):
        check_engine(apsw.sqlite_lib_version())
        check_file(path)
        self._path = path
        self._writer = Writer(path)
        self._readers = Readers(path)
        self._ballast = Ballast(path)
        self._ballast.lay()

    def close(self) -> None:
        """See `Store.close`."""
        self._writer.close()
        self._readers.close()

    def check(self) -> Future[None]:
        """See `Store.check`."""

        def work(connection: apsw.Connection) -> None:
            disk = os.statvfs(self._path.parent)
            if disk.f_bavail * disk.f_frsize < SPACE_MIN:
                raise StoreFull(
                    f"There is no space left for {self._path.name}: "
                    f"less than {SPACE_MIN} bytes."
                )
            if self._writer.failure is not None:
                # Writes a page, though nothing changes: does the disk take it again?
                version = connection.pragma("user_version")
                connection.pragma("user_version", version)

        return self._writer.submit(work, alone=True)

    def append(self, organization: str, new: list[NewEvent]) -> Future[Appended]:
        """See `Store.append`."""
        rows = Rows(new)

        def work(connection: apsw.Connection) -> Appended:
            self._ballast.cover(rows.size)
            return _append(connection, organization, rows)

        return self._writer.submit(work)

    def page(
        self,
        query: EventQuery,
        after: Place | None = None,
        bound: int | None = None,
    ) -> Page:
        """See `Store.page`."""
        with self._readers.snapshot() as connection:
            organization = _number_of(connection, query.organization)
            contact = None
            if query.contact is not None:
                contact = _contact_of(connection, organization, query.contact)
            return pages.read(connection, query, organization, contact, after, bound)

    def erase(self, organization: str, contact: str) -> Future[dict[int, int]]:
        """See `Store.erase`."""

        def work(connection: apsw.Connection) -> dict[int, int]:
            counts = self._making_room(
                lambda: _erase(connection, organization, contact)
            )
            self._making_room(lambda: _empty_wal(connection))
            return counts

        return self._writer.submit(work, alone=True)

    def _making_room(self, work: Callable[[], T]) -> T:
        """Do it, on a full disk once more in the ballast's place."""
        try:
            return work()
        except apsw.Error as error:
            if not is_full(error):
                raise
        self._ballast.drop()
        try:
            return work()
        finally:
            self._ballast.lay()

    def create_organization(self, organization: Organization) -> Future[None]:
        """See `Store.create_organization`."""

        def work(connection: apsw.Connection) -> None:
            try:
                connection.execute(
                    SQL["add_organization"], msgspec.structs.asdict(organization)
                )
            except apsw.ConstraintError:
                message = f"There is an organization {organization.id} already."
                raise AlreadyExists(message) from None

        return self._writer.submit(work)

    def organizations(self) -> list[Organization]:
        """See `Store.organizations`."""
        with self._readers.snapshot() as connection:
            rows = connection.execute(SQL["organizations"])
            return [Organization(*row) for row in rows]

    def create_service(self, service: Service, secret_hash: bytes) -> Future[None]:
        """See `Store.create_service`."""

        def work(connection: apsw.Connection) -> None:
            _number_of(connection, service.organization)
            values = msgspec.structs.asdict(service) | {
                "scopes": " ".join(service.scopes),
                "role": str(service.role),
                "secret_hash": secret_hash,
            }
            connection.execute(SQL["add_service"], values)

        return self._writer.submit(work)

    def services(self, organization: str | None = None) -> list[Service]:
        """See `Store.services`."""
        with self._readers.snapshot() as connection:
            rows = connection.execute(SQL["services"], {"organization": organization})
            return [_service(row) for row in rows]

    def credential(self, client_key: str, token_id: str = "") -> Credential | None:
        """See `Store.credential`."""
        values = {"client_key": client_key, "token_id": token_id}
        with self._readers.one() as connection:
            row = connection.execute(SQL["credential"], values).fetchone()
        if row is None:
            return None
        *service, secret_hash, revoked = row
        return Credential(_service(service), secret_hash, bool(revoked))

    def revoke_service(self, client_key: str, now: int) -> Future[bool]:
        """See `Store.revoke_service`."""

        def work(connection: apsw.Connection) -> bool:
            values = {"client_key": client_key, "now": now}
            connection.execute(SQL["revoke_service"], values)
            return connection.changes() > 0

        return self._writer.submit(work)

    def revoke_token(self, token_id: str, expires_at: int, now: int) -> Future[None]:
        """See `Store.revoke_token`."""

        def work(connection: apsw.Connection) -> None:
            connection.execute(SQL["forget_tokens"], {"now": now})
            values = {"token_id": token_id, "expires_at": expires_at}
            connection.execute(SQL["revoke_token"], values)

        return self._writer.submit(work)

    def examine(self) -> dict[str, Any]:
        """See `Store.examine`."""
        with translated(self._path):
            return self._writer.submit(
                lambda connection: examine(connection, self._path), alone=True
            ).result()


def _number_of(connection: apsw.Connection, organization: str) -> int:
    row = connection.execute(SQL["organization"], {"id": organization}).fetchone()
    if row is None:
        raise OrganizationUnknown(f"There is no organization {organization}.")
    return int(row[0])


def _contact_of(connection: apsw.Connection, organization: int, contact: str) -> int:
    values = {"organization": organization, "key": _contact_key(contact)}
    row = connection.execute(SQL["contact"], values).fetchone()
    if row is None:
        raise ContactUnknown("This organization has never seen this contact.")
    return int(row[0])


def _contact_key(contact: str) -> bytes:
    return hashlib.blake2b(contact.encode(), digest_size=16).digest()


def _service(row: Sequence[Any]) -> Service:
    key, organization, role, scopes, created_at, revoked_at = row
    return Service(
        client_key=key,
        organization=organization,
        role=access.Role(role),
        scopes=tuple(scopes.split()),
        created_at=created_at,
        revoked_at=revoked_at,
    )


class Rows:
    """Events as rows: made where they are sent, so that the writer only writes."""

    def __init__(self, new: list[NewEvent]):
        self.new = new
        self.size = sum(len(event.body) for event in new)
        contacts = {event.contact: _contact_key(event.contact) for event in new}
        self.contacts = [(key, contact) for contact, key in contacts.items()]
        self.rows = [
            (contacts[e.contact], e.type, e.created_at, e.local_at, e.key) for e in new
        ]


def _append(connection: apsw.Connection, organization: str, rows: Rows) -> Appended:
    """Insert all at once; where an id is there already, one by one."""
    number = _number_of(connection, organization)
    contacts = [(number, *contact) for contact in rows.contacts]
    connection.executemany(SQL["add_contact"], contacts)
    arrival = int(connection.execute(SQL["newest"]).get) + 1
    try:
        with connection:
            _insert(connection, number, arrival, rows)
    except apsw.ConstraintError:
        return _append_singly(connection, number, arrival, rows)
    return Appended(accepted=len(rows.new))


def _insert(connection: apsw.Connection, number: int, arrival: int, rows: Rows) -> None:
    connection.executemany(
        SQL["add_event"],
        [(at, number, *row) for at, row in enumerate(rows.rows, arrival)],
    )
    connection.executemany(
        SQL["add_body"],
        [(at, event.body) for at, event in enumerate(rows.new, arrival)],
    )


def _append_singly(
    connection: apsw.Connection, number: int, arrival: int, rows: Rows
) -> Appended:
    duplicates, conflicts, first = 0, [], arrival
    for position, (row, event) in enumerate(zip(rows.rows, rows.new, strict=True)):
        stored = connection.execute(SQL["stored"], (number, event.key)).fetchone()
        if stored is None:
            connection.execute(SQL["add_event"], (arrival, number, *row))
            connection.execute(SQL["add_body"], (arrival, event.body))
            arrival += 1
        elif events.same(event.sent, stored[0]):
            duplicates += 1
        else:
            conflicts.append(position)
    return Appended(arrival - first, duplicates, tuple(conflicts))


def _erase(
    connection: apsw.Connection, organization: str, contact: str
) -> dict[int, int]:
    with transaction(connection):
        number = _contact_of(connection, _number_of(connection, organization), contact)
        values = {"contact": number}
        counts = dict(connection.execute(SQL["count_types"], values))
        for name in ("wipe_bodies", "erase_events", "wipe_contact"):
            connection.execute(SQL[name], values)
    return counts


def _empty_wal(connection: apsw.Connection) -> None:
    """Move all from the WAL into the database and cut it to nothing.

    Raises:
        StoreError: A reader held the WAL for longer than the busy timeout.
    """
    mode = apsw.SQLITE_CHECKPOINT_TRUNCATE
    try:
        connection.wal_checkpoint(mode=mode)
    except apsw.BusyError:
        raise StoreError(
            "The contact is erased, but a long read keeps its bytes in the WAL file; "
            "they go with the next checkpoint."
        ) from None
