"""Other people's real data, which is not part of the project."""

import atexit
import contextlib
import functools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from footfall import service
from footfall.core.observations import StoredObservation
from footfall.settings import Settings
from footfall.store.relational.repository import Repository
from footfall.store.sqlite import SQLiteStore

# Seals the stores that tests open themselves.
SEALING_KEY = bytes(range(64))
# For the processes that tests start: no settings, and coverage if it is measured.
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if name == "PATH" or name.startswith("COVERAGE_")
}
DATA = Path(__file__).parents[2] / "shared" / "data"


def data(name: str) -> Path:
    """Return the path of a file, or skip the test that needs it."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not here: it is other people's data")
    return path


def heard_at(at: int, rssi: int | None = None, hotspot: int = 0) -> StoredObservation:
    """Return an observation of somebody at a place."""
    return StoredObservation(b"", at, 1, hotspot, rssi)


class Counted:
    """How many rows of registry statements were read."""

    def __init__(self) -> None:
        self.rows = 0
        self.statements: list[str] = []

    def __str__(self) -> str:
        return f"{self.rows} rows, {self.statements}"


@contextlib.contextmanager
def rows_read(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counted]:
    """Count the rows that repositories read of an SQLite store."""
    counted, real = Counted(), Repository._run

    def run(self: Repository, name: str, **values: Any) -> Any:
        counted.statements.append(name)
        for row in real(self, name, **values):
            counted.rows += 1
            yield row

    class Rows:
        def __init__(self, rows: Iterator[Any]):
            self._rows = list(rows)

        def __iter__(self) -> Iterator[Any]:
            return iter(self._rows)

        def __next__(self) -> Any:
            return self._rows[0]

        def fetchone(self) -> Any:
            return self._rows[0] if self._rows else None

        def fetchall(self) -> list[Any]:
            return self._rows

    with monkeypatch.context() as patch:
        patch.setattr(Repository, "_run", lambda *a, **k: Rows(run(*a, **k)))
        yield counted


@contextlib.contextmanager
def statements_run(transaction, monkeypatch):
    """Yield the names of what a transaction's session runs, one for each row."""
    session = transaction.stays._session
    run, run_many, names = session.run, session.run_many, []
    run_bulk = session.run_bulk

    def noting_run(name, values):
        names.append(name)
        return run(name, values)

    def noting_run_many(name, rows):
        rows = list(rows)
        names.extend([name] * len(rows))
        return run_many(name, rows)

    def noting_run_bulk(name, rows):
        names.extend([name] * len(rows))
        return run_bulk(name, rows)

    with monkeypatch.context() as patch:
        patch.setattr(session, "run_bulk", noting_run_bulk)
        patch.setattr(session, "run", noting_run)
        patch.setattr(session, "run_many", noting_run_many)
        yield names


def needs(*programs: str) -> pytest.MarkDecorator:
    """Skip where a program is not installed."""
    missing = [name for name in programs if shutil.which(name) is None]
    reason = f"{', '.join(missing)} not installed: apt-get install freeradius-rest"
    return pytest.mark.skipif(bool(missing), reason=f"{reason} freeradius-utils")


@functools.cache
def _empty_store(key: bytes | None) -> Path:
    """Make an SQLite store with nothing in it; all migrations take 50 ms."""
    folder = tempfile.mkdtemp(prefix="footfall-empty-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / "footfall.db"
    if key is None:
        service.open_store(Settings(store=f"sqlite:{path}")).close()
    else:
        SQLiteStore(path, key).close()
    return path


def copy_empty_store(path: Path, key: bytes | None = None) -> None:
    """Copy one to a path; sealed under a key, or under a secret beside it."""
    empty = _empty_store(key)
    for file in empty.parent.iterdir():
        shutil.copy2(file, path.with_name(file.name.replace(empty.name, path.name)))


def open_sqlite(path: Path, *, serving: bool = False) -> SQLiteStore:
    """Open an SQLite store without settings."""
    if path.parent.is_dir() and not path.exists():
        copy_empty_store(path, SEALING_KEY)
    return SQLiteStore(path, SEALING_KEY, serving=serving)
