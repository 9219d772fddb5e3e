"""Ballast: a file that takes up space, to be given up when the disk is full.

To erase somebody means to write, and to bring what is in the WAL into the database,
which may grow by as much. On a full disk that could not be done, so room for it is
kept while there is some. Only a server keeps it: a command beside it may be another
user's, whose file the server could not use.
"""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

from footfall.errors import StoreFull

STEP_BYTES = 1024 * 1024


class Ballast:
    """The file `<database>.ballast`: as large as the WAL, and a step more."""

    def __init__(self, database: Path, *, keeps: bool):
        """Name the file.

        Args:
            database: The database's file.
            keeps: Whether this process lays it; else it stays as it is.
        """
        self._keeps = keeps
        self._lock = threading.Lock()
        # Why there is none, if it could not be laid.
        self.problem: str | None = None
        self._path = database.with_name(database.name + ".ballast")
        self._wal = database.with_name(database.name + "-wal")

    def lay(self) -> None:
        """Take the least space, if it can be had."""
        self.drop()
        with contextlib.suppress(StoreFull):
            self._take(STEP_BYTES)

    def cover(self, coming: int) -> None:
        """Take as much as erasing will need once `coming` more bytes are written.

        Raises:
            StoreFull: There is no room for it.
        """
        with self._lock:
            needed = 2 * coming + STEP_BYTES
            if self._wal.exists():
                needed += self._wal.stat().st_size
            if not self._path.is_file() or self._path.stat().st_size < needed:
                self._take(needed + -needed % STEP_BYTES)

    @contextlib.contextmanager
    def given_up(self) -> Iterator[None]:
        """Give the space up for a while; meanwhile no other write takes it."""
        with self._lock:
            self.drop()
            try:
                yield
            finally:
                self.lay()

    def drop(self) -> None:
        """Give the space up."""
        if self._keeps:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)

    def _take(self, size: int) -> None:
        """Make the file so large; what hinders that is no reason to take nothing in."""
        if not self._keeps:
            return
        try:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            self.problem = f"{self._path} cannot be used ({error.strerror}): delete it."
            return
        self.problem = None
        try:
            _allocate(handle, size)
        except OSError as error:
            raise StoreFull(
                f"There is no space left for {self._wal.name}: {error.strerror}."
            ) from None
        finally:
            os.close(handle)


def _allocate(handle: int, size: int) -> None:
    """Give a file its space on the disk; where nothing else does, by writing to it."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(handle, 0, size)
        return
    at = os.lseek(handle, 0, os.SEEK_END)
    while at < size:
        at += os.write(handle, bytes(min(STEP_BYTES, size - at)))
