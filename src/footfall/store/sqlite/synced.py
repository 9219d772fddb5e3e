"""The database's file, to sync it beside SQLite.

apsw keeps the interpreter's lock while it syncs a file, and nobody does anything for as
long as the disk takes. So it is done here, through a file of our own. But when that is
closed, all of this process's locks on the database are given up, SQLite's too: so the
stores of a process share it, and it is closed with the last of them.
Source: https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled
"""

import os
import threading
from pathlib import Path

import apsw

_sync = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


class _Shared:
    """The file of a path, opened when it is first synced."""

    def __init__(self, path: Path):
        self._path = path
        self._file: int | None = None
        self.stores = 0

    def file(self) -> int:
        if self._file is None:
            self._file = os.open(self._path, os.O_RDWR | os.O_CLOEXEC)
        return self._file

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)


_shared: dict[Path, _Shared] = {}
_lock = threading.Lock()


class SyncedFile:
    """A store's share of the file; it is held as long as any connection is open."""

    def __init__(self, path: Path):
        """Take a share; the database may not be there yet."""
        self._path = path.resolve()
        self._closed = False
        with _lock:
            _shared.setdefault(self._path, _Shared(self._path)).stores += 1

    def sync(self) -> None:
        """Wait until all that SQLite wrote into the database is on disk.

        Raises:
            apsw.IOError: The disk failed, as SQLite says it.
        """
        try:
            with _lock:
                file = _shared[self._path].file()
            _sync(file)
        except OSError as error:
            raise apsw.IOError(str(error)) from error

    def close(self) -> None:
        """Give the share back, after all connections of the store are closed."""
        with _lock:
            if self._closed:
                return
            self._closed = True
            shared = _shared[self._path]
            shared.stores -= 1
            if not shared.stores:
                shared.close()
                del _shared[self._path]
