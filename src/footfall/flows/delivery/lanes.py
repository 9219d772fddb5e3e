"""Lanes: readers of an organization's log, each with a place, and what they hand out.

The place of a lane is before its first message that is not settled.
"""

from collections import deque
from collections.abc import Iterable

import msgspec

from footfall.core.instants import SECOND
from footfall.core.webhooks import Message
from footfall.store.webhooks import Arrivals, PendingDelivery

# What is read at once, and how much is read ahead of what is sent.
READ_MAX = 100
WINDOW_BYTES = 1024 * 1024
# For how long what was read may wait in memory to be sent.
FRESH = SECOND


class Shipment(msgspec.Struct, frozen=True, gc=False):
    """What goes out in one request.

    Attributes:
        id: The request's id.
        body: Its body.
        messages: What is in it.
        pending: What it waited as; None where it is sent for the first time.
        lane: Where it comes from.
    """

    id: str
    body: bytes
    messages: tuple[Message, ...]
    pending: PendingDelivery | None = None
    lane: "Lane | None" = None

    @property
    def arrivals(self) -> Arrivals:
        """The numbers of its entries in the log."""
        if self.pending is not None:
            return self.pending.arrivals
        return tuple(message.arrival for message in self.messages)


class Lane:
    """A reader of the log: messages that are ready, and a place.

    Attributes:
        read: Up to here the log was read.
        since: Events of before are left out.
        until: Where it ends; None if it never does.
        ready: What can be sent.
    """

    def __init__(self, place: int, since: int | None = None, until: int | None = None):
        self.read = place
        self.since = since
        self.until = until
        self.ready: deque[Message] = deque()
        self._read_at = 0
        self._size = 0
        # In order, as they are added so.
        self._open: dict[int, None] = {}

    @property
    def place(self) -> int:
        """Up to here all is settled."""
        return next(iter(self._open)) - 1 if self._open else self.read

    @property
    def ended(self) -> bool:
        """Whether all of it was read."""
        return self.until is not None and self.read >= self.until

    def room(self, window: int) -> int:
        """Return how many messages may be read."""
        if self._size >= WINDOW_BYTES:
            return 0
        return max(min(window - len(self._open), READ_MAX), 0)

    def add(self, messages: Iterable[Message], end: int, now: int) -> None:
        """Add what was read, up to an arrival; what is too much is read again."""
        if not self.ready:
            self._read_at = now
        for message in messages:
            if self._size >= WINDOW_BYTES:
                return
            self.ready.append(message)
            self._open[message.arrival] = None
            self._size += len(message.body)
            self.read = message.arrival
        self.read = max(self.read, end)

    def refresh(self, now: int) -> None:
        """Forget what is ready for too long: it may be erased or withdrawn since."""
        if self.ready and now - self._read_at > FRESH:
            self.read = self.ready[0].arrival - 1
            for message in self.ready:
                del self._open[message.arrival]
            self.ready.clear()
            self._size = 0

    def take(self, count: int) -> tuple[Message, ...]:
        """Take the next messages."""
        taken = tuple(self.ready.popleft() for _ in range(min(count, len(self.ready))))
        self._size -= sum(len(message.body) for message in taken)
        return taken

    def settle(self, messages: Iterable[Message]) -> None:
        """Note that these are delivered, or wait."""
        for message in messages:
            self._open.pop(message.arrival, None)


class Reading(msgspec.Struct, frozen=True):
    """What is to be read.

    Attributes:
        lanes: These lanes, each up to so many entries.
        pending: How many of the messages that wait; 0 for none.
    """

    lanes: list[tuple[Lane, int]]
    pending: int
