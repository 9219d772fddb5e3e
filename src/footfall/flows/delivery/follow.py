"""Follow: an organization's log of arrivals, from a position on and as it grows.

The log is the queue: a follower is a position in it and nothing else. A follower that
is behind reads from the store. Those at the end wait together: when the log has grown,
one read gets the new entries for all of them (a *part*), which is kept for a second. A
slower follower reads from the store again. So a slow follower costs no memory, and a
thousand followers cost one read.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import msgspec
import structlog

from footfall.core.subscriptions import Heading, Subscription, heading_of
from footfall.errors import FootfallError
from footfall.flows.concurrency import FairLimit
from footfall.flows.delivery.watch import watching
from footfall.store import Store

P = ParamSpec("P")
T = TypeVar("T")
READ_SIZE = 100
# Limited, because a part stays in memory until a slow client has taken it.
PART_BYTES_MAX = 64 * 1024
# How long a part is kept for followers that are a little late. Not longer: an erased
# contact's events must not be given out from memory.
KEPT_S = 1.0
PARTS_MAX = 16
PARTS_BYTES_MAX = 4 * 1024 * 1024
# A notification can be lost with the server that was to send it.
LOOK_EVERY_S = 5
RETRY_S = 1
THREADS = 2
_log = structlog.get_logger()


class LogEntry(msgspec.Struct, frozen=True, gc=False):
    """An entry of the log: its arrival number, its heading, its JSON."""

    arrival: int
    heading: Heading
    body: bytes


class Part(msgspec.Struct, frozen=True):
    """Entries of the log from one position to another.

    Attributes:
        end: The position after it.
        messages: The entries.
        rendered: Responses made of it, by the subscription that they are for.
    """

    end: int
    messages: list[LogEntry]
    rendered: dict[Hashable, bytes] = {}

    @property
    def size(self) -> int:
        """The size of the entries in bytes."""
        return sum(len(message.body) for message in self.messages)


class _Feed:
    """The newest parts of an organization's log, for all its followers here."""

    def __init__(self, end: int):
        self.end = end
        self.followers = 0
        self.dirty = False
        self.reading: asyncio.Task[None] | None = None
        self._grown = asyncio.Event()
        self._parts: deque[tuple[float, int, Part]] = deque()

    def add(self, part: Part, now: float) -> None:
        """Add a new part, and wake the followers."""
        self._parts.append((now, self.end, part))
        self.forget(now)
        self.end = part.end
        self.wake()

    def forget(self, now: float) -> None:
        """Drop parts that are old or over the limits; the newest only if it is old."""
        size = sum(part.size for _, _, part in self._parts)
        while self._parts:
            since, _, oldest = self._parts[0]
            surplus = len(self._parts) > PARTS_MAX or size > PARTS_BYTES_MAX
            if now - since <= KEPT_S and not (surplus and len(self._parts) > 1):
                return
            self._parts.popleft()
            size -= oldest.size

    def part(self, position: int, now: float) -> Part | None:
        """Return the part that begins at a position, if it is still kept."""
        self.forget(now)
        return next((part for _, at, part in self._parts if at == position), None)

    def wake(self) -> None:
        """Wake the followers that wait."""
        self._grown.set()
        self._grown = asyncio.Event()

    async def wait(self) -> None:
        """Wait for the next `wake`."""
        await self._grown.wait()


class Followers:
    """The followers of all logs on this server; use it on one event loop.

    Enter `running` (`async with`) before the first follower.
    """

    def __init__(self, store: Store):
        self._store = store
        self._feeds: dict[str, _Feed] = {}
        self._threads = ThreadPoolExecutor(THREADS, "footfall-follow")
        self._turns = FairLimit(THREADS)
        self._closed = False
        self._looked_at = 0.0
        self._woken = asyncio.Event()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Watch the store while the context is open."""
        with watching(self._store, self._on_growth):
            looking = asyncio.create_task(self._look_for_growth())
            try:
                yield
            finally:
                self.close()
                looking.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await looking
                self._threads.shutdown(wait=False)

    def __len__(self) -> int:
        """How many followers there are."""
        return sum(feed.followers for feed in self._feeds.values())

    def count(self, organization: str) -> int:
        """Return how many followers an organization's log has."""
        feed = self._feeds.get(organization)
        return 0 if feed is None else feed.followers

    def close(self) -> None:
        """End all followers."""
        self._closed = True
        for feed in self._feeds.values():
            feed.wake()

    async def newest(self, organization: str) -> int:
        """Return the newest position of an organization's log."""
        found = await self._in_thread(self._store.newest_arrivals, [organization])
        return found.get(organization, 0)

    async def follow(
        self, organization: str, wanted: Subscription, position: int
    ) -> AsyncIterator[Part]:
        """Yield the entries after a position, as the log grows, until `close`.

        Parts may hold entries that are not wanted, because followers share them. If
        nothing arrives, an empty part comes every few seconds.

        Args:
            organization: Whose log.
            wanted: Which entries are wanted.
            position: The position to begin after.
        """
        end = await self.newest(organization)
        with self._feed(organization, end) as feed:
            while not self._closed:
                part = feed.part(position, self._now())
                if part is None and position >= feed.end:
                    await feed.wait()
                    if position >= feed.end and not self._closed:
                        yield Part(position, [])
                    continue
                if part is None:
                    part = await self._read(organization, wanted, position, feed.end)
                position = part.end
                yield part

    @contextlib.contextmanager
    def _feed(self, organization: str, end: int) -> Iterator[_Feed]:
        feed = self._feeds.get(organization)
        if feed is None:
            feed = self._feeds[organization] = _Feed(end)
            # Commits between `newest` and this line notified no feed.
            self._on_growth(organization)
        feed.followers += 1
        try:
            yield feed
        finally:
            feed.followers -= 1
            if not feed.followers:
                del self._feeds[organization]

    async def _read(
        self, organization: str, wanted: Subscription, position: int, until: int
    ) -> Part:
        """Read the entries after `position` from the store, up to `until`."""
        query = wanted.query(organization, READ_SIZE)

        def read() -> Part:
            found = self._store.entries(query, position)
            messages: list[LogEntry] = []
            size = 0
            for one in found.found:
                if one.arrival > until:
                    break
                if size > PART_BYTES_MAX:
                    return Part(messages[-1].arrival, messages)
                messages.append(LogEntry(one.arrival, heading_of(one.body), one.body))
                size += len(one.body)
            return Part(min(found.end, until), messages)

        async with self._turns.of(organization):
            return await self._in_thread(read)

    async def _in_thread(self, work: Callable[P, T], *args: P.args, **_: P.kwargs) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, work, *args)

    def _on_growth(self, organization: str | None) -> None:
        if organization is None:
            self._woken.set()
            return
        feed = self._feeds.get(organization)
        if feed is None or self._closed:
            return
        feed.dirty = True
        if feed.reading is None:
            feed.reading = asyncio.create_task(self._read_growth(organization, feed))

    async def _read_growth(self, organization: str, feed: _Feed) -> None:
        """Read new entries for all followers, until there are no more."""
        try:
            while feed.dirty and feed.followers and not self._closed:
                feed.dirty = False
                newest = await self.newest(organization)
                while feed.end < newest and feed.followers:
                    part = await self._read(
                        organization, Subscription(), feed.end, newest
                    )
                    feed.add(part, self._now())
        except FootfallError as error:
            # `_look_for_growth` reads again once the store is back.
            _log.warning("streams must wait", reason=error.code)
        finally:
            feed.reading = None

    async def _look_for_growth(self) -> None:
        """Find the logs that grew: when any may have, and every few seconds."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._woken.wait()
            self._woken.clear()
            if not self._feeds:
                continue
            self._wake_idle()
            try:
                found = await self._in_thread(
                    self._store.newest_arrivals, list(self._feeds)
                )
            except FootfallError:
                await asyncio.sleep(RETRY_S)
                self._woken.set()
                continue
            for organization, newest in found.items():
                feed = self._feeds.get(organization)
                if feed is not None and feed.end < newest:
                    self._on_growth(organization)

    def _wake_idle(self) -> None:
        """Wake all followers every few seconds: one timer serves them all."""
        if self._now() - self._looked_at >= LOOK_EVERY_S:
            self._looked_at = self._now()
            for feed in self._feeds.values():
                feed.wake()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
