"""Webhooks: what is sent to an endpoint, when it is tried again, and how it stands.

A *message* announces one entry of an organization's log to one endpoint. It has the
same id and the same body whenever it is sent. A message that failed is tried again by
`SCHEDULE_S`, independently of all others. An endpoint *stands* by its latest attempts:
it is healthy, or has been failing since an instant, or is disabled.
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
# An endpoint whose waiting messages are too many is asked so often whether it is back.
PROBE_EVERY = 5 * MINUTE
# A success after failures makes all that waits due, spread over this, not more often.
# A message is tried so many times before its time; these do not use up the schedule.
RECOVERY_SPREAD = 10 * SECOND
EARLY_MAX = 5
BATCH_SIZE_MAX = 100
ANSWER_BYTES_MAX = 1_024
SECRET_PREFIX = "whsec_"  # noqa: S105  not a secret
_OK = range(200, 300)
_GONE = 410
# What these say of the time to wait is for all that is sent to the endpoint.
_WAITING = frozenset({429, 503})


class Outcome(IntEnum):
    """What became of a message in an attempt; the number is stored."""

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
    """Reading the log again: what happened since an instant.

    Attributes:
        since: Events of before are left out.
        place: Up to here it is done.
        until: Where it ends.
    """

    since: int
    place: int
    until: int


class EndpointState(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """How far an endpoint is, and how it stands.

    Attributes:
        place: Up to this arrival, all is delivered, waits to be tried again, or is not
            wanted.
        failing_since: The first attempt after the latest success, if it failed.
        failed_at: The latest attempt that failed.
        disabled_at: When it was disabled.
        disabled_because: Why.
        replay: What is read again.
    """

    place: int = 0
    failing_since: int | None = None
    failed_at: int | None = None
    disabled_at: int | None = None
    disabled_because: str | None = None
    replay: Replay | None = None

    @property
    def enabled(self) -> bool:
        """Whether it gets anything."""
        return self.disabled_at is None

    def succeeded(self) -> "EndpointState":
        """Return it after an attempt that succeeded."""
        if self.failing_since is None:
            return self
        return msgspec.structs.replace(self, failing_since=None, failed_at=None)

    def failed(self, now: int, *, gone: bool = False) -> "EndpointState":
        """Return it after an attempt that failed; it may be disabled then."""
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
        """Return it disabled; it keeps its place."""
        if not self.enabled:
            return self
        return msgspec.structs.replace(self, disabled_at=now, disabled_because=reason)

    def reenabled(self) -> "EndpointState":
        """Return it enabled, as if it had never failed; it goes on from its place."""
        return msgspec.structs.replace(
            self,
            failing_since=None,
            failed_at=None,
            disabled_at=None,
            disabled_because=None,
        )

    def advanced(self, place: int, replay: Replay | None) -> "EndpointState":
        """Return it further on. A place only grows, whoever else delivers meanwhile.

        Args:
            place: Up to where the log is done.
            replay: The replay as it was worked on; one that began since is kept.
        """
        own = self.replay
        if (
            own is not None
            and replay is not None
            and (own.since, own.until) == (replay.since, replay.until)
        ):
            further = max(own.place, replay.place)
            own = msgspec.structs.replace(own, place=further)
            own = None if further >= own.until else own
        return msgspec.structs.replace(self, place=max(self.place, place), replay=own)


class Answer(msgspec.Struct, frozen=True, gc=False):
    """What an attempt came to.

    Attributes:
        duration_ms: How long it took.
        status: The answer's status; None if there was none.
        reason: Why there was none.
        body: The first bytes of the answer.
        retry_after: For how long the endpoint wants to be left alone.
    """

    duration_ms: int
    status: int | None = None
    reason: str | None = None
    body: bytes = b""
    retry_after: int | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the endpoint took the message."""
        return self.status is not None and self.status in _OK

    @property
    def gone(self) -> bool:
        """Whether the endpoint wants nothing any more."""
        return self.status == _GONE

    @property
    def pause(self) -> int:
        """For how long nothing is to be sent to the endpoint."""
        if self.retry_after is None or self.status not in _WAITING:
            return 0
        return min(self.retry_after, RETRY_AFTER_MAX)


class Message(msgspec.Struct, frozen=True, gc=False):
    """What is sent for one entry of the log.

    Attributes:
        arrival: The entry's number.
        id: The message's id.
        heading: What the event is about.
        body: The JSON.
    """

    arrival: int
    id: str
    heading: Heading
    body: bytes


def retry_at(attempts: int, now: int, random: float, pause: int = 0) -> int | None:
    """Return when a message is tried again; None if it is given up.

    Args:
        attempts: How many attempts have failed, the one of now too.
        now: This instant.
        random: From 0 to 1, for the jitter.
        pause: For how long the endpoint wants to be left alone.
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
    """Return the id of a message: an endpoint's, of an entry of the log.

    The event's id alone would not do: an event is withdrawn under its id, and where it
    holds again later, it is made with the same id, and must not pass for a repetition.
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
    """Return the id and the body of several messages that are sent as one.

    The id is made of theirs; each has its own id in the body, too, as it may come again
    in another batch.
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
    """Return the headers that prove a message: one signature for each secret."""
    at = datetime.fromtimestamp(now // SECOND, UTC)
    text = body.decode()
    signatures = [Signer(secret).sign(message, at, text) for secret in secrets]
    return {
        "content-type": "application/json",
        "webhook-id": message,
        "webhook-timestamp": str(now // SECOND),
        "webhook-signature": " ".join(signatures),
    }
