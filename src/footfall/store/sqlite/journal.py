"""The journal: what a restored backup must not bring back.

A file beside the database, one JSON object a line, appended and synced before an
erasure or a revocation is acknowledged. A backup knows nothing of what came after it;
`restore` reads it here. It names no contact in clear, only what its index holds.
"""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from footfall.errors import StoreError, StoreFull, StoreUnwritable

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
COMPACT_BYTES = 1024 * 1024


class Erasure(msgspec.Struct, frozen=True, tag="erasure"):
    """A contact that was erased: the entry's id, and the contact's key in the index."""

    id: bytes
    organization: str
    contact: bytes


class ServiceRevocation(msgspec.Struct, frozen=True, tag="service"):
    """A service that was revoked, and when."""

    client_key: str
    at: int


class TokenRevocation(msgspec.Struct, frozen=True, tag="token"):
    """A token that was revoked; of no interest once it has expired."""

    token_id: str
    expires_at: int


class UserChange(msgspec.Struct, frozen=True, tag="user"):
    """A user whose password was changed, or who was revoked, and when."""

    user: str
    at: int


Entry = Erasure | ServiceRevocation | TokenRevocation | UserChange


class Journal:
    """The file `<database>.erasures`; several processes may append to it."""

    def __init__(self, database: Path):
        self.path = database.with_name(database.name + ".erasures")
        self._compact_at = COMPACT_BYTES

    def create(self) -> None:
        """Make it, empty, where there is none."""
        with self._locked():
            pass

    def append(self, entry: Entry) -> None:
        """Add an entry; returns when it is on disk.

        Raises:
            StoreFull, StoreUnwritable: It cannot be written.
        """
        line = msgspec.json.encode(entry) + b"\n"
        with self._locked() as handle:
            _cut_torn_line(handle)
            if os.write(handle, line) < len(line):
                raise StoreFull(f"There is no space left for {self.path.name}.")
            os.fsync(handle)

    def read(self) -> list[Entry]:
        """Return the entries, oldest first.

        Raises:
            FileNotFoundError: There is no journal.
            StoreError: A line cannot be understood.
        """
        # What a crash left without its end was never acknowledged.
        lines = self.path.read_bytes().split(b"\n")[:-1]
        return [self._entry(line, number) for number, line in enumerate(lines, 1)]

    def compact(self, now: int) -> None:
        """Drop tokens that expired before `now`, once the file has grown enough."""
        if self.path.stat().st_size < self._compact_at:
            return
        with self._locked():
            left = b"".join(
                msgspec.json.encode(entry) + b"\n"
                for entry in self.read()
                if not isinstance(entry, TokenRevocation) or entry.expires_at >= now
            )
            fresh = self.path.with_name(self.path.name + ".new")
            fresh.unlink(missing_ok=True)
            handle = os.open(fresh, _FLAGS | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(left)
                file.flush()
                os.fsync(handle)
            fresh.replace(self.path)
            sync(self.path.parent)
        self._compact_at = max(COMPACT_BYTES, 2 * len(left))

    def _entry(self, line: bytes, number: int) -> Entry:
        try:
            entry: Entry = msgspec.json.decode(line, type=Entry)
        except msgspec.MsgspecError:
            raise StoreError(f"{self.path}: line {number} is damaged.") from None
        return entry

    @contextlib.contextmanager
    def _locked(self) -> Iterator[int]:
        """Open it, alone; if another process put a new one in its place, that one."""
        try:
            while True:
                handle = self._open()
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX)
                    if self._is_current(handle):
                        yield handle
                        return
                finally:
                    os.close(handle)
        except OSError as error:
            kind = StoreUnwritable if error.errno != errno.ENOSPC else StoreFull
            message = f"{self.path} cannot be written: {error.strerror}."
            raise kind(message) from None

    def _open(self) -> int:
        is_new = not self.path.exists()
        handle = os.open(self.path, _FLAGS, 0o600)
        if is_new:
            sync(self.path.parent)
        return handle

    def _is_current(self, handle: int) -> bool:
        try:
            return os.path.samestat(os.fstat(handle), self.path.lstat())
        except FileNotFoundError:
            return False


def sync(path: Path) -> None:
    """Bring a file, or a folder's names, onto the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _cut_torn_line(handle: int) -> None:
    """Take away what a crash left of a line: it was never acknowledged."""
    size = os.fstat(handle).st_size
    if size == 0 or os.pread(handle, 1, size - 1) == b"\n":
        return
    whole = os.pread(handle, size, 0).rfind(b"\n") + 1
    os.ftruncate(handle, whole)
