"""Webhooks: messages, when they are sent again, and the state of an endpoint.

A *message* announces one entry of an organization's log to one endpoint. It has the
same id and the same body whenever it is sent. A message that failed is tried again by
`SCHEDULE_S`, independently of all others. The latest attempts decide the state of an
endpoint: healthy, failing since an instant, or disabled.
Source: https://github.com/standard-webhooks/standard-webhooks, 1.0
"""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import IntEnum

import msgspec
from standardwebhooks import Webhook as Signer

from footfall.core.instants import DAY, HOUR, MINUTE, SECOND
from footfall.core.subscriptions import Heading

# Seconds before each attempt, the first at once.
SCHEDULE_S = (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
# A retry comes up to this part of its delay later, so that many do not come together.
JITTER = 0.1
RETRY_AFTER_MAX = DAY
# An endpoint that only fails for so long is disabled. Attempts further apart than the
# schedule's are no evidence of the time between them.
FAILING_MAX = 5 * DAY
FAILING_GAP_MAX = 30 * HOUR
# How often an endpoint with too many pending messages is tried.
PROBE_EVERY = 5 * MINUTE
# A success after failures makes all pending messages due within this time, and at most
# once in it. A message has up to EARLY_MAX such early attempts before each attempt of
# its schedule; they do not use up the schedule.
RECOVERY_SPREAD = 10 * SECOND
EARLY_MAX = 5
BATCH_SIZE_MAX = 100
ANSWER_BYTES_MAX = 1_024
SECRET_PREFIX = "whsec_"  # noqa: S105  not a secret
_OK = range(200, 300)
_GONE = 410
# A `Retry-After` with these statuses pauses the whole endpoint.
_WAITING = frozenset({429, 503})


class Outcome(IntEnum):
    """The outcome of an attempt; the number is stored."""

    DELIVERED = 0
    FAILED = 1
    GIVEN_UP = 2
    DROPPED = 3
    DISABLED = 4


class Reason:
    """Why an endpoint is disabled."""

    GONE = "the endpoint answered 410"
    FAILING = "all attempts of 5 days failed"
    REQUESTED = "on request"


class Replay(msgspec.Struct, frozen=True, gc=False):
    """A replay of the log: all events since an instant are sent again.

    Attributes:
        since: Events before this instant are left out.
        position: The arrival up to which it is done; stored as `place`.
        until: The arrival at which it ends.
    """

    since: int
    position: int = msgspec.field(name="place")
    until: int


class EndpointState(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """The position of an endpoint in the log, and its state.

    Attributes:
        position: The arrival up to which all messages are delivered, pending or
            filtered out; stored as `place`.
        failing_since: When the first attempt since the latest success failed.
        failed_at: When the latest attempt failed.
        disabled_at: When it was disabled.
        disabled_because: Why it was disabled.
        replay: The replay under way.
    """

    position: int = msgspec.field(default=0, name="place")
    failing_since: int | None = None
    failed_at: int | None = None
    disabled_at: int | None = None
    disabled_because: str | None = None
    replay: Replay | None = None

    @property
    def enabled(self) -> bool:
        """Whether messages are sent to it."""
        return self.disabled_at is None

    def succeeded(self) -> "EndpointState":
        """Return the state after an attempt that succeeded."""
        if self.failing_since is None:
            return self
        return msgspec.structs.replace(self, failing_since=None, failed_at=None)

    def failed(self, now: int, *, gone: bool = False) -> "EndpointState":
        """Return the state after an attempt that failed, which may disable it."""
        since = self.failing_since
        if since is None or now - (self.failed_at or since) > FAILING_GAP_MAX:
            since = now
        state = msgspec.structs.replace(
            self, failing_since=since, failed_at=max(now, self.failed_at or now)
        )
        if gone:
            return state.disabled(now, Reason.GONE)
        if now - since >= FAILING_MAX:
            return state.disabled(now, Reason.FAILING)
        return state

    def disabled(self, now: int, reason: str) -> "EndpointState":
        """Return the state, disabled; the position stays."""
        if not self.enabled:
            return self
        return msgspec.structs.replace(self, disabled_at=now, disabled_because=reason)

    def reenabled(self) -> "EndpointState":
        """Return the state, enabled and without its failures; the position stays."""
        return msgspec.structs.replace(
            self,
            failing_since=None,
            failed_at=None,
            disabled_at=None,
            disabled_because=None,
        )

    def advanced(self, position: int, replay: Replay | None) -> "EndpointState":
        """Return the state with a new position; it only grows: two servers may deliver.

        Args:
            position: The arrival up to which all messages are settled.
            replay: The replay with its new position; a newer replay is kept instead.
        """
        own = self.replay
        if (
            own is not None
            and replay is not None
            and (own.since, own.until) == (replay.since, replay.until)
        ):
            further = max(own.position, replay.position)
            own = msgspec.structs.replace(own, position=further)
            own = None if further >= own.until else own
        return msgspec.structs.replace(
            self, position=max(self.position, position), replay=own
        )


class Answer(msgspec.Struct, frozen=True, gc=False):
    """The endpoint's answer to an attempt.

    Attributes:
        duration_ms: How long it took.
        status: The answer's status; None if there was none.
        reason: Why there was none.
        body: The first bytes of the answer.
        retry_after: How long the endpoint asks to wait.
    """

    duration_ms: int
    status: int | None = None
    reason: str | None = None
    body: bytes = b""
    retry_after: int | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the endpoint accepted the message."""
        return self.status is not None and self.status in _OK

    @property
    def gone(self) -> bool:
        """Whether the endpoint wants no more messages."""
        return self.status == _GONE

    @property
    def pause(self) -> int:
        """How long to send nothing to the endpoint."""
        if self.retry_after is None or self.status not in _WAITING:
            return 0
        return min(self.retry_after, RETRY_AFTER_MAX)


class Message(msgspec.Struct, frozen=True, gc=False):
    """The message that announces one entry of the log.

    Attributes:
        arrival: The entry's number.
        id: The message's id.
        heading: The heading of its event.
        body: The JSON.
    """

    arrival: int
    id: str
    heading: Heading
    body: bytes


def retry_at(attempts: int, now: int, random: float, pause: int = 0) -> int | None:
    """Return when a message is tried again; None if it is given up.

    Args:
        attempts: How many attempts have failed, including the present one.
        now: This instant.
        random: From 0 to 1, for the jitter.
        pause: How long the endpoint asks to wait.
    """
    if attempts >= len(SCHEDULE_S):
        return None
    delay = int(SCHEDULE_S[attempts] * SECOND * (1 + JITTER * random))
    return now + max(delay, pause)


def parse_retry_after(value: str | None, now: int) -> int | None:
    """Read the header `Retry-After`: seconds, or a date; what is neither is ignored.

    Source: RFC 9110, 10.2.3
    """
    if not value or len(value) > len("Wed, 21 Oct 2015 07:28:00 GMT") + 3:
        return None
    if value.isascii() and value.isdigit():
        return min(int(value) * SECOND, RETRY_AFTER_MAX)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    at = int(moment.replace(tzinfo=UTC).timestamp()) * SECOND
    return min(max(at - now, 0), RETRY_AFTER_MAX)


class _When(msgspec.Struct, gc=False):
    created_at: str = msgspec.field(name="createdAt")


class _Event(msgspec.Struct, gc=False):
    when: _When


_decoder = msgspec.json.Decoder(_Event)


def created_at(event: bytes) -> str:
    """Return the instant of a stored event, as it is written there."""
    return _decoder.decode(event).when.created_at


def message_id(webhook: str, arrival: int, heading: Heading) -> str:
    """Return the id of the message that announces an entry to an endpoint.

    The event's id alone is not enough. A derived event may be withdrawn and derived
    again under the same id; a receiver must not take that for a repetition.
    """
    name = f"{webhook}\0{arrival}\0{heading.id}"
    return f"msg_{hashlib.blake2b(name.encode(), digest_size=16).hexdigest()}"


def message_of(webhook: str, arrival: int, heading: Heading, event: bytes) -> Message:
    """Return the message that announces an entry of the log to an endpoint.

    Args:
        webhook: The endpoint's id.
        arrival: The entry's number.
        heading: What the event is about.
        event: Its JSON, which goes out as it is.
    """
    kind = f"{heading.type}.withdrawn" if heading.withdrawn else heading.type
    timestamp = msgspec.json.encode(created_at(event))
    body = b'{"type":"%s","timestamp":%s,"data":%s}' % (kind.encode(), timestamp, event)
    return Message(arrival, message_id(webhook, arrival, heading), heading, body)


def batch_of(messages: Iterable[Message]) -> tuple[str, bytes]:
    """Return the id and the body of a batch of messages.

    The id is computed from theirs. Each also has its own id in the body, because it may
    come again in another batch.
    """
    messages = list(messages)
    digest = hashlib.blake2b(digest_size=16)
    for message in messages:
        digest.update(message.id.encode())
    parts = (b'{"id":"%s",%s' % (one.id.encode(), one.body[1:]) for one in messages)
    timestamp = msgspec.json.encode(
        msgspec.json.decode(messages[-1].body, type=_Stamped).timestamp
    )
    body = b'{"type":"batch","timestamp":%s,"data":[%s]}' % (
        timestamp,
        b",".join(parts),
    )
    return f"msg_{digest.hexdigest()}", body


class _Stamped(msgspec.Struct, gc=False):
    timestamp: str


def headers(
    message: str, body: bytes, now: int, secrets: Iterable[str]
) -> dict[str, str]:
    """Return the headers of a message, with a signature for each secret."""
    at = datetime.fromtimestamp(now // SECOND, UTC)
    text = body.decode()
    signatures = [Signer(secret).sign(message, at, text) for secret in secrets]
    return {
        "content-type": "application/json",
        "webhook-id": message,
        "webhook-timestamp": str(now // SECOND),
        "webhook-signature": " ".join(signatures),
    }
