"""Intake: how many bytes of bodies may be in the server at once, and whose.

Bytes are counted as they arrive, by who sends them. A body that is large, or packed and
so may become large, is unpacked and parsed in a turn: one of each sender, and a few of
all. So what bodies take of the memory is bounded, whoever sends how many of them.
"""

import contextlib
from collections import Counter
from collections.abc import Iterator

from footfall.errors import Overloaded, TooManyRequests
from footfall.flows.concurrency import FairLimit

MIB = 1024 * 1024
TOTAL_BYTES = 192 * MIB
SHARE_BYTES = 64 * MIB
LARGE_BYTES = MIB // 4
LARGE_TURNS = 2
RETRY_AFTER_S = 1


class Lease:
    """The bytes that one body has of the budget."""

    def __init__(self, intake: "Intake", who: str):
        self._intake = intake
        self._who = who
        self.count = 0

    def grow(self, count: int) -> None:
        """Take so many bytes more.

        Raises:
            TooManyRequests: The sender has its share in the server already.
            Overloaded: All have theirs together.
        """
        self._intake.take(self._who, count)
        self.count += count


class Intake:
    """The budget of bytes in flight, and the turns of large bodies."""

    def __init__(self, total: int = TOTAL_BYTES, share: int = SHARE_BYTES):
        self._total = total
        self._share = share
        self._used: Counter[str] = Counter()
        self.large = FairLimit(LARGE_TURNS)

    @property
    def used(self) -> int:
        """How many bytes are in flight."""
        return self._used.total()

    @contextlib.contextmanager
    def lease(self, who: str) -> Iterator[Lease]:
        """Lend bytes of the budget to a body, until it is done with."""
        lease = Lease(self, who)
        try:
            yield lease
        finally:
            self._used[who] -= lease.count
            if not self._used[who]:
                del self._used[who]

    def take(self, who: str, count: int) -> None:
        """Count bytes; see `Lease.grow`."""
        if self._used[who] + count > self._share:
            raise TooManyRequests(
                f"More than {self._share // MIB} MiB of bodies at once; "
                "wait for the answers to those under way.",
                self._share,
                f"{self._share};unit=bytes",
                RETRY_AFTER_S,
            )
        if self._used.total() + count > self._total:
            raise Overloaded("The server takes in too much at once.", RETRY_AFTER_S)
        self._used[who] += count
