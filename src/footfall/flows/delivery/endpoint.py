"""An endpoint: the task that reads, sends and writes what its outbox says.

It uses the store on threads, and sends through `send`. It uses the outbox on the event
loop only.
"""

import asyncio
import contextlib
import functools
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import msgspec
import structlog
from prometheus_client import Counter

from footfall.core.instants import SECOND, parse_instant
from footfall.core.subscriptions import heading_of
from footfall.core.webhooks import (
    Answer,
    Message,
    created_at,
    headers,
    message_of,
)
from footfall.errors import FootfallError
from footfall.flows.delivery.log_readers import DeliveryRequest, LogReader, ReadRequest
from footfall.flows.delivery.manage import entry_at
from footfall.flows.delivery.outbox import Outbox
from footfall.flows.delivery.secrets import WebhookSecrets
from footfall.store import Store
from footfall.store.webhooks import PendingDelivery, StoredWebhook

T = TypeVar("T")
# Sends a body to a URL, with headers, for an organization.
Send = Callable[[str, bytes, dict[str, str], str], Awaitable[Answer]]
# How soon changes are stored: attempts, and a position that has only moved.
WRITE_EVERY = SECOND // 5
WRITE_ATTEMPTS = 100
WRITE_POSITION_EVERY = 5 * SECOND
# A notification can be lost with the server that was to send it.
LOOK_EVERY_S = 5.0
RETRY_S = 1.0
# How long requests in flight may still take when delivery stops.
STOP_WITHIN_S = 1.0
_FOREVER = 2**62
_OUTCOMES = Counter(
    "footfall_webhook_deliveries", "Messages to webhooks, by outcome", ["outcome"]
)
_log = structlog.get_logger()


class Resources(msgspec.Struct, frozen=True):
    """What the delivery to every endpoint needs.

    Attributes:
        store: Where the log and the webhooks are.
        secrets: What opens the webhooks' secrets.
        send: Sends a request.
        now: The clock.
        random: A number from 0 to 1, for the jitter.
        threads: For work with the store.
    """

    store: Store
    secrets: WebhookSecrets
    send: Send
    now: Callable[[], int]
    random: Callable[[], float]
    threads: ThreadPoolExecutor

    async def on_thread(self, work: Callable[..., T], *args: Any) -> T:
        """Do work with the store on a thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.threads, work, *args)


class ReadResult(msgspec.Struct, frozen=True):
    """What each reader read, with the end of the read, and pending messages."""

    readers: list[tuple[LogReader, list[Message], int]]
    waiting: list[PendingDelivery]


def read_log(store: Store, outbox: Outbox, reading: ReadRequest) -> ReadResult:
    """Read what an outbox asks for; it changes nothing, so any thread may do it."""
    endpoint = outbox.endpoint
    organization = endpoint.webhook.organization
    readers = []
    for reader, room in reading.readers:
        entries = store.entries(outbox.wanted.query(organization, room), reader.read)
        messages = []
        for one in entries.found:
            heading = heading_of(one.body)
            if outbox.wanted.wants(heading) and _is_since(reader.since, one.body):
                name = endpoint.webhook.id
                messages.append(message_of(name, one.arrival, heading, one.body))
        readers.append((reader, messages, entries.end))
    if not reading.pending:
        return ReadResult(readers, [])
    waiting = store.read(
        organization,
        lambda transaction: transaction.webhooks.pending(
            endpoint.number, _FOREVER, reading.pending
        ),
    )
    return ReadResult(readers, waiting)


def _is_since(since: int | None, event: bytes) -> bool:
    return since is None or parse_instant(created_at(event)) >= since


def read_waiting(
    store: Store, outbox: Outbox, waiting: list[PendingDelivery]
) -> list[tuple[PendingDelivery, tuple[Message, ...]]]:
    """Read the events of pending messages again, without those that are gone."""
    webhook = outbox.endpoint.webhook
    found = []
    for one in waiting:
        entries = [
            entry_at(store, webhook.organization, arrival) for arrival in one.arrivals
        ]
        messages = tuple(
            message_of(webhook.id, entry.arrival, heading_of(entry.body), entry.body)
            for entry in entries
            if entry is not None
        )
        found.append((one, messages))
    return found


class Endpoint:
    """Delivers to one endpoint."""

    def __init__(self, resources: Resources, stored: StoredWebhook, pending: int):
        self.outbox = Outbox(stored, pending, resources.random)
        self._resources = resources
        self._changed = asyncio.Event()
        self._stopping = False
        self._sending: set[asyncio.Task[None]] = set()
        self._reading: asyncio.Task[None] | None = None
        self._writing: asyncio.Task[None] | None = None
        self._reads_waiting = False
        self._unwritten_since: int | None = None

    def grew(self, newest: int) -> None:
        """Note the newest arrival of the log."""
        if newest > self.outbox.newest:
            self.outbox.newest = newest
            self._changed.set()

    async def run(self) -> None:
        """Deliver until cancelled; then finish requests and store the changes."""
        try:
            while True:
                self._changed.clear()
                self._step()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._idle_s()):
                        await self._changed.wait()
        finally:
            await self._finish()

    def _step(self) -> None:
        now = self._resources.now()
        while (request := self.outbox.take(now)) is not None:
            task = asyncio.create_task(self._send(request))
            self._sending.add(task)
            task.add_done_callback(self._sent)
        reading = self.outbox.reading(now)
        if self._reading is None and (reading.readers or reading.pending):
            self._reads_waiting = reading.pending > 0
            self._reading = asyncio.create_task(self._read(reading))
        # A read of pending messages and a write never overlap: the read would return
        # messages that the write deletes.
        is_apart = self._reading is None or not self._reads_waiting
        if self._writing is None and is_apart and self._is_time_to_write(now):
            self._writing = asyncio.create_task(self._write())

    def _is_time_to_write(self, now: int) -> bool:
        if not self.outbox.has_changes:
            self._unwritten_since = None
            return False
        if self._unwritten_since is None:
            self._unwritten_since = now
        return now >= self._write_at() or self.outbox.unwritten >= WRITE_ATTEMPTS

    def _write_at(self) -> int:
        if self._unwritten_since is None:
            return _FOREVER
        delay = WRITE_EVERY if self.outbox.has_urgent_changes else WRITE_POSITION_EVERY
        return self._unwritten_since + delay

    def _idle_s(self) -> float:
        now = self._resources.now()
        until = _FOREVER if self._reading is not None else self.outbox.wake_at(now)
        if self._writing is None:
            until = min(until, self._write_at())
        return min(max((until - now) / SECOND, 0.001), LOOK_EVERY_S)

    async def _send(self, request: DeliveryRequest) -> None:
        webhook, now = self.outbox.endpoint.webhook, self._resources.now
        try:
            secrets = self._resources.secrets.open(webhook, now())
            sent = headers(request.id, request.body, now(), secrets)
            answer = await self._resources.send(
                webhook.url, request.body, sent, webhook.organization
            )
        except asyncio.CancelledError:
            self.outbox.abandon()
            raise
        except Exception as error:  # noqa: BLE001  it fails like any other attempt
            note(error, webhook.id)
            answer = Answer(0, reason="it could not be signed or sent")
        was_enabled = self.outbox.state.enabled
        outcome = self.outbox.settle(request, answer, now())
        _OUTCOMES.labels(outcome.name.lower()).inc(len(request.messages))
        state = self.outbox.state
        if was_enabled and not state.enabled:
            _log.warning(
                "a webhook is disabled",
                webhook=webhook.id,
                reason=state.disabled_because,
            )

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        self._changed.set()

    async def _read(self, reading: ReadRequest) -> None:
        outbox, store = self.outbox, self._resources.store
        try:
            read = await self._resources.on_thread(read_log, store, outbox, reading)
            for reader, messages, end in read.readers:
                outbox.add(reader, messages, end, self._resources.now())
            if reading.pending:
                now = self._resources.now()
                chosen = outbox.choose(read.waiting, now)
                found = await self._resources.on_thread(
                    read_waiting, store, outbox, chosen
                )
                for waiting, messages_left in found:
                    outbox.add_retry(waiting, messages_left, now)
        except FootfallError as error:
            note(error, outbox.endpoint.webhook.id)
            await asyncio.sleep(RETRY_S)
        finally:
            self._reading = None
            self._changed.set()

    async def _write(self) -> None:
        self._unwritten_since = None
        endpoint, changes = self.outbox.endpoint, self.outbox.changes()
        state = None
        while state is None:
            try:
                future = await self._resources.on_thread(
                    functools.partial(
                        self._resources.store.transaction, versioned=False
                    ),
                    endpoint.webhook.organization,
                    lambda transaction: changes.write(transaction, endpoint),
                )
                state = await asyncio.wrap_future(future)
            except FootfallError as error:
                note(error, endpoint.webhook.id)
                if self._stopping:
                    break  # the next server sends these messages again
                await asyncio.sleep(RETRY_S)
            else:
                if state is None:
                    break  # the webhook was deleted
                self.outbox.written(state)
        self._writing = None
        self._changed.set()

    async def _finish(self) -> None:
        self._stopping = True
        if self._reading is not None:
            self._reading.cancel()
        if self._sending:
            await asyncio.wait(self._sending, timeout=STOP_WITHIN_S)
        for task in tuple(self._sending):
            task.cancel()
        for _ in range(2):
            if self._writing is not None:
                await self._writing
            elif self.outbox.has_changes:
                await self._write()


def note(error: BaseException, webhook: str) -> None:
    """Log an error by its kind: its text may hold personal data."""
    if isinstance(error, FootfallError):
        _log.warning("a webhook must wait", webhook=webhook, reason=error.code)
    else:
        _log.error("bug", error=type(error).__name__, place=f"webhook {webhook}")
