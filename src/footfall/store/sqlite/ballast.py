"""Ballast: a file that takes up space, to be given up when the disk is full.

To erase somebody means to write, and to bring what is in the WAL into the database,
which may grow by as much. On a full disk that could not be done, so room for it is
kept while there is some.
"""

import os
from pathlib import Path

from footfall.errors import StoreFull

STEP_BYTES = 1024 * 1024


class Ballast:
    """The file `<database>.ballast`: as large as the WAL, and a step more."""

    def __init__(self, database: Path):
        self._path = database.with_name(database.name + ".ballast")
        self._wal = database.with_name(database.name + "-wal")

    def lay(self) -> None:
        """Take the least space, if it can be had."""
        self.drop()
        try:
            self._take(STEP_BYTES)
        except StoreFull:
            return

    def cover(self, coming: int) -> None:
        """Take as much as erasing will need once `coming` more bytes are written.

        Raises:
            StoreFull: There is no room for it.
        """
        needed = 2 * coming + STEP_BYTES
        if self._wal.exists():
            needed += self._wal.stat().st_size
        if not self._path.exists() or self._path.stat().st_size < needed:
            self._take(needed + -needed % STEP_BYTES)

    def drop(self) -> None:
        """Give the space up."""
        self._path.unlink(missing_ok=True)

    def _take(self, size: int) -> None:
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(handle, 0, size)
        except OSError as error:
            raise StoreFull(
                f"There is no space left for {self._wal.name}: {error.strerror}."
            ) from None
        finally:
            os.close(handle)
