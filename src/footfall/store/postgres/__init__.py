"""The scale-out store: PostgreSQL through psycopg, any number of servers on it.

Each write of an organization updates the organization's row first. Its lock gives the
writes of all servers an order, in which it also gives out the arrival numbers; its
version says whether what a server remembers still holds.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import psycopg
from psycopg_pool import ConnectionPool
from typing_extensions import override

from footfall.core.access import Service
from footfall.core.events.structs import NewEvent
from footfall.core.queries import EventQuery, Position
from footfall.errors import (
    ContactUnknown,
    StoreError,
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
from footfall.store.postgres import pages
from footfall.store.postgres.connections import (
    PAGES,
    Connection,
    is_broken,
    open_pool,
    translated,
)
from footfall.store.postgres.copying import PostgresCopying
from footfall.store.postgres.distribution import distribute, isolate
from footfall.store.postgres.eraser import Eraser
from footfall.store.postgres.event_log import append
from footfall.store.postgres.health import check_health
from footfall.store.postgres.notifications import Notifications
from footfall.store.postgres.organizations import Numbers, add_organization
from footfall.store.postgres.schema import prepare
from footfall.store.postgres.session import PostgresSession
from footfall.store.postgres.statements import SQL
from footfall.store.postgres.transaction import PostgresTransaction
from footfall.store.postgres.writer import Writer
from footfall.store.relational.keys import Keys
from footfall.store.relational.services import values_of
from footfall.store.relational.session import Registries
from footfall.store.relational.slices import slices_of, total
from footfall.store.relational.store import RelationalStore, Row, Run
from footfall.store.relational.users import SQLUsers
from footfall.store.transaction import Transaction

T = TypeVar("T")
_THREADS = 4
# What a statement adds at most.
SLICE_EVENTS, SLICE_BYTES = 2_000, 1024 * 1024


class PostgresStore(PostgresCopying, RelationalStore):
    """Events, and all that belongs to them, in a database that servers share."""

    is_remote = True

    def __init__(self, url: str, sealing_key: bytes):
        """Connect, and make the tables if there are none.

        Args:
            url: The database, as libpq takes it.
            sealing_key: 64 bytes under which the keys in it are sealed.
        """
        self._keys = Keys(sealing_key)
        self._registries: Registries = {}
        self._numbers = Numbers()
        self._pool = open_pool(url)
        try:
            with translated(), self._pool.connection() as connection:
                prepare(connection, self._keys)
        except BaseException:
            self._pool.close()
            raise
        self._pages = open_pool(url, PAGES)
        self._notifications = Notifications(url, self._pool)
        self._writer = Writer(
            self._pool,
            self._keys,
            self._registries,
            self._numbers,
            self._notifications.announce,
        )
        self._eraser = Eraser(self._pool, self._writer, self._within)
        self._threads = ThreadPoolExecutor(_THREADS, "footfall-store")
        self.users = SQLUsers(self._rows, self._write)

    @override
    def close(self) -> None:
        self._threads.shutdown()
        self._eraser.close()
        self._writer.close()
        self._notifications.close()
        self._pages.close()
        self._pool.close()

    @override
    def check(self) -> Future[None]:
        def work(connection: Connection) -> None:
            row = connection.execute("SELECT pg_is_in_recovery()").fetchone()
            if row is None or row[0]:
                raise StoreUnwritable("The database is a replica; name the primary.")

        return self._submit(work)

    @override
    def append(self, organization: str, events: list[NewEvent]) -> Future[Appended]:
        def write(session: PostgresSession) -> Appended:
            cut = slices_of(events, SLICE_EVENTS, SLICE_BYTES)
            return total([append(session, one) for one in cut], list(map(len, cut)))

        return self._writer.submit(organization, write, checked=True)

    @override
    def bodies(self, organization: str, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        def look(connection: Connection) -> dict[bytes, bytes]:
            session = self._rows_of(connection, organization)
            return dict(session.run_bulk("stored", [(key,) for key in keys]))

        return self._look(look)

    @override
    def page(
        self,
        query: EventQuery,
        after: Position | None = None,
        bound: int | None = None,
    ) -> Page:
        def look(connection: Connection) -> Page:
            scope = self._scope(connection, query)
            if query.contact is not None and scope.contact is None:
                raise ContactUnknown("This organization has never seen this contact.")
            return pages.read(connection, query, scope, after, bound)

        return self._look(look, self._pages)

    @override
    def entries(self, query: EventQuery, after: int) -> Entries:
        query = in_log(query)

        def look(connection: Connection) -> Entries:
            scope = self._scope(connection, query)
            if query.contact is not None and scope.contact is None:
                return Entries([], scope.newest)
            return pages.read_entries(connection, query, scope, after)

        return self._look(look, self._pages)

    def _scope(self, connection: Connection, query: EventQuery) -> pages.Scope:
        """Look up what a query names, the newest arrival first of all."""
        number = self._numbers.of(connection, query.organization)
        values: dict[str, Any] = {"organization": number}
        row = connection.execute(SQL["newest_arrival"], values).fetchone()
        newest = int(row[0]) if row else 0
        contact = None
        if query.contact is not None:
            values["key"] = self._keys.contact(query.contact)
            row = connection.execute(SQL["contact"], values).fetchone()
            contact = None if row is None else int(row[0])
        return pages.Scope(number, newest, contact)

    @override
    def newest_arrivals(self, organizations: Iterable[str]) -> dict[str, int]:
        rows = self._rows("newest_arrivals", organizations=list(organizations))
        return dict(rows)

    @override
    def watch(self, wake: Callable[[str | None], None]) -> Callable[[], None]:
        return self._notifications.watch(wake)

    @override
    def erase(self, organization: str, contact: str) -> Future[Erased]:
        return self._eraser.erase(organization, contact)

    @override
    def finish_erasures(self, *, resume: bool = True) -> Future[bool]:
        return self._eraser.finish(resume=resume)

    @override
    def purge(self) -> bool:
        return self._eraser.vacuum(at_once=True)

    @override
    def transaction(
        self,
        organization: str,
        work: Callable[[Transaction], T],
        *,
        versioned: bool = True,
    ) -> Future[T]:
        return self._writer.submit(
            organization,
            lambda session: work(PostgresTransaction(session)),
            versioned=versioned,
        )

    @override
    def read(self, organization: str, work: Callable[[Transaction], T]) -> T:
        return self._within(
            organization, lambda session: work(PostgresTransaction(session))
        )

    def _within(self, organization: str, look: Callable[[PostgresSession], T]) -> T:
        """Look at one state of an organization's rows."""

        def whole(connection: Connection) -> T:
            with connection.transaction():
                connection.execute(
                    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
                )
                return look(self._rows_of(connection, organization))

        return self._look(whole)

    def _rows_of(self, connection: Connection, organization: str) -> PostgresSession:
        number = self._numbers.of(connection, organization)
        return PostgresSession(
            connection, number, organization, self._keys, self._registries
        )

    @override
    def forget(self, observed: int, rejections: int) -> Future[bool]:
        def some(session: PostgresSession) -> bool:
            scope = {"organization": session.organization}
            gone = list(session.run("forget_batches", scope | {"before": observed}))
            before = scope | {"before": rejections}
            gone += session.run("forget_rejections", before)
            gone += session.run("forget_deliveries", before)
            return bool(gone)

        def all_of_them() -> bool:
            self._rows("forget_sessions", before=observed)
            names = self._rows(
                "organizations_to_forget", observed=observed, rejections=rejections
            )
            done = [self._writer.submit(name, some) for (name,) in names]
            more = [one.result() for one in done]
            return any(more)

        return self._threads.submit(all_of_them)

    @override
    def create_organization(self, organization: Organization) -> Future[None]:
        def work(connection: Connection) -> None:
            add_organization(connection, organization)

        return self._submit(work)

    @override
    def create_service(self, service: Service, secret_hash: bytes) -> Future[None]:
        def work(connection: Connection) -> None:
            self._numbers.of(connection, service.organization)
            values = values_of(service) | {"secret_hash": secret_hash}
            connection.execute(SQL["add_service"], values)

        return self._submit(work)

    @override
    def revoke_service(self, client_key: str, now: int) -> Future[bool]:
        def work(connection: Connection) -> bool:
            values = {"client_key": client_key, "now": now}
            return connection.execute(SQL["revoke_service"], values).rowcount > 0

        return self._submit(work)

    @override
    def revoke_token(self, token_id: str, expires_at: int, now: int) -> Future[None]:
        def work(connection: Connection) -> None:
            connection.execute(SQL["forget_tokens"], {"now": now})
            values = {"token_id": token_id, "expires_at": expires_at}
            connection.execute(SQL["revoke_token"], values)

        return self._submit(work)

    def check_health(self) -> dict[str, Any]:
        """Say how the store is; see `HealthReporting`."""
        return self._look(check_health)

    def distribute(self) -> list[str]:
        """Distribute the tables over the database's nodes; see `DistributedStore`."""
        with translated(), self._pool.connection() as connection:
            return distribute(connection)

    def isolate(self, organization: str, node: tuple[str, int]) -> None:
        """Give an organization a node of its own; see `DistributedStore`."""
        with translated(), self._pool.connection() as connection:
            isolate(connection, self._numbers.of(connection, organization), node)

    @override
    def _rows(self, name: str, /, **values: Any) -> list[Any]:
        def look(connection: Connection) -> list[Any]:
            cursor = connection.execute(SQL[name], values, binary=True)
            return cursor.fetchall() if cursor.description else []

        return self._look(look)

    def _look(
        self,
        look: Callable[[Connection], T],
        pool: ConnectionPool[Connection] | None = None,
    ) -> T:
        """Read; a second time where the connection was broken, for that is safe."""
        pool = pool or self._pool
        with translated():
            try:
                with pool.connection() as connection:
                    return look(connection)
            except psycopg.OperationalError as error:
                if not is_broken(error):
                    raise
            pool.check()
            with pool.connection() as connection:
                return look(connection)

    def _submit(self, work: Callable[[Connection], T]) -> Future[T]:
        """Write what is no organization's."""

        def whole() -> T:
            with self._transaction() as connection:
                return work(connection)

        try:
            return self._threads.submit(whole)
        except RuntimeError:
            raise StoreError("The store is closing.") from None

    @override
    def _write(self, work: Callable[[Run], T]) -> Future[T]:
        def within(connection: Connection) -> T:
            def run(name: str, /, **values: Any) -> list[Row]:
                cursor = connection.execute(SQL[name], values, binary=True)
                return cursor.fetchall() if cursor.description else []

            return work(run)

        return self._submit(within)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with (
            translated(),
            self._pool.connection() as connection,
            connection.transaction(),
        ):
            yield connection
