"""Deliveries over injected time: days in seconds, on a real store.

The endpoints, the network and the clock are simulated; the outboxes, their log readers,
what they read and what they write are the real ones.
"""

import heapq
import itertools
import random
from collections import defaultdict
from collections.abc import Callable, Iterator

import msgspec

from footfall.core.instants import SECOND
from footfall.core.webhooks import Answer, EndpointState
from footfall.flows.delivery.endpoint import read_log, read_waiting
from footfall.flows.delivery.log_readers import DeliveryRequest
from footfall.flows.delivery.outbox import Outbox
from footfall.store import Store
from footfall.store.webhooks import SealedSecret, StoredWebhook, Webhook

# What an endpoint answers at an instant, and after how many microseconds.
Behaviour = Callable[[int, random.Random], tuple[Answer, int]]
COMMIT = SECOND // 50
NEVER = 2**61


def answers(status: int, latency: int = SECOND // 20, **more) -> Behaviour:
    answer = Answer(latency // 1000, status, **more)
    return lambda _now, _chance: (answer, latency)


class Taken(msgspec.Struct, frozen=True):
    """A message that an endpoint took: when, under which id, of which event."""

    at: int
    id: str
    event: str
    withdrawn: bool


class Simulation:
    """The time is in microseconds; it goes on with `run`."""

    def __init__(self, store: Store, seed: int):
        self.store = store
        self.chance = random.Random(seed)
        self.now = 0
        self.taken: defaultdict[str, list[Taken]] = defaultdict(list)
        self.sent: defaultdict[str, list[Taken]] = defaultdict(list)
        self.sending: DeliveryRequest | None = None  # what a behaviour is asked about
        self._behaviours: dict[str, Behaviour] = {}
        self._boxes: dict[str, Outbox] = {}
        self._in_flight: dict[int, tuple[str, DeliveryRequest, Answer]] = {}
        self._writes: set[str] = set()
        self._queue: list[tuple[int, int, int | None, Callable[[], object]]] = []
        self._number = itertools.count()
        self._life = 0

    # -- the world -----------------------------------------------------------------

    def add(self, name: str, behaviour: Behaviour, **more) -> None:
        """Make an endpoint."""
        self._behaviours[name] = behaviour
        webhook = Webhook(
            name, "org", f"https://{name}.example/", 0, (SealedSecret(b""),), **more
        )
        self.store.transaction(
            "org", lambda t: t.webhooks.add(webhook, EndpointState())
        ).result()
        self._load(name)

    def change(self, name: str, **fields) -> None:
        """Change an endpoint, as the API does."""

        def work(transaction) -> None:
            stored = transaction.webhooks.find(name)
            changed = msgspec.structs.replace(stored.webhook, **fields)
            transaction.webhooks.change(stored, changed, stored.state)

        self.store.transaction("org", work).result()
        self.crash()

    def at(self, when: int, work: Callable[[], object]) -> None:
        """Do something at an instant, whichever server lives then."""

        def both() -> None:
            work()
            self.wake()

        self._push(when, both, life=None)

    def wake(self) -> None:
        """Tell the outboxes how far the log is."""
        newest = self.store.newest_arrivals(["org"])["org"]
        for name, box in self._boxes.items():
            box.newest = newest
            self._step(name)

    def crash(self) -> None:
        """Kill the server: half of what was under way arrived, none was written."""
        for name, request, answer in self._in_flight.values():
            if self.chance.random() < 0.5:
                self._arrive(name, request, answer)
        self._in_flight.clear()
        self._writes.clear()
        self._life += 1
        for name in self._boxes:
            self._load(name)
        self.wake()

    def run(self, until: int) -> None:
        while self._queue and self._queue[0][0] <= until:
            self.now, _, life, work = heapq.heappop(self._queue)
            if life in (None, self._life):
                work()
        self.now = until

    def state(self, name: str) -> EndpointState:
        return self._boxes[name].state

    def pending(self, name: str) -> int:
        return self._boxes[name].pending

    # -- the server ----------------------------------------------------------------

    def _load(self, name: str) -> None:
        def work(transaction) -> tuple[StoredWebhook, int]:
            stored = transaction.webhooks.find(name)
            return stored, transaction.webhooks.count_pending(stored.number)

        stored, pending = self.store.read("org", work)
        self._boxes[name] = Outbox(stored, pending, self.chance.random)

    def _push(self, when: int, work: Callable[[], object], life: int | None) -> None:
        number = next(self._number)
        heapq.heappush(self._queue, (max(when, self.now), number, life, work))

    def _later(self, when: int, work: Callable[[], object]) -> None:
        self._push(when, work, self._life)

    def _step(self, name: str) -> None:
        box = self._boxes[name]
        reads = True
        while reads:
            while (request := box.take(self.now)) is not None:
                self._send(name, request)
            reads = self._read(box)
        if box.has_changes and name not in self._writes:
            self._writes.add(name)
            self._later(self.now + SECOND // 5, lambda: self._write(name))
        wake_at = box.wake_at(self.now)
        if wake_at < NEVER:
            self._later(wake_at, lambda: self._step(name))

    def _read(self, box: Outbox) -> bool:
        """Read what an outbox asks for; False if that is nothing."""
        reading = box.reading(self.now)
        read = read_log(self.store, box, reading)
        for reader, messages, end in read.readers:
            box.add(reader, messages, end, self.now)
        if reading.pending:
            chosen = box.choose(read.waiting, self.now)
            for waiting, left in read_waiting(self.store, box, chosen):
                box.add_retry(waiting, left, self.now)
        return bool(reading.readers or reading.pending)

    def _send(self, name: str, request: DeliveryRequest) -> None:
        self.sending = request
        answer, latency = self._behaviours[name](self.now, self.chance)
        number = next(self._number)
        self._in_flight[number] = name, request, answer
        self.sent[name] += self._messages(request)

        def arrived() -> None:
            del self._in_flight[number]
            self._arrive(name, request, answer)
            self._boxes[name].settle(request, answer, self.now)
            self._step(name)

        self._later(self.now + latency, arrived)

    def _messages(self, request: DeliveryRequest) -> Iterator[Taken]:
        for one in request.messages:
            heading = one.heading
            yield Taken(self.now, one.id, heading.id, heading.withdrawn)

    def _arrive(self, name: str, request: DeliveryRequest, answer: Answer) -> None:
        if answer.succeeded:
            self.taken[name] += self._messages(request)

    def _write(self, name: str) -> None:
        box = self._boxes[name]
        changes = box.changes()

        def commit() -> None:
            state = self.store.transaction(
                "org", lambda t: changes.write(t, box.endpoint)
            ).result()
            assert state is not None
            box.written(state)
            self._writes.discard(name)
            self._step(name)

        self._later(self.now + COMMIT, commit)
