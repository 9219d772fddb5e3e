"""Log readers: each reads an organization's log of arrivals from a position on.

The position of a reader is before its first message that is not settled: neither
delivered, nor stored as pending.
"""

from collections import deque
from collections.abc import Iterable

import msgspec

from footfall.core.instants import SECOND
from footfall.core.webhooks import Message
from footfall.store.webhooks import Arrivals, PendingDelivery

# How many messages are read at once, and how many bytes wait in memory to be sent.
READ_MAX = 100
WINDOW_BYTES = 1024 * 1024
# How long a message may wait in memory. An older one is read again, as its event may
# have been erased or withdrawn since.
FRESH = SECOND


class DeliveryRequest(msgspec.Struct, frozen=True, gc=False):
    """A request to an endpoint: one message, or a batch of them.

    Attributes:
        id: The request's id.
        body: Its body.
        messages: The messages in it.
        pending: The stored retry that it carries out; None for a first attempt.
        reader: The reader that read it; None for a retry.
    """

    id: str
    body: bytes
    messages: tuple[Message, ...]
    pending: PendingDelivery | None = None
    reader: "LogReader | None" = None

    @property
    def arrivals(self) -> Arrivals:
        """The numbers of its entries in the log."""
        if self.pending is not None:
            return self.pending.arrivals
        return tuple(message.arrival for message in self.messages)


class LogReader:
    """A reader of the log: its position, and the messages that are ready to be sent.

    Attributes:
        read: The arrival up to which the log was read.
        since: The instant before which events are left out; None leaves out none.
        until: The arrival at which reading ends; None if it never does.
        ready: The messages that can be sent.
    """

    def __init__(
        self, position: int, since: int | None = None, until: int | None = None
    ):
        self.read = position
        self.since = since
        self.until = until
        self.ready: deque[Message] = deque()
        self._read_at = 0
        self._size = 0
        # A dict, because it keeps the order in which messages are added.
        self._open: dict[int, None] = {}

    @property
    def position(self) -> int:
        """The arrival up to which all messages are settled."""
        return next(iter(self._open)) - 1 if self._open else self.read

    @property
    def ended(self) -> bool:
        """Whether the reader has reached its end."""
        return self.until is not None and self.read >= self.until

    def room(self, window: int) -> int:
        """Return how many more messages may be read."""
        if self._size >= WINDOW_BYTES:
            return 0
        return max(min(window - len(self._open), READ_MAX), 0)

    def add(self, messages: Iterable[Message], end: int, now: int) -> None:
        """Add messages read up to `end`; what exceeds the limit is read again."""
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
        """Drop messages that waited too long; see `FRESH`."""
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
        """Note that these messages are delivered, or stored as pending."""
        for message in messages:
            self._open.pop(message.arrival, None)


class ReadRequest(msgspec.Struct, frozen=True):
    """What an outbox wants to have read.

    Attributes:
        readers: The readers, each with the number of entries to read.
        pending: How many pending messages to read; 0 for none.
    """

    readers: list[tuple[LogReader, int]]
    pending: int
