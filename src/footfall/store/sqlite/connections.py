"""Connections: opening the file with care, and how each of them is set.

The header of an SQLite file names its owner (`application_id`) and its schema
(`user_version`): what is not footfall's, or is newer than this footfall, is refused
before anything of it is touched.
Source: https://sqlite.org/fileformat2.html#the_database_header
"""

import contextlib
import os
import struct
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import apsw

from footfall.errors import (
    EngineTooOld,
    StoreError,
    StoreForeign,
    StoreFull,
    StoreNewer,
    StoreUnwritable,
)
from footfall.store.relational.keys import Keys
from footfall.store.sqlite.health import schema_problems
from footfall.store.sqlite.keys import SEALED_SINCE, load, seal_all
from footfall.store.sqlite.statements import migrations

# "foot"; marks the file as footfall's.
APPLICATION_ID = 0x666F6F74
# Older ones can corrupt a WAL database (https://sqlite.org/wal.html#walresetbug).
ENGINE_MIN = (3, 51, 3)

BUSY_TIMEOUT_MS = 30_000
BUSY_STEP_S = 0.001
# SQLite's lock has no queue: others get this long for it after a long commit, and a
# server after each one of a command beside it.
PAUSE_S = 0.002
WRITER_CACHE_KIB = 65_536
READER_CACHE_KIB = 8_192
# So many pages the WAL has when it is moved into the database: 16 MB. While the disk
# syncs those, commits wait for it: 50 ms for this many, 150 ms for four times as many.
CHECKPOINT_PAGES = 4_000
WAL_BYTES_MAX = CHECKPOINT_PAGES * 4096


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn the engine's errors into footfall's, named for what happened."""
    try:
        yield
    except apsw.Error as error:
        raise _named(path, error) from error


def is_full(error: BaseException | None) -> bool:
    """Tell whether the disk is full: the cause, or what undoing met because of it."""
    while error is not None:
        if isinstance(error, apsw.FullError):
            return True
        error = error.__context__
    return False


def _named(path: Path, error: apsw.Error) -> StoreError:
    if is_full(error):
        return StoreFull(f"There is no space left for {path.name}.")
    if isinstance(
        error, (apsw.ReadOnlyError, apsw.CantOpenError, apsw.PermissionsError)
    ):
        return StoreUnwritable(
            f"{path} cannot be written: check the disk, the folder and its owner."
        )
    if isinstance(error, apsw.NotADBError):
        return _foreign(path)
    return StoreError(f"{path.name} cannot be used now ({type(error).__name__}).")


def check_engine(version: str) -> None:
    """Refuse an SQLite that can lose data.

    Raises:
        EngineTooOld: It is older than `ENGINE_MIN`.
    """
    if tuple(int(part) for part in version.split(".")) < ENGINE_MIN:
        needed = ".".join(map(str, ENGINE_MIN))
        raise EngineTooOld(
            f"SQLite {version} can corrupt a database; {needed} or later is needed: "
            "install a newer apsw."
        )


def check_file(path: Path) -> None:
    """Read the header of what is at `path`, and refuse what is not ours.

    Raises:
        StoreForeign: It is something else.
        StoreNewer: A newer footfall made it.
        StoreUnwritable: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreUnwritable(f"{path} cannot be read: {error.strerror}.") from None
    if not header:
        return
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):  # noqa: PLR2004
        raise _foreign(path)
    version, owner = struct.unpack_from(">60xI4xI", header)
    if owner != APPLICATION_ID:
        raise _foreign(path)
    check_schema(path, version)


def check_schema(path: Path, version: int) -> None:
    """Refuse a schema that this footfall does not know yet."""
    known = len(migrations())
    if version > known:
        raise StoreNewer(
            f"{path} has schema {version}, this footfall knows up to {known}: "
            "start the newer footfall that made it."
        )


def _foreign(path: Path) -> StoreForeign:
    return StoreForeign(f"{path} is not a footfall database; nothing was touched.")


def open_writer(path: Path, keys: Keys) -> apsw.Connection:
    """Open the connection that writes, and bring the schema up to date."""
    make_private(path)
    # Before SQLite has it open: closing a file gives up all of a process's locks on it.
    # Source: https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled
    header = _header_version(path)
    connection = _open(path, WRITER_CACHE_KIB)
    be_patient(connection)
    try:
        _prepare(path, connection, header, keys)
    except BaseException:
        connection.close(force=True)
        raise
    return connection


def be_patient(connection: apsw.Connection) -> None:
    """Let it wait for locks, and look often: another process's pauses are short."""
    connection.set_busy_handler(_wait)


def _wait(count: int) -> bool:
    time.sleep(BUSY_STEP_S)
    return count * BUSY_STEP_S * 1000 < BUSY_TIMEOUT_MS


def make_private(path: Path) -> None:
    """Make a file that only its owner reads, if there is none."""
    with contextlib.suppress(FileExistsError, FileNotFoundError, PermissionError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))


def _prepare(path: Path, connection: apsw.Connection, header: int, keys: Keys) -> None:
    # Before WAL, so that the header says whose the file is from its first byte.
    if connection.pragma("application_id") == 0:
        connection.pragma("application_id", APPLICATION_ID)
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "full")
    connection.pragma("secure_delete", "on")
    connection.pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
    connection.pragma("journal_size_limit", WAL_BYTES_MAX)
    migrate(path, connection, header, keys)
    try:
        load(connection, keys)
    except apsw.SQLError:
        # What says whose it is is there, and what it should hold is not.
        missing = "; ".join(schema_problems(connection))
        raise StoreError(f"{path} is damaged: {missing}.") from None


def open_reader(path: Path) -> apsw.Connection:
    """Open a connection that only reads."""
    connection = _open(path, READER_CACHE_KIB)
    connection.pragma("query_only", "on")
    return connection


def _open(path: Path, cache_kib: int) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    # No plan depends on a value. Otherwise SQLite, which apsw builds with STAT4, would
    # prepare most statements with a join or an order again each time they are run.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    connection.pragma("cache_size", -cache_kib)
    connection.pragma("temp_store", "memory")
    connection.pragma("foreign_keys", "on")
    return connection


@contextlib.contextmanager
def transaction(connection: apsw.Connection) -> Iterator[None]:
    """Commit all of it, or undo all of it; it has the write lock from its start."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A failure of the engine may have undone it already.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def migrate(path: Path, connection: apsw.Connection, header: int, keys: Keys) -> None:
    """Apply all migrations that the file lacks, or none.

    `header` is the schema that the file's header names.
    """
    with transaction(connection):
        current = int(connection.pragma("user_version"))
        check_schema(path, current)
        for version, script in enumerate(migrations(), start=1):
            if current < version:
                connection.execute(script)
                if version == SEALED_SINCE:
                    seal_all(connection, keys)
                connection.pragma("user_version", version)
    # So that the header, which check_file reads, is that of the schema.
    if connection.pragma("user_version") != header:
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)


def _header_version(path: Path) -> int:
    try:
        with path.open("rb") as file:
            file.seek(60)
            return int.from_bytes(file.read(4), "big")
    except OSError:
        return 0  # SQLite says what is wrong with it


class Readers:
    """Connections that read, handed out one at a time and kept for the next."""

    def __init__(self, path: Path):
        self._path = path
        # Threads take and return them; each step of a deque is atomic.
        self._idle: deque[apsw.Connection] = deque()

    @contextlib.contextmanager
    def one(self) -> Iterator[apsw.Connection]:
        """Lend a connection for one statement, which is a transaction of its own."""
        with translated(self._path):
            try:
                connection = self._idle.pop()
            except IndexError:
                connection = open_reader(self._path)
            try:
                yield connection
            finally:
                self._idle.append(connection)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[apsw.Connection]:
        """Lend a connection inside a read transaction: one state of the store."""
        with self.one() as connection:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close those that nobody has."""
        while self._idle:
            self._idle.pop().close()
