"""Deliver: events to webhooks, each endpoint for itself.

The server that has the lease delivers (`runtime.webhooks`). Each endpoint has a task
and an outbox of its own, so an endpoint that does not answer delays no other.

When the lease passes to another server, both may deliver for a moment. Then some
messages are sent twice, with the same ids.
"""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from prometheus_client import Gauge

from footfall.errors import FootfallError
from footfall.flows.delivery.endpoint import (
    LOOK_EVERY_S,
    RETRY_S,
    Endpoint,
    Resources,
    Send,
    note,
)
from footfall.flows.delivery.secrets import WebhookSecrets
from footfall.flows.delivery.watch import watching
from footfall.store import Store
from footfall.store.transaction import Transaction
from footfall.store.webhooks import StoredWebhook

REFRESH_S = 1.0
# How long notifications are collected before the logs are read.
GATHER_S = 0.005
THREADS = 4
_ENDPOINTS = Gauge(
    "footfall_webhooks",
    "Webhooks: healthy, failing or disabled",
    ["state"],
    multiprocess_mode="livemostrecent",
)
_PENDING = Gauge(
    "footfall_webhook_pending",
    "Messages that wait to be tried again",
    multiprocess_mode="livemostrecent",
)
_BEHIND = Gauge(
    "footfall_webhook_behind",
    "Entries that the endpoint furthest behind has to read",
    multiprocess_mode="livemostrecent",
)
Key = tuple[str, str]


class Deliverer:
    """Delivers to all webhooks, on one event loop."""

    def __init__(
        self,
        store: Store,
        secrets: WebhookSecrets,
        send: Send,
        now: Callable[[], int],
        chance: Callable[[], float] = random.random,
    ):
        """Name what it works with.

        Args:
            store: Where the log and the webhooks are.
            secrets: What opens the webhooks' secrets.
            send: What sends.
            now: The clock.
            chance: A number from 0 to 1, for the jitter.
        """
        threads = ThreadPoolExecutor(THREADS, "footfall-webhooks")
        self._resources = Resources(store, secrets, send, now, chance, threads)
        self._endpoints: dict[Key, Endpoint] = {}
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._stopping: dict[Key, asyncio.Task[None]] = {}
        self._grown: set[str] = set()
        self._woken = asyncio.Event()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Deliver while the context is open; its end waits briefly for requests."""
        with watching(self._resources.store, self._on_growth):
            own = [
                asyncio.create_task(_repeat(self._refresh, REFRESH_S)),
                asyncio.create_task(_repeat(self._look_for_growth, GATHER_S)),
            ]
            try:
                yield
            finally:
                await self._stop(own)

    async def _stop(self, own: list[asyncio.Task[None]]) -> None:
        for task in (*own, *self._tasks.values()):
            task.cancel()
        await asyncio.gather(
            *own,
            *self._tasks.values(),
            *self._stopping.values(),
            return_exceptions=True,
        )
        self._resources.threads.shutdown(wait=False)
        for gauge in (_PENDING, _BEHIND):
            gauge.set(0)
        for state in ("disabled", "failing", "healthy"):
            _ENDPOINTS.labels(state).set(0)

    def _on_growth(self, organization: str | None) -> None:
        self._grown.update(
            {name for name, _ in self._endpoints}
            if organization is None
            else {organization}
        )
        self._woken.set()

    async def _look_for_growth(self) -> None:
        """Find the newest arrival of logs that grew; every few seconds, of all logs."""
        try:
            async with asyncio.timeout(LOOK_EVERY_S):
                await self._woken.wait()
        except TimeoutError:
            self._on_growth(None)
        self._woken.clear()
        asked = self._grown & {name for name, _ in self._endpoints}
        self._grown = set()
        if not asked:
            return
        try:
            found = await self._resources.on_thread(
                self._resources.store.newest_arrivals, sorted(asked)
            )
        except FootfallError:
            self._on_growth(None)
            await asyncio.sleep(RETRY_S)
            return
        for (organization, _), endpoint in self._endpoints.items():
            endpoint.grew(found.get(organization, 0))

    async def _refresh(self) -> None:
        """Start new endpoints, restart changed ones, stop deleted ones."""
        versions = await self._resources.on_thread(
            self._resources.store.webhook_versions
        )
        there = {(one.organization, one.webhook): one.version for one in versions}
        for key, endpoint in list(self._endpoints.items()):
            task = self._tasks[key]
            if there.get(key) != endpoint.outbox.endpoint.version or task.done():
                self._end(key)
        for key in there.keys() - self._endpoints.keys() - self._stopping.keys():
            await self._begin(*key)
        self._set_gauges()

    async def _begin(self, organization: str, webhook: str) -> None:
        def load() -> tuple[StoredWebhook, int, int] | None:
            def work(transaction: Transaction) -> tuple[StoredWebhook, int] | None:
                stored = transaction.webhooks.find(webhook)
                if stored is None:
                    return None
                return stored, transaction.webhooks.count_pending(stored.number)

            found = self._resources.store.read(organization, work)
            newest = self._resources.store.newest_arrivals([organization])
            return None if found is None else (*found, newest.get(organization, 0))

        loaded = await self._resources.on_thread(load)
        if loaded is None:
            return
        stored, pending, newest = loaded
        endpoint = Endpoint(self._resources, stored, pending)
        endpoint.grew(newest)
        self._endpoints[organization, webhook] = endpoint
        self._tasks[organization, webhook] = asyncio.create_task(endpoint.run())

    def _end(self, key: Key) -> None:
        """Stop an endpoint; its next task starts once the changes are stored."""
        del self._endpoints[key]
        task = self._stopping[key] = self._tasks.pop(key)

        def ended(task: asyncio.Task[None]) -> None:
            del self._stopping[key]
            if not task.cancelled() and (error := task.exception()) is not None:
                note(error, key[1])

        task.add_done_callback(ended)
        task.cancel()

    def _set_gauges(self) -> None:
        """Set the gauges."""
        boxes = [endpoint.outbox for endpoint in self._endpoints.values()]
        states = [box.state for box in boxes]
        disabled = sum(not state.enabled for state in states)
        failing = sum(
            state.enabled and state.failing_since is not None for state in states
        )
        _ENDPOINTS.labels("disabled").set(disabled)
        _ENDPOINTS.labels("failing").set(failing)
        _ENDPOINTS.labels("healthy").set(len(states) - disabled - failing)
        _PENDING.set(sum(box.pending for box in boxes))
        behind = [box.newest - box.position for box in boxes if box.state.enabled]
        _BEHIND.set(max(behind, default=0))


async def _repeat(
    work: Callable[[], Coroutine[Any, Any, None]], every_s: float
) -> None:
    """Repeat some work, whatever error it raises."""
    while True:
        try:
            await work()
        except FootfallError as error:
            note(error, "")
        except Exception as error:  # noqa: BLE001  the others must go on
            note(error, "")
            await asyncio.sleep(RETRY_S)
        await asyncio.sleep(every_s)
