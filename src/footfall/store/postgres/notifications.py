"""Notifications: each server hears what the others commit, by LISTEN and NOTIFY.

A NOTIFY within a transaction makes its commit wait for those of all others that notify
(PostgreSQL puts notifications into one order under one lock). So it is sent after the
commit, from a thread of its own, for all organizations that were written meanwhile. One
that is lost because a server died is not missed for long: who waits looks for itself
now and then (`flows.delivery.tail`).
"""

import threading
from collections.abc import Callable

import msgspec
import psycopg
from psycopg_pool import ConnectionPool

from footfall.errors import StoreError
from footfall.store.postgres.connections import Connection, translated
from footfall.store.postgres.statements import SQL
from footfall.store.watchers import Watchers

# How long notifications are put together, and what a payload may have.
GATHER_S = 0.01
PAYLOAD_ORGANIZATIONS = 25
LOOK_S = 0.5
RETRY_S = 1


class Notifications:
    """Tells others what was committed here, and those that watch what others did."""

    def __init__(self, url: str, pool: ConnectionPool[Connection]):
        self._url = url
        self._pool = pool
        self._watchers = Watchers()
        self._closing = threading.Event()
        self._wake = threading.Condition()
        self._waiting: dict[str, None] = {}
        self._announcing: threading.Thread | None = None
        self._listening: threading.Thread | None = None

    def announce(self, organization: str) -> None:
        """Say that something of an organization was committed."""
        self._watchers.wake(organization)
        with self._wake:
            self._waiting[organization] = None
            if self._announcing is None:
                self._announcing = _started(self._announce, "announce")
            self._wake.notify()

    def watch(self, wake: Callable[[str | None], None]) -> Callable[[], None]:
        """Add one that watches; see `Store.watch`."""
        with self._wake:
            if self._listening is None and not self._closing.is_set():
                self._listening = _started(self._listen, "listen")
        return self._watchers.add(wake)

    def close(self) -> None:
        """Send what is still to be said, and stop."""
        with self._wake:
            self._closing.set()
            self._wake.notify()
        for thread in (self._announcing, self._listening):
            if thread is not None:
                thread.join()

    def _announce(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._waiting or self._closing.is_set())
            self._closing.wait(GATHER_S)
            with self._wake:
                names, self._waiting = list(self._waiting), {}
            if names:
                self._send(names)
            elif self._closing.is_set():
                return

    def _send(self, names: list[str]) -> None:
        try:
            with translated(), self._pool.connection() as connection:
                for at in range(0, len(names), PAYLOAD_ORGANIZATIONS):
                    some = names[at : at + PAYLOAD_ORGANIZATIONS]
                    payload = msgspec.json.encode(some).decode()
                    values = {"channel": _channel(connection), "payload": payload}
                    connection.execute(SQL["announce"], values)
        except StoreError:
            pass  # the database is away; whoever waits looks when it is back

    def _listen(self) -> None:
        while not self._closing.is_set():
            try:
                with psycopg.connect(self._url, autocommit=True) as connection:
                    self._hear(connection)
            except psycopg.Error:
                self._closing.wait(RETRY_S)

    def _hear(self, connection: Connection) -> None:
        channel = psycopg.sql.Identifier(_channel(connection))
        connection.execute(psycopg.sql.SQL("LISTEN {}").format(channel))
        # What was announced before this is not repeated.
        self._watchers.wake(None)
        while not self._closing.is_set():
            for one in connection.notifies(timeout=LOOK_S, stop_after=1):
                for organization in msgspec.json.decode(one.payload, type=list[str]):
                    self._watchers.wake(organization)


def _started(work: Callable[[], None], name: str) -> threading.Thread:
    thread = threading.Thread(target=work, name=f"footfall-{name}", daemon=True)
    thread.start()
    return thread


def _channel(connection: Connection) -> str:
    """Return the channel of the schema: a database may hold several footfalls."""
    [[schema]] = connection.execute("SELECT current_schema()").fetchall()
    return f"footfall {schema}"[:63]
