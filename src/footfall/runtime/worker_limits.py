"""Rate limits that the workers of one address share: buckets in a file in memory.

The file is mapped by each worker, and locked while one counts, for some microseconds.
A worker that is killed gives the lock back by dying. Redis (`shared_rates`) does the
same for several machines; for processes on one machine it would be a service too many.
"""

import fcntl
import hashlib
import mmap
import os
from collections.abc import Callable
from pathlib import Path

from footfall.core.rates import Rate

SETS = 1 << 15
PLACES = 4
_NAME_BYTES = 8
_TIME_BYTES = 16
_BYTES = _NAME_BYTES + _TIME_BYTES
_SET_BYTES = PLACES * _BYTES


class WorkerBuckets:
    """Buckets of tokens in a file, by name; see `core.rates` for the rule.

    A name belongs to one of `SETS` sets by its digest. In a full set, the bucket that
    is full again the soonest is forgotten.

    Args:
        file: The file; the first worker to open it makes it.
        now: The clock.
    """

    def __init__(self, file: Path, now: Callable[[], int]):
        self._now = now
        self._file = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.ftruncate(self._file, SETS * _SET_BYTES)
        self._map = mmap.mmap(self._file, SETS * _SET_BYTES)

    async def take(self, name: str, rate: Rate) -> int:
        """Take a token; return 0, or in how many microseconds there is one."""
        return self._add(name, rate, 1)

    async def give_back(self, name: str, rate: Rate) -> None:
        """Put back a token that was taken."""
        self._add(name, rate, -1)

    def close(self) -> None:
        """Let go of the file."""
        self._map.close()
        os.close(self._file)

    def _add(self, name: str, rate: Rate, tokens: int) -> int:
        digest = hashlib.blake2b(name.encode(), digest_size=_NAME_BYTES + 4).digest()
        number = int.from_bytes(digest[_NAME_BYTES:], "little") % SETS
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            # After the lock: so the time of one who waited is not behind the others'.
            now = self._now() * rate.amount
            at, full_at = self._find(number * _SET_BYTES, digest[:_NAME_BYTES])
            most = rate.burst * rate.per
            lacks = max(0, min(full_at - now, most)) + tokens * rate.per
            if lacks > most:
                return -(-(lacks - most) // rate.amount)
            after = now + max(0, lacks)
            self._map[at : at + _BYTES] = digest[:_NAME_BYTES] + after.to_bytes(
                _TIME_BYTES, "little"
            )
            return 0
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _find(self, start: int, digest: bytes) -> tuple[int, int]:
        """Return where a bucket is, or may be put, and when it is full again."""
        found = []
        for at in range(start, start + _SET_BYTES, _BYTES):
            full_at = int.from_bytes(
                self._map[at + _NAME_BYTES : at + _BYTES], "little"
            )
            if self._map[at : at + _NAME_BYTES] == digest:
                return at, full_at
            found.append((full_at, at))
        return min(found)[1], 0
