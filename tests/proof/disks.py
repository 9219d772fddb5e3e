"""Disks that fail: an apsw VFS that loses unsynced writes, or refuses writes.

A VFS written in Python has no shared memory, so each connection locks the file for
itself; the writer, its group commit and its syncs are the real ones.
"""

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import apsw

from footfall.store.sqlite import connections

_names = itertools.count()


class Disk(apsw.VFS):
    """Counts writes and syncs, and does what `on_touch` says at each.

    Args:
        on_touch: Called with "write" or "sync" and its number from 1; may raise.
    """

    def __init__(self, on_touch: Callable[[str, int], None]):
        self.name = f"disk-{next(_names)}"
        self.base = apsw.vfs_names()[0]
        self.on_touch = on_touch
        self.touches = 0
        self.dead = False
        self.unsynced: dict[str, list[Callable[[], None]]] = {}
        self.lock = threading.RLock()
        super().__init__(self.name, self.base, makedefault=True)

    def xOpen(self, name: Any, flags: Any) -> "DiskFile":  # noqa: N802  apsw's name
        return DiskFile(self, name, flags)

    def touch(self, kind: str) -> None:
        if self.dead:
            raise apsw.IOError("the power is off")
        self.touches += 1
        self.on_touch(kind, self.touches)

    def cut_power(self) -> None:
        """Undo the unsynced writes, the newest first."""
        with self.lock:
            self.dead = True
            for undos in self.unsynced.values():
                for undo in reversed(undos):
                    undo()


class DiskFile(apsw.VFSFile):
    """A file of the disk; remembers how to undo each write until it is synced."""

    def __init__(self, disk: Disk, name: Any, flags: Any):
        self.disk = disk
        super().__init__(disk.base, name, flags)
        is_name = isinstance(name, apsw.URIFilename)
        self.path = name.filename() if is_name else str(name)

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802
        with self.disk.lock:
            self.disk.touch("write")
            size = super().xFileSize()
            have = max(0, min(len(data), size - offset))
            before = super().xRead(have, offset) if have else b""

            def undo() -> None:
                if before:
                    apsw.VFSFile.xWrite(self, before, offset)
                apsw.VFSFile.xTruncate(self, size)

            self.disk.unsynced.setdefault(self.path, []).append(undo)
            super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:  # noqa: N802
        with self.disk.lock:
            self.disk.touch("write")
            super().xTruncate(size)

    def xSync(self, flags: int) -> None:  # noqa: N802
        with self.disk.lock:
            self.disk.touch("sync")
            super().xSync(flags)
            self.disk.unsynced[self.path] = []


@contextlib.contextmanager
def mounted(
    on_touch: Callable[[str, int], None], *pragmas: tuple[str, str]
) -> Iterator[Disk]:
    """Put every new connection on such a disk, and set these pragmas last."""

    def alone(connection: apsw.Connection) -> None:
        connection.pragma("locking_mode", "exclusive")

    # No other connection gets in, so none needs to wait.
    patience, connections.BUSY_TIMEOUT_MS = connections.BUSY_TIMEOUT_MS, 0
    before = apsw.vfs_names()[0]
    disk = Disk(on_touch)
    apsw.connection_hooks.append(alone)
    try:
        yield disk
    finally:
        connections.BUSY_TIMEOUT_MS = patience
        apsw.connection_hooks.remove(alone)
        disk.unregister()
        assert apsw.vfs_names()[0] == before
