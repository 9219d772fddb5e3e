"""Checkpoints: what is in the WAL is moved into the database beside the writer.

A page that is touched by many commits is moved once, so a checkpoint costs less the
rarer it is. But it takes as long as the disk needs for so many pages all over the file:
done by the commit that reaches the limit, as SQLite does it, everybody would wait. So
a thread moves them while others write, and only what they wrote meanwhile is moved in
a turn of the writer, which then begins the WAL anew.
"""

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import apsw

from footfall.store.sqlite.connections import (
    CHECKPOINT_PAGES,
    WAL_BYTES_MAX,
    be_patient,
)

# So much of the WAL may be moved while the writer waits: some 20 ms.
_LEFT_MAX = 200
# Each round moves what was written during the one before.
_ROUNDS_MAX = 10
# Where as much is written as is moved, the WAL grows so long before the writer waits.
_FORCED_PAGES = 8 * CHECKPOINT_PAGES
# But not while a read keeps so many pages from being moved. It would be in vain; and if
# the read ends just then, the writer would move them all.
_KEPT_MAX = 2_000
# While a checkpoint waits for readers, it holds the lock that writers need.
_WAIT_MS = 25
# A commit that begins the WAL anew cuts so much off its file. Where the file system
# tells the disk of each piece that it frees (ext4's `discard`), 8 MB take up to 240 ms.
_CUT_BYTES = 1 << 20

# Has a job done by the writer, outside of a transaction.
Submit = Callable[[Callable[[apsw.Connection], bool]], Future[bool]]
# Syncs the database; see `synced`.
Sync = Callable[[], None]


class Checkpointer:
    """Keeps the WAL of one writer short."""

    def __init__(self, path: Path, submit: Submit, sync: Sync):
        """Begin to notice commits.

        Args:
            path: The database's file.
            submit: What has a job done in a turn of the writer.
            sync: What syncs the database.
        """
        self._path = path
        self._submit = submit
        self._sync = sync
        self._thread = ThreadPoolExecutor(1, "footfall-checkpoint")
        self._closing = threading.Event()
        # How many pages the WAL has when it is time.
        self._due = CHECKPOINT_PAGES
        self._idle = threading.Event()
        self._idle.set()

    def notice(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        """Take in how long the WAL is after a commit (SQLite's `wal_hook`)."""
        due = pages >= self._due and self._idle.is_set()
        if due and not self._closing.is_set():
            self._idle.clear()
            self._thread.submit(self._checkpoint, pages)
        return apsw.SQLITE_OK

    def wait(self) -> None:
        """Wait while one is under way: for writes that are in no hurry."""
        self._idle.wait()

    def close(self) -> None:
        """Stop after what is being done; the last connection to close does the rest."""
        self._closing.set()
        self._thread.shutdown()

    def _checkpoint(self, pages: int) -> None:
        # Where a long read hinders it, later: the WAL grows as long as that reads.
        due = pages + CHECKPOINT_PAGES // 4
        try:
            left = kept = 0
            # What fails here fails in the writer's turn too.
            with contextlib.suppress(apsw.Error):
                left, kept = move_beside(self._path, self._sync)
            forced = pages >= _FORCED_PAGES and kept <= _KEPT_MAX
            in_time = left <= _LEFT_MAX or forced
            if in_time and not self._closing.is_set():
                due = CHECKPOINT_PAGES if self._submit(_restart).result() else due
        finally:
            self._due = due
            self._idle.set()


def move_beside(path: Path, sync: Sync) -> tuple[int, int]:
    """Move most of the WAL into the database while others write.

    Returns:
        How many pages are left, and how many of them a read keeps there.

    Raises:
        apsw.Error: It cannot be done now: another process does it, or the disk fails.
    """
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        # A connection that has read nothing yet does not know that there is a WAL.
        connection.pragma("user_version")
        return move_most(connection, sync)
    finally:
        connection.close()


def move_most(connection: apsw.Connection, sync: Sync) -> tuple[int, int]:
    """Move the WAL until little of it is left; returns as `move_beside` does."""
    newest, moved, before = 0, 0, 0
    for _ in range(_ROUNDS_MAX):
        before = newest
        newest, moved = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        # SQLite syncs the database only where nothing was written meanwhile. Then the
        # writer would wait for all that was moved here.
        sync()
        if newest - before <= _LEFT_MAX:
            break
    return newest - min(before, moved), max(0, before - moved)


def cut_some(connection: apsw.Connection, most: int) -> bool:
    """Have the next commit that begins the WAL anew cut some off its file.

    Returns:
        Whether it has more than `most` bytes after that, too.
    """
    wal = Path(connection.filename_wal)
    length = (wal.stat().st_size if wal.exists() else 0) - _CUT_BYTES
    connection.pragma("journal_size_limit", max(most, length))
    return length > most


def _restart(connection: apsw.Connection) -> bool:
    """Move the rest, and let the next commit begin the WAL anew.

    Returns:
        False if a long read, or the disk, does not let it. Nothing is lost then: the
        WAL grows, and once it cannot, the writes that need it fail and say so.
    """
    connection.set_busy_timeout(_WAIT_MS)
    try:
        cut_some(connection, WAL_BYTES_MAX)
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART)
    except apsw.Error:
        return False
    finally:
        be_patient(connection)
    return True
