"""Outbox: what is sent to one endpoint next, and what became of it.

Messages come from the log as it grows, from what waits to be tried again, and from a
replay. They take turns, so neither retries nor a replay hold up what is new.
The outbox does no I/O and reads no clock: whoever drives it reads what `reading`
asks for, sends what `take` returns, and writes `changes` to the store.

A message that failed is settled once it is among what waits, so none blocks the next.
"""

from collections import deque
from collections.abc import Callable, Iterable

import msgspec

from footfall.core.events.ids import key_of
from footfall.core.events.types import TYPE_NUMBERS
from footfall.core.subscriptions import Subscription
from footfall.core.webhooks import (
    PROBE_EVERY,
    RECOVERY_SPREAD,
    Answer,
    EndpointState,
    Message,
    Outcome,
    batch_of,
    retry_at,
)
from footfall.flows.delivery.changes import Changes
from footfall.flows.delivery.lanes import FRESH, READ_MAX, Lane, Reading, Shipment
from footfall.store.webhooks import Arrivals, Attempt, PendingDelivery, StoredWebhook

# Requests under way at once; one, where so many have failed in a row.
PARALLEL = 16
FAILURES_MAX = 16
# With so many messages that wait, the log is not read on.
PENDING_MAX = 10_000
PENDING_READ = 16
# How many messages may be read and not settled, by the size of a batch and at most.
WINDOW = 2 * PARALLEL
WINDOW_MAX = 400
# Nothing is taken while so many attempts are not on disk.
UNWRITTEN_MAX = 2_000
# After so many attempts the log of deliveries is cut.
SURPLUS_EVERY = 2_000
_ALWAYS = 2**62


class Outbox:
    """What is to be sent to an endpoint."""

    def __init__(
        self, endpoint: StoredWebhook, pending: int, random: Callable[[], float]
    ):
        """Begin where the endpoint is.

        Args:
            endpoint: The endpoint as it is stored.
            pending: How many messages wait for it.
            random: A number from 0 to 1, for the jitter.
        """
        webhook = endpoint.webhook
        self.endpoint = endpoint
        self.state = endpoint.state
        self.wanted = Subscription(
            tuple(sorted(TYPE_NUMBERS[name] for name in webhook.types)),
            frozenset(webhook.locations),
        )
        self.newest = 0
        self.in_flight = 0
        self.pending = pending
        self._random = random
        self._window = min(WINDOW * webhook.batch_size, WINDOW_MAX)
        self._log = Lane(self.state.place)
        replay = self.state.replay
        self._replay = (
            None if replay is None else Lane(replay.place, replay.since, replay.until)
        )
        self._retries: deque[Shipment] = deque()
        self._retries_at = 0
        self._turn = 0
        self._held: set[Arrivals] = set()
        self._next_due: int | None = 0 if pending else None
        self._probe_at: int | None = None
        self._paused_until = 0
        self._recovered_at = -RECOVERY_SPREAD
        self._recover_at: int | None = None
        self._failures = 0
        self._logged = 0
        self._changes = Changes()
        self._writing: Changes | None = None

    # -- reading -------------------------------------------------------------------

    def reading(self, now: int) -> Reading:
        """Return what is to be read now."""
        if not self.state.enabled or now < self._paused_until:
            return Reading([], 0)
        lanes = []
        if self.pending < PENDING_MAX:
            if self._log.read < self.newest:
                lanes.append(self._log)
            if self._replay is not None and not self._replay.ended:
                lanes.append(self._replay)
        # Not a few at a time.
        least = min(self._window // 2, READ_MAX)
        rooms = [(lane, lane.room(self._window)) for lane in lanes]
        enough = [(lane, room) for lane, room in rooms if room >= least]
        return Reading(enough, self._pending_room(now))

    def _pending_room(self, now: int) -> int:
        # While something is written, what is read may be of before.
        if self._writing is not None or len(self._retries) >= PARALLEL:
            return 0
        due = self._due_at(now)
        if due is None or due > now:
            return 0
        return len(self._held) + PENDING_READ

    def _due_at(self, now: int) -> int | None:
        """Return when the next message that waits is to be looked for."""
        due = self._next_due
        if self.pending >= PENDING_MAX and due is not None:
            if self._probe_at is None:
                self._probe_at = now + PROBE_EVERY
            return min(due, self._probe_at)
        return due

    def add(self, lane: Lane, messages: Iterable[Message], end: int, now: int) -> None:
        """Take in what was read of the log."""
        lane.add(messages, end if lane.until is None else min(end, lane.until), now)

    def choose(self, waiting: list[PendingDelivery], now: int) -> list[PendingDelivery]:
        """Return those that are to be tried of the messages that wait."""
        free = [one for one in waiting if one.arrivals not in self._held]
        due = [one for one in free if one.due_at <= now]
        probe_at = self._probe_at
        if self.pending >= PENDING_MAX and not due and probe_at is not None:
            due = free[:1] if probe_at <= now else []
        later = free[len(due) :]
        self._next_due = later[0].due_at if later else None
        if len(free) >= PENDING_READ and not later:
            self._next_due = now  # there may be more
        self._probe_at = None
        self._held.update(one.arrivals for one in due)
        return due

    def add_retry(
        self, waiting: PendingDelivery, messages: tuple[Message, ...], now: int
    ) -> None:
        """Take in a message that waited; what is left of it, if not all of it is."""
        lost = len(waiting.arrivals) - len(messages)
        if lost and not messages:
            # The log of arrivals has it no more, so nothing can say whose it was.
            self._log_attempt(
                Attempt(now, Outcome.DROPPED, waiting.attempts, waiting.arrivals[0])
            )
            self._forget(waiting)
            return
        if not self._retries:
            self._retries_at = now
        self._retries.append(self._shipment(messages, waiting))

    def _refresh(self, now: int) -> None:
        """Forget what was read too long ago; it is read again."""
        for lane in (self._log, self._replay):
            if lane is not None:
                lane.refresh(now)
        if self._retries and now - self._retries_at > FRESH:
            self._held -= {shipment.arrivals for shipment in self._retries}
            self._retries.clear()
            self._next_due = now

    # -- sending -------------------------------------------------------------------

    def take(self, now: int) -> Shipment | None:
        """Return what is to be sent now, if there is anything."""
        if self._recover_at is not None and self._recover_at <= now:
            self._changes.recovered_at = self._recovered_at = now
            self._recover_at = None
        self._refresh(now)
        most = PARALLEL if self._failures < FAILURES_MAX else 1
        if (
            not self.state.enabled
            or now < self._paused_until
            or self.in_flight >= most
            or len(self._changes.attempts) >= UNWRITTEN_MAX
        ):
            return None
        for _ in range(3):
            self._turn = (self._turn + 1) % 3
            shipment = self._next_of(self._turn)
            if shipment is not None:
                self.in_flight += 1
                return shipment
        return None

    def _next_of(self, turn: int) -> Shipment | None:
        if turn == 0:
            return self._retries.popleft() if self._retries else None
        lane = self._log if turn == 1 else self._replay
        if lane is None or not lane.ready:
            return None
        return self._shipment(lane.take(self.endpoint.webhook.batch_size), lane=lane)

    def _shipment(
        self,
        messages: tuple[Message, ...],
        pending: PendingDelivery | None = None,
        lane: Lane | None = None,
    ) -> Shipment:
        # Several that waited stay together, though the size of batches has changed.
        if self.endpoint.webhook.batch_size > 1 or len(messages) > 1:
            name, body = batch_of(messages)
        else:
            name, body = messages[0].id, messages[0].body
        return Shipment(name, body, messages, pending, lane)

    def settle(self, shipment: Shipment, answer: Answer, now: int) -> Outcome:
        """Note what a request came to."""
        self.in_flight -= 1
        was = self.state
        if answer.succeeded:
            outcome = self._succeed(shipment, now)
        else:
            outcome = self._fail(shipment, answer, now)
        if shipment.lane is not None:
            shipment.lane.settle(shipment.messages)
        self._log_request(shipment, answer, outcome, now)
        if was.enabled and not self.state.enabled:
            reason = self.state.disabled_because
            self._log_attempt(Attempt(now, Outcome.DISABLED, 0, reason=reason))
        return outcome

    def abandon(self) -> None:
        """Note that a request was broken off on purpose; it is sent again later."""
        self.in_flight -= 1

    def _succeed(self, shipment: Shipment, now: int) -> Outcome:
        if self.state.failing_since is not None and self._recover_at is None:
            self._recover_at = max(now, self._recovered_at + RECOVERY_SPREAD)
        self.state = self.state.succeeded()
        self._failures = 0
        health = self._changes.health
        if not health or not health[-1][1]:
            health.append((now, True, False))
        if shipment.pending is not None:
            self._forget(shipment.pending)
        return Outcome.DELIVERED

    def _fail(self, shipment: Shipment, answer: Answer, now: int) -> Outcome:
        self.state = self.state.failed(now, gone=answer.gone)
        self._failures += 1
        self._changes.health.append((now, False, answer.gone))
        self._paused_until = max(self._paused_until, now + answer.pause)
        pending = shipment.pending
        if pending is not None and now < pending.retry_at:
            # Tried before its time, which does not use up the schedule.
            at, early = pending.retry_at, pending.early + 1
            waiting = msgspec.structs.replace(pending, due_at=at, early=early)
            self._wait(waiting, pending)
            return Outcome.FAILED
        attempts = 1 if pending is None else pending.attempts + 1
        again = retry_at(attempts, now, self._random(), answer.pause)
        if again is None:
            if pending is not None:
                self._forget(pending)
            return Outcome.GIVEN_UP
        self._wait(PendingDelivery(shipment.arrivals, attempts, again, again), pending)
        return Outcome.FAILED

    def _wait(self, waiting: PendingDelivery, before: PendingDelivery | None) -> None:
        self.pending += before is None
        self._held.add(waiting.arrivals)
        self._changes.done.discard(waiting.arrivals)
        self._changes.waiting[waiting.arrivals] = waiting

    def _forget(self, waiting: PendingDelivery) -> None:
        self.pending = max(self.pending - 1, 0)
        self._changes.waiting.pop(waiting.arrivals, None)
        self._changes.done.add(waiting.arrivals)

    def _log_request(
        self, shipment: Shipment, answer: Answer, outcome: Outcome, now: int
    ) -> None:
        pending = shipment.pending
        for at, message in enumerate(shipment.messages):
            self._log_attempt(
                Attempt(
                    now,
                    outcome,
                    1 if pending is None else pending.attempts + 1,
                    message.arrival,
                    key_of(message.heading.id),
                    message.heading.contact,
                    answer.duration_ms,
                    answer.status,
                    answer.reason,
                    b"" if at else answer.body,
                    batched=at > 0,
                )
            )

    def _log_attempt(self, attempt: Attempt) -> None:
        self._changes.attempts.append(attempt)
        self._logged += 1
        if self._logged >= SURPLUS_EVERY:
            self._logged = 0
            self._changes.cuts_log = True

    # -- writing -------------------------------------------------------------------

    @property
    def has_news(self) -> bool:
        """Whether something must be written soon."""
        changes = self._changes
        return bool(
            changes.attempts
            or changes.waiting
            or changes.done
            or changes.recovered_at is not None
        )

    @property
    def has_moved(self) -> bool:
        """Whether there is anything to write."""
        replay = self.state.replay
        if replay is not None and self._replay is not None:
            further = self._replay.place > replay.place
        else:
            further = False
        return self.has_news or further or self._log.place > self.state.place

    @property
    def place(self) -> int:
        """Up to where the log is done."""
        return self._log.place

    @property
    def unwritten(self) -> int:
        """How many attempts are not on disk."""
        return len(self._changes.attempts)

    def changes(self) -> Changes:
        """Return what is to be written; `written` says that it was."""
        changes, self._changes = self._changes, Changes()
        changes.place = self._log.place
        replay = self.state.replay
        if replay is not None and self._replay is not None:
            changes.replay = msgspec.structs.replace(replay, place=self._replay.place)
        self._writing = changes
        return changes

    def written(self, state: EndpointState) -> None:
        """Go on from what is stored now."""
        changes, self._writing = self._writing, None
        assert changes is not None  # noqa: S101  `changes` came before
        # What happened since then is not in it yet.
        for at, succeeded, gone in self._changes.health:
            state = state.succeeded() if succeeded else state.failed(at, gone=gone)
        self.state = state
        if state.replay is None:
            self._replay = None
        settled = changes.done | changes.waiting.keys()
        later = self._changes.done | self._changes.waiting.keys()
        self._held -= settled - later
        due = [one.due_at for one in changes.waiting.values()]
        if changes.recovered_at is not None and self.pending:
            due.append(changes.recovered_at)
        if due:
            due += [] if self._next_due is None else [self._next_due]
            self._next_due = min(due)

    # -- waiting -------------------------------------------------------------------

    def wake_at(self, now: int) -> int:
        """Return until when there is nothing to do but to wait for answers."""
        if not self.state.enabled:
            return _ALWAYS
        if now < self._paused_until:
            return self._paused_until
        times = [_ALWAYS]
        if self._recover_at is not None:
            times.append(self._recover_at)
        due = self._due_at(now)
        reads = self._writing is None and len(self._retries) < PARALLEL
        if due is not None and reads:
            times.append(due)
        return min(times)
