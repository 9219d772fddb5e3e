"""Outbox: which message is sent to an endpoint next, and what follows from its outcome.

Messages come from three queues: new entries of the log, pending retries, and a replay.
The queues take turns, so neither retries nor a replay delay new messages. A message
that failed is stored as pending and is settled with that, so it blocks no other.

The outbox does no I/O and reads no clock. Its `endpoint` reads what `reading` asks for,
sends what `take` returns, and writes `changes` to the store.
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
from footfall.flows.delivery.log_readers import (
    FRESH,
    READ_MAX,
    DeliveryRequest,
    LogReader,
    ReadRequest,
)
from footfall.store.webhooks import Arrivals, Attempt, PendingDelivery, StoredWebhook

# Requests in flight: up to PARALLEL, or one after FAILURES_MAX failures in a row.
PARALLEL = 16
FAILURES_MAX = 16
# With this many pending messages, the outbox stops reading the log.
PENDING_MAX = 10_000
PENDING_READ = 16
# How many messages may be read but not settled: for each of a batch, and in all.
WINDOW = 2 * PARALLEL
WINDOW_MAX = 400
# With this many attempts not yet stored, nothing is sent.
UNWRITTEN_MAX = 2_000
# After this many attempts, the oldest rows of the log of deliveries are deleted.
SURPLUS_EVERY = 2_000
_ALWAYS = 2**62


class Outbox:
    """The messages for one endpoint."""

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
        self._log = LogReader(self.state.position)
        replay = self.state.replay
        self._replay = (
            None
            if replay is None
            else LogReader(replay.position, replay.since, replay.until)
        )
        self._retries: deque[DeliveryRequest] = deque()
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

    def reading(self, now: int) -> ReadRequest:
        """Return what is to be read now."""
        if not self.state.enabled or now < self._paused_until:
            return ReadRequest([], 0)
        readers = []
        if self.pending < PENDING_MAX:
            if self._log.read < self.newest:
                readers.append(self._log)
            if self._replay is not None and not self._replay.ended:
                readers.append(self._replay)
        # A small read costs as much as a large one, so wait for room.
        least = min(self._window // 2, READ_MAX)
        rooms = [(reader, reader.room(self._window)) for reader in readers]
        enough = [(reader, room) for reader, room in rooms if room >= least]
        return ReadRequest(enough, self._pending_room(now))

    def _pending_room(self, now: int) -> int:
        # During a write, a read could still return rows that the write deletes.
        if self._writing is not None or len(self._retries) >= PARALLEL:
            return 0
        due = self._due_at(now)
        if due is None or due > now:
            return 0
        return len(self._held) + PENDING_READ

    def _due_at(self, now: int) -> int | None:
        """Return when to look for the next pending message."""
        due = self._next_due
        if self.pending >= PENDING_MAX and due is not None:
            if self._probe_at is None:
                self._probe_at = now + PROBE_EVERY
            return min(due, self._probe_at)
        return due

    def add(
        self, reader: LogReader, messages: Iterable[Message], end: int, now: int
    ) -> None:
        """Add messages that were read from the log."""
        reader.add(
            messages, end if reader.until is None else min(end, reader.until), now
        )

    def choose(self, waiting: list[PendingDelivery], now: int) -> list[PendingDelivery]:
        """Return the pending messages that are due."""
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
        """Add a pending message; `messages` are those whose events still exist."""
        lost = len(waiting.arrivals) - len(messages)
        if lost and not messages:
            # The event is gone from the log, so its contact is not known here.
            self._log_attempt(
                Attempt(now, Outcome.DROPPED, waiting.attempts, waiting.arrivals[0])
            )
            self._forget(waiting)
            return
        if not self._retries:
            self._retries_at = now
        self._retries.append(self._request(messages, waiting))

    def _refresh(self, now: int) -> None:
        """Drop messages that were read too long ago; they are read again."""
        for reader in (self._log, self._replay):
            if reader is not None:
                reader.refresh(now)
        if self._retries and now - self._retries_at > FRESH:
            self._held -= {request.arrivals for request in self._retries}
            self._retries.clear()
            self._next_due = now

    def take(self, now: int) -> DeliveryRequest | None:
        """Return the next request to send; None if there is none."""
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
            request = self._next_of(self._turn)
            if request is not None:
                self.in_flight += 1
                return request
        return None

    def _next_of(self, turn: int) -> DeliveryRequest | None:
        if turn == 0:
            return self._retries.popleft() if self._retries else None
        reader = self._log if turn == 1 else self._replay
        if reader is None or not reader.ready:
            return None
        return self._request(
            reader.take(self.endpoint.webhook.batch_size), reader=reader
        )

    def _request(
        self,
        messages: tuple[Message, ...],
        pending: PendingDelivery | None = None,
        reader: LogReader | None = None,
    ) -> DeliveryRequest:
        # A pending batch stays together even if the batch size was changed.
        if self.endpoint.webhook.batch_size > 1 or len(messages) > 1:
            name, body = batch_of(messages)
        else:
            name, body = messages[0].id, messages[0].body
        return DeliveryRequest(name, body, messages, pending, reader)

    def settle(self, request: DeliveryRequest, answer: Answer, now: int) -> Outcome:
        """Record the outcome of a request."""
        self.in_flight -= 1
        was = self.state
        if answer.succeeded:
            outcome = self._succeed(request, now)
        else:
            outcome = self._fail(request, answer, now)
        if request.reader is not None:
            request.reader.settle(request.messages)
        self._log_request(request, answer, outcome, now)
        if was.enabled and not self.state.enabled:
            reason = self.state.disabled_because
            self._log_attempt(Attempt(now, Outcome.DISABLED, 0, reason=reason))
        return outcome

    def abandon(self) -> None:
        """Record that a request was cancelled; it is sent again later."""
        self.in_flight -= 1

    def _succeed(self, request: DeliveryRequest, now: int) -> Outcome:
        # Another server may have left messages, and had no time to make them due.
        left = self._recovered_at < 0 < self.pending
        failed = left or self.state.failing_since is not None
        if failed and self._recover_at is None:
            self._recover_at = max(now, self._recovered_at + RECOVERY_SPREAD)
        self.state = self.state.succeeded()
        self._failures = 0
        health = self._changes.health
        if not health or not health[-1][1]:
            health.append((now, True, False))
        if request.pending is not None:
            self._forget(request.pending)
        return Outcome.DELIVERED

    def _fail(self, request: DeliveryRequest, answer: Answer, now: int) -> Outcome:
        self.state = self.state.failed(now, gone=answer.gone)
        self._failures += 1
        self._changes.health.append((now, False, answer.gone))
        self._paused_until = max(self._paused_until, now + answer.pause)
        pending = request.pending
        if pending is not None and now < pending.retry_at:
            # An early attempt does not use up the schedule.
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
        self._wait(PendingDelivery(request.arrivals, attempts, again, again), pending)
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
        self, request: DeliveryRequest, answer: Answer, outcome: Outcome, now: int
    ) -> None:
        pending = request.pending
        for at, message in enumerate(request.messages):
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

    @property
    def has_urgent_changes(self) -> bool:
        """Whether there are changes other than a new position."""
        changes = self._changes
        return bool(
            changes.attempts
            or changes.waiting
            or changes.done
            or changes.recovered_at is not None
        )

    @property
    def has_changes(self) -> bool:
        """Whether there are any changes to store."""
        stored, replay = self.state.replay, self._replay
        replayed = bool(stored and replay and replay.position > stored.position)
        further = self._log.position > self.state.position
        return self.has_urgent_changes or replayed or further

    @property
    def position(self) -> int:
        """The arrival up to which all messages are settled."""
        return self._log.position

    @property
    def unwritten(self) -> int:
        """How many attempts are not stored yet."""
        return len(self._changes.attempts)

    def changes(self) -> Changes:
        """Return the changes to store; call `written` when that is done."""
        changes, self._changes = self._changes, Changes()
        changes.position = self._log.position
        replay = self.state.replay
        if replay is not None and self._replay is not None:
            changes.replay = msgspec.structs.replace(
                replay, position=self._replay.position
            )
        self._writing = changes
        return changes

    def written(self, state: EndpointState) -> None:
        """Continue from the state that is stored now."""
        changes, self._writing = self._writing, None
        assert changes is not None  # noqa: S101  `changes` came before
        # Attempts since `changes` was called are not in this state yet.
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

    def wake_at(self, now: int) -> int:
        """Return when the outbox has work again, apart from answers that come in."""
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
