"""The embedded store: SQLite through apsw, one file, one writer.

Readers and the writer never wait for each other (WAL); a commit is synced before
anyone is told of it (`synchronous=FULL`).
"""

import contextlib
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import apsw
import msgspec
from typing_extensions import override

from footfall.core.access import Service
from footfall.core.events.structs import NewEvent
from footfall.core.queries import EventQuery, Position
from footfall.errors import (
    AlreadyExists,
    ContactUnknown,
    OrganizationUnknown,
    StoreError,
    StoreFull,
    StoreUnwritable,
)
from footfall.store import (
    Appended,
    Entries,
    Erased,
    Organization,
    Page,
    in_log,
)
from footfall.store.relational.cache import PresenceCache, PresenceCaches
from footfall.store.relational.keys import Keys
from footfall.store.relational.services import values_of
from footfall.store.relational.session import Registries
from footfall.store.relational.slices import slices_of, total
from footfall.store.relational.store import RelationalStore, Run
from footfall.store.sqlite import backups, pages
from footfall.store.sqlite.ballast import Ballast
from footfall.store.sqlite.bulk import run_bulk
from footfall.store.sqlite.connections import (
    Readers,
    check_engine,
    check_file,
    translated,
)
from footfall.store.sqlite.copying import SQLiteCopying
from footfall.store.sqlite.eraser import Eraser
from footfall.store.sqlite.event_log import (
    Rows,
    append,
    find_contact,
    log_of,
    number_of,
)
from footfall.store.sqlite.health import check_health
from footfall.store.sqlite.journal import (
    Entry,
    Journal,
    ServiceRevocation,
    TokenRevocation,
)
from footfall.store.sqlite.observations import (
    INDEX_OBSERVATIONS,
    read_index,
    write_index,
)
from footfall.store.sqlite.session import SQLiteSession
from footfall.store.sqlite.statements import SQL
from footfall.store.sqlite.synced import SyncedFile
from footfall.store.sqlite.transaction import SQLiteTransaction, forget
from footfall.store.sqlite.users import SQLiteUsers, running
from footfall.store.sqlite.watch import FileWatch
from footfall.store.sqlite.writer import Writer
from footfall.store.transaction import Transaction

T = TypeVar("T")
# With less space left than this, sends fail sooner or later.
SPACE_MIN = 1024 * 1024
# An append is cut into jobs of the writer of at most so many events, and of as many
# bytes as fit into a turn: 500 events take 10 ms in a small store, 100 in one of 20
# million events, where each of them changes two pages that no other changes.
SLICE_EVENTS, SLICE_BYTES_MIN, SLICE_BYTES_MAX = 500, 32 * 1024, 256 * 1024
CHANGE_BYTES = 256 * 1024


class SQLiteStore(SQLiteCopying, RelationalStore):
    """Events, and all that belongs to them, in one file."""

    is_remote = False

    def __init__(self, path: Path, sealing_key: bytes, *, serving: bool = False):
        """Open the store, and make it if there is none.

        Args:
            path: The database's file.
            sealing_key: 64 bytes under which the keys in it are sealed.
            serving: Whether a server has it, which keeps room on the disk for erasures.
        """
        check_engine(apsw.sqlite_lib_version())
        backups.complete_restore(path)
        check_file(path)
        self._path = path
        self._keys = Keys(sealing_key)
        self._watch = FileWatch(path)
        self._file = SyncedFile(path)
        try:
            self._writer = Writer(
                path,
                self._keys,
                yields=not serving,
                committed=self._watch.wake,
                sync=self._file.sync,
            )
        except BaseException:
            self._file.close()
            raise
        self._readers = Readers(path)
        self._ballast = Ballast(path, keeps=serving)
        self._registries: Registries = {}
        self._caches = PresenceCaches()
        self._undone = 0
        self._ballast.lay()
        self._journal = Journal(path)
        self._journal.create()
        self._journaling = ThreadPoolExecutor(1, "footfall-journal")
        self.users = SQLiteUsers(self._rows, self._write, self._journaled)
        self._eraser = Eraser(
            path,
            self._writer,
            self._readers,
            self._ballast,
            self._journal,
            self._keys,
        )

    @override
    def close(self) -> None:
        self._eraser.close()
        self._journaling.shutdown()
        self._writer.close()
        self._watch.close()
        self._readers.close()
        self._file.close()

    @override
    def check(self) -> Future[None]:
        def work(connection: apsw.Connection) -> None:
            disk = os.statvfs(self._path.parent)
            if disk.f_bavail * disk.f_frsize < SPACE_MIN:
                raise StoreFull(
                    f"There is no space left for {self._path.name}: "
                    f"less than {SPACE_MIN} bytes."
                )
            if self._ballast.problem is not None:
                raise StoreUnwritable(self._ballast.problem)
            if self._writer.failure is not None:
                # Writes a page, though nothing changes: does the disk take it again?
                version = connection.pragma("user_version")
                connection.pragma("user_version", version)

        return self._writer.submit(work, alone=True)

    @override
    def append(self, organization: str, new: list[NewEvent]) -> Future[Appended]:
        # In slices, so that others get their turn in between.
        def write(rows: Rows) -> Future[Appended]:
            def work(connection: apsw.Connection) -> Appended:
                self._ballast.cover(rows.size)
                return append(connection, number_of(connection, organization), rows)

            return self._writer.submit(
                work, lane=organization, checked=True, size=rows.size
            )

        most = max(SLICE_BYTES_MIN, min(self._writer.fitting_bytes, SLICE_BYTES_MAX))
        cut = slices_of(new, SLICE_EVENTS, most)
        parts = [write(Rows(one, self._keys)) for one in cut]
        return parts[0] if len(parts) == 1 else _joined(parts, list(map(len, cut)))

    @override
    def bodies(self, organization: str, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        with self._readers.snapshot() as connection:
            number = number_of(connection, organization)
            asked = [(key,) for key in keys]
            return dict(run_bulk(connection, "stored", number, asked))

    @override
    def page(
        self,
        query: EventQuery,
        after: Position | None = None,
        bound: int | None = None,
    ) -> Page:
        with self._readers.snapshot() as connection:
            scope = self._scope(connection, query)
            if query.contact is not None and scope.contact is None:
                raise ContactUnknown("This organization has never seen this contact.")
            return pages.read(connection, query, scope, after, bound)

    @override
    def entries(self, query: EventQuery, after: int) -> Entries:
        query = in_log(query)
        with self._readers.snapshot() as connection:
            scope = self._scope(connection, query)
            if query.contact is not None and scope.contact is None:
                return Entries([], scope.newest)
            return pages.read_entries(connection, query, scope, after)

    def _scope(self, connection: apsw.Connection, query: EventQuery) -> pages.Scope:
        """Look up what a query names."""
        number, newest = log_of(connection, query.organization)
        contact = None
        if query.contact is not None:
            key = self._keys.contact(query.contact)
            contact = find_contact(connection, number, key)
        return pages.Scope(number, newest, contact)

    @override
    def newest_arrivals(self, organizations: Iterable[str]) -> dict[str, int]:
        names = msgspec.json.encode(list(organizations)).decode()
        with self._readers.one() as connection:
            rows = connection.execute(SQL["newest_arrivals"], {"organizations": names})
            return dict(rows)

    @override
    def watch(self, wake: Callable[[str | None], None]) -> Callable[[], None]:
        return self._watch.add(wake)

    @override
    def erase(self, organization: str, contact: str) -> Future[Erased]:
        return self._eraser.erase(organization, contact, self._caches.clear)

    @override
    def finish_erasures(self, *, resume: bool = True) -> Future[bool]:
        return self._eraser.finish(resume=resume)

    @override
    def purge(self) -> bool:
        return self._eraser.empty_wal()

    @override
    def transaction(
        self,
        organization: str,
        work: Callable[[Transaction], T],
        *,
        versioned: bool = True,
    ) -> Future[T]:
        def within(connection: apsw.Connection) -> T:
            # All that presence makes of a request is smaller than this.
            self._ballast.cover(CHANGE_BYTES)
            number = number_of(connection, organization)
            cache = self._cache_of(connection, number)
            session = SQLiteSession(
                connection, number, organization, self._keys, self._registries, cache
            )
            try:
                done = work(SQLiteTransaction(session))
                if versioned:
                    values = {"organization": number}
                    row = connection.execute(SQL["next_version"], values)
                    cache.version = int(row.get)
            except BaseException:
                cache.clear()
                raise
            return done

        # Beside the writer, so that in its turn only what is newer is read.
        with contextlib.suppress(OrganizationUnknown, StoreError):
            self.read(organization, lambda transaction: transaction.registry.load())
        return self._writer.submit(within, lane=organization)

    @override
    def read(self, organization: str, work: Callable[[Transaction], T]) -> T:
        with self._readers.snapshot() as connection:
            number = number_of(connection, organization)
            session = SQLiteSession(
                connection, number, organization, self._keys, self._registries
            )
            session.give_way = self._writer.give_way
            return work(SQLiteTransaction(session))

    def _cache_of(self, connection: apsw.Connection, number: int) -> PresenceCache:
        """Return what is remembered of an organization and still holds."""
        if self._undone != self._writer.undone:
            # Versions that were undone are given again, to something else.
            self._caches.clear()
            self._undone = self._writer.undone
        cache = self._caches.of(number)
        row = connection.execute(SQL["version"], {"organization": number})
        cache.renew(int(row.get))
        return cache

    def index_observations(self) -> bool:
        """Make kept observations findable; see `ObservationIndexing`."""
        with self._readers.snapshot() as connection:
            index = read_index(connection, INDEX_OBSERVATIONS)
        if index is None:
            return False
        self._writer.submit(lambda connection: write_index(connection, index)).result()
        return True

    @override
    def forget(self, observed: int, rejections: int) -> Future[bool]:
        return self._writer.submit(
            lambda connection: forget(connection, observed, rejections)
        )

    @override
    def create_organization(self, organization: Organization) -> Future[None]:
        def work(connection: apsw.Connection) -> None:
            try:
                connection.execute(
                    SQL["add_organization"], msgspec.structs.asdict(organization)
                )
            except apsw.ConstraintError:
                message = f"There is an organization {organization.id} already."
                raise AlreadyExists(message) from None

        return self._writer.submit(work)

    @override
    def create_service(self, service: Service, secret_hash: bytes) -> Future[None]:
        def work(connection: apsw.Connection) -> None:
            number_of(connection, service.organization)
            values = values_of(service) | {"secret_hash": secret_hash}
            connection.execute(SQL["add_service"], values)

        return self._writer.submit(work)

    @override
    def revoke_service(self, client_key: str, now: int) -> Future[bool]:
        def work(connection: apsw.Connection) -> bool:
            values = {"client_key": client_key, "now": now}
            connection.execute(SQL["revoke_service"], values)
            return connection.changes() > 0

        return self._journaled(ServiceRevocation(client_key, now), work, now)

    @override
    def revoke_token(self, token_id: str, expires_at: int, now: int) -> Future[None]:
        def work(connection: apsw.Connection) -> None:
            connection.execute(SQL["forget_tokens"], {"now": now})
            values = {"token_id": token_id, "expires_at": expires_at}
            connection.execute(SQL["revoke_token"], values)

        return self._journaled(TokenRevocation(token_id, expires_at), work, now)

    def _journaled(
        self, entry: Entry, work: Callable[[apsw.Connection], T], now: int
    ) -> Future[T]:
        """Note a revocation in the journal, and then do it."""

        def both() -> T:
            self._journal.append(entry)
            self._journal.compact(now)
            return self._writer.submit(work).result()

        return self._journaling.submit(both)

    @override
    def _rows(self, name: str, /, **values: Any) -> list[Any]:
        with self._readers.one() as connection:
            return connection.execute(SQL[name], values).fetchall()

    @override
    def _write(self, work: Callable[[Run], T]) -> Future[T]:
        return self._writer.submit(running(work))

    def check_health(self) -> dict[str, Any]:
        """Say how the store is; see `HealthReporting`."""
        with translated(self._path):
            return self._writer.submit(
                lambda connection: check_health(connection, self._path), alone=True
            ).result()


def _joined(parts: list[Future[Appended]], counts: list[int]) -> Future[Appended]:
    """Return what is done once all slices are, and fails if one of them does."""
    whole: Future[Appended] = Future()
    whole.set_running_or_notify_cancel()
    left, lock = len(parts), threading.Lock()

    def one_done(_part: Future[Appended]) -> None:
        nonlocal left
        with lock:
            left -= 1
            if left:
                return
        error = next(filter(None, (part.exception() for part in parts)), None)
        if error is None:
            whole.set_result(total([part.result() for part in parts], counts))
        else:
            whole.set_exception(error)

    for part in parts:
        part.add_done_callback(one_done)
    return whole
