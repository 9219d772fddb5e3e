"""The servers that are compared: how each is filled, started and asked."""

import asyncio
import contextlib
import os
import re
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import msgspec

from footfall.core import instants
from peers.drivers import table_at
from peers.tables import rows_of

BENCH = Path(__file__).parents[1]
sys.path.append(str(BENCH.parent))
from tests import postgres  # noqa: E402  its cluster and its schemas are wanted here too


class Server(Protocol):
    """One of those that are compared.

    Attributes:
        name: What it is, and on which database.
        token: What is sent with each request.
        path: Where events are sent to.
    """

    name: str
    token: str
    path: str

    def load(self, bodies: list[bytes]) -> None:
        """Store events, before anything is measured."""

    def serving(self) -> contextlib.AbstractContextManager[str]:
        """Serve meanwhile; yields the address."""

    def page(self, since: int, size: int) -> str:
        """Return the path of the first events from an instant on."""

    def following(self, path: str, answer: bytes, /) -> str | None:
        """Return the path of the page after this one, if there is one."""

    def sends(self, bodies: list[bytes]) -> bytes:
        """Return what is sent to store events."""


class Thin:
    """A thin handler, on asyncpg or on SQLAlchemy."""

    token = ""
    path = "/events"

    def __init__(self, name: str, peer: str, url: str):
        self.name = name
        self._peer = peer
        self._url = url

    def load(self, bodies: list[bytes]) -> None:
        async def add() -> None:
            opened = table_at(self._peer, self._url)
            await opened.open()
            await opened.add(rows_of(bodies))
            await opened.close()

        asyncio.run(add())

    @contextlib.contextmanager
    def serving(self) -> Iterator[str]:
        command = ["granian", "--interface", "rsgi", "--no-ws", "peers.thin:handler"]
        given = {"PEER": self._peer, "PEER_URL": self._url}
        with _process(command, given) as address:
            yield address

    def page(self, since: int, size: int) -> str:
        return f"/events?after={since - 1},0&size={size}"

    def following(self, path: str, answer: bytes) -> str | None:
        found = re.match(rb'{"next":"([\d,]+)"', answer)
        size = path.rpartition("=")[2]
        return f"/events?after={found[1].decode()}&size={size}" if found else None

    def sends(self, bodies: list[bytes]) -> bytes:
        return b"[" + b",".join(bodies) + b"]"


class Datasette:
    """Datasette on a file of SQLite, with its own API for rows."""

    token = ""
    path = "/events/event/-/insert"

    def __init__(self, name: str, folder: Path):
        self.name = name
        self._file = folder / "events.db"
        self._settings = folder / "datasette.json"
        with contextlib.closing(sqlite3.connect(self._file)) as made:
            # Stays so; `synchronous` is FULL unless somebody changes it.
            made.execute("PRAGMA journal_mode = WAL")
            made.executescript(
                "CREATE TABLE event (id TEXT PRIMARY KEY, customer TEXT, type TEXT,"
                " created_at INTEGER, body TEXT);"
                "CREATE INDEX event_by_time ON event (created_at, id);"
                "CREATE INDEX event_by_customer ON event (customer, created_at, id);"
            )
        limits = {
            "max_insert_rows": 500,
            "max_returned_rows": 10_000,
            "sql_time_limit_ms": 60_000,
        }
        chosen = {"permissions": {"insert-row": True}, "settings": limits}
        self._settings.write_bytes(msgspec.json.encode(chosen))

    def load(self, bodies: list[bytes]) -> None:
        rows = [(*row[:4], row.body.decode()) for row in rows_of(bodies)]
        with contextlib.closing(sqlite3.connect(self._file)) as file, file:
            file.executemany("INSERT INTO event VALUES (?, ?, ?, ?, ?)", rows)

    @contextlib.contextmanager
    def serving(self) -> Iterator[str]:
        command = ["datasette", "serve", str(self._file), "-c", str(self._settings)]
        with _process(command, {}) as address:
            yield address

    def page(self, since: int, size: int) -> str:
        return (
            f"/events/event.json?created_at__gte={since}&_sort=created_at&_size={size}"
            "&_col=body&_nocount=1&_nofacet=1"
        )

    def following(self, path: str, answer: bytes) -> str | None:
        found = re.match(rb'{"ok": true, "next": "([^"]+)"', answer)
        first = path.partition("&_next=")[0]
        return f"{first}&_next={quote(found[1])}" if found else None

    def sends(self, bodies: list[bytes]) -> bytes:
        rows = [row._asdict() | {"body": row.body.decode()} for row in rows_of(bodies)]
        return msgspec.json.encode({"ignore": True, "rows": rows})


class OwnServer(Protocol):
    """A server of footfall, as the rest of the benchmark has it."""

    token: str

    def server(self) -> contextlib.AbstractContextManager[tuple[str, int]]: ...


class Footfall:
    """footfall itself; its events are loaded where its store is made."""

    def __init__(self, name: str, own: OwnServer, organization: str):
        self.name = name
        self.token = own.token
        self.path = f"/v1/organizations/{organization}/events"
        self._own = own

    def load(self, bodies: list[bytes]) -> None:
        pass

    @contextlib.contextmanager
    def serving(self) -> Iterator[str]:
        with self._own.server() as (address, _):
            yield address

    def page(self, since: int, size: int) -> str:
        at = instants.format_instant(since)
        return (
            f"{self.path}?sortBy=utcTime&dateStart={at}&size={size}&enableScroll=true"
        )

    def following(self, _path: str, answer: bytes) -> str | None:
        found = re.search(rb'"hasMore":true,"scrollId":"([^"]+)"', answer[:2_000])
        return f"{self.path}?scrollId={found[1].decode()}" if found else None

    def sends(self, bodies: list[bytes]) -> bytes:
        return b"[" + b",".join(bodies) + b"]"


def peers(folder: Path, database: str, stack: contextlib.ExitStack) -> list[Server]:
    """Return all peers, each with a place of its own that is empty.

    Args:
        folder: Of those on SQLite.
        database: The address of the others' PostgreSQL.
        stack: Removes their schemas at the end.
    """
    asyncpg, sqlalchemy = (
        stack.enter_context(postgres.schema(database)) for _ in range(2)
    )
    return [
        Thin("asyncpg on PostgreSQL", "asyncpg", asyncpg),
        Thin("SQLAlchemy on PostgreSQL", "sqlalchemy", sqlalchemy),
        Thin("SQLAlchemy on SQLite", "sqlalchemy", f"sqlite:///{folder}/sqlalchemy.db"),
        Datasette("Datasette on SQLite", folder),
    ]


@contextlib.contextmanager
def _process(command: list[str], given: dict[str, str]) -> Iterator[str]:
    """Run a server on a free port, and wait until it takes connections."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", *command, "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=BENCH,
        env=os.environ | given,
    )
    try:
        while True:
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            assert process.poll() is None, f"{command[0]} did not start"
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
