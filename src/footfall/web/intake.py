"""Intake: how many bytes of request bodies the server holds at once, by sender.

Bytes are counted for their sender as they arrive. A body that is large, or packed (it
may become large), is unpacked and parsed in a turn: each sender has one turn at a time,
and all senders together have a few. So bodies use a bounded amount of memory, whoever
sends them and however many there are.
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
    """The bytes of the budget that one body uses."""

    def __init__(self, intake: "Intake", who: str):
        self._intake = intake
        self._who = who
        self.count = 0

    def grow(self, count: int) -> None:
        """Take this many more bytes.

        Raises:
            TooManyRequests: The sender's share is used up.
            Overloaded: The budget of all senders together is used up.
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
        """Lend bytes of the budget to a body until the work with it is done."""
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
                f"The bodies of this sender are over {self._share // MIB} MiB at once; "
                "wait for the answers to the requests under way.",
                self._share,
                f"{self._share};unit=bytes",
                RETRY_AFTER_S,
            )
        if self._used.total() + count > self._total:
            raise Overloaded(
                "The server is taking in too much at once; try again.", RETRY_AFTER_S
            )
        self._used[who] += count
