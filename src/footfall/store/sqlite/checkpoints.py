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

from footfall.store.sqlite.connections import CHECKPOINT_PAGES, be_patient

# So much of the WAL may be moved while the writer waits.
_LEFT_MAX = 1_000
# Each round moves what was written during the one before.
_ROUNDS_MAX = 5
# While a checkpoint waits for readers, it holds the lock that writers need.
_WAIT_MS = 25

# Has a job done by the writer, outside of a transaction.
Submit = Callable[[Callable[[apsw.Connection], bool]], Future[bool]]


class Checkpointer:
    """Keeps the WAL of one writer short."""

    def __init__(self, path: Path, submit: Submit):
        """Begin to notice commits.

        Args:
            path: The database's file.
            submit: What has a job done in a turn of the writer.
        """
        self._path = path
        self._submit = submit
        self._thread = ThreadPoolExecutor(1, "footfall-checkpoint")
        self._closing = threading.Event()
        # How many pages the WAL has when it is time; none while one is under way.
        self._due: int | None = CHECKPOINT_PAGES

    def notice(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        """Take in how long the WAL is after a commit (SQLite's `wal_hook`)."""
        if self._due is not None and pages >= self._due and not self._closing.is_set():
            self._due = None
            self._thread.submit(self._checkpoint, pages)
        return apsw.SQLITE_OK

    def close(self) -> None:
        """Stop after what is being done; the last connection to close does the rest."""
        self._closing.set()
        self._thread.shutdown()

    def _checkpoint(self, pages: int) -> None:
        due = pages + CHECKPOINT_PAGES
        try:
            # What fails here fails in the writer's turn too.
            with contextlib.suppress(apsw.Error):
                move_beside(self._path)
            if not self._closing.is_set() and self._submit(_restart).result():
                due = CHECKPOINT_PAGES
        finally:
            # Where a long read hinders it, later: the WAL grows as long as that reads.
            self._due = due


def move_beside(path: Path) -> None:
    """Move most of the WAL into the database while others write.

    Raises:
        apsw.Error: It cannot be done now: another process does it, or the disk fails.
    """
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        # A connection that has read nothing yet does not know that there is a WAL.
        connection.pragma("user_version")
        move_most(connection)
    finally:
        connection.close()


def move_most(connection: apsw.Connection) -> None:
    """Move the WAL until little of it is left, or readers do not let more."""
    for _ in range(_ROUNDS_MAX):
        length, moved = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        if length - moved <= _LEFT_MAX:
            break


def _restart(connection: apsw.Connection) -> bool:
    """Move the rest, and let the next commit begin the WAL anew.

    Returns:
        False if a long read, or the disk, does not let it. Nothing is lost then: the
        WAL grows, and once it cannot, the writes that need it fail and say so.
    """
    connection.set_busy_timeout(_WAIT_MS)
    try:
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART)
    except apsw.Error:
        return False
    finally:
        be_patient(connection)
    return True
