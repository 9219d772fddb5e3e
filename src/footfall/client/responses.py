"""Responses: what comes back, read by pure functions that both clients share."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from footfall.client.errors import (
    NothingStored,
    Problem,
    ResponseUnreadable,
    refusal,
)
from footfall.client.events import Event
from footfall.client.receipts import Receipt, Rejection
from footfall.errors import FieldError

_OK = range(200, 300)
_TYPE = "urn:footfall:problem:"
_NOTHING_STORED = "nothing-accepted"
_TEXT_MAX = 300
_MICROSECONDS = 1_000_000


class Response(msgspec.Struct, frozen=True):
    """A response of the API; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Page(msgspec.Struct, frozen=True):
    """A page of a list.

    Attributes:
        events: Its events.
        scroll_id: What gives the next page.
        has_more: Whether there is more; None if the server is not footfall.
    """

    events: list[Event]
    scroll_id: str | None
    has_more: bool | None


class _Page(msgspec.Struct, rename="camel"):
    events: list[msgspec.Raw]
    scroll_id: str | None = None
    has_more: bool | None = None


class _Token(msgspec.Struct):
    token: str


class _Problem(msgspec.Struct, rename="camel"):
    type: Any = None
    title: Any = None
    detail: Any = None
    # Other servers than footfall.
    message: Any = None
    error: Any = None
    request_id: Any = None


class _Fields(msgspec.Struct):
    errors: list[FieldError] = []


class _Counted(msgspec.Struct):
    accepted: int
    duplicates: int
    rejected: list[Rejection]


def check(response: Response, now: int) -> None:
    """Raise what a response's status says.

    Args:
        response: The response.
        now: This instant, for a `Retry-After` that is a date.

    Raises:
        Refused: The status is that of an error, or of a redirect.
    """
    if response.status in _OK:
        return
    problem = _problem(response, now)
    if problem.code == _NOTHING_STORED:
        raise NothingStored(problem, read_receipt(response))
    raise refusal(problem)


def read_page(response: Response) -> Page:
    """Read a page of events."""
    found = _decoded(response, _Page)
    events = [Event(bytes(raw)) for raw in found.events]
    return Page(events, found.scroll_id, found.has_more)


def read_receipt(response: Response) -> Receipt:
    """Read what became of a batch."""
    found = _decoded(response, _Counted)
    return Receipt(found.accepted, found.duplicates, found.rejected)


def read_token(response: Response) -> str:
    """Read the token of a login."""
    token: str = _decoded(response, _Token).token
    return token


def _decoded(response: Response, kind: Any) -> Any:
    try:
        return msgspec.json.decode(response.body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ResponseUnreadable(
            f"The response ({response.status}) is not what the Events API documents: "
            f"{error}. Is the address right?"
        ) from None


def _problem(response: Response, now: int) -> Problem:
    try:
        found = msgspec.json.decode(response.body, type=_Problem)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        found = _Problem()
    kind = found.type if isinstance(found.type, str) else ""
    said = (found.detail, found.message, found.error, found.title)
    detail = next((text for text in said if isinstance(text, str) and text), None)
    own_id = found.request_id if isinstance(found.request_id, str) else None
    return Problem(
        response.status,
        kind.removeprefix(_TYPE) if kind.startswith(_TYPE) else "refused",
        detail or _text(response),
        _field_errors(response),
        response.headers.get("x-request-id") or own_id,
        _retry_after(response, now),
    )


def _field_errors(response: Response) -> list[FieldError]:
    try:
        return msgspec.json.decode(response.body, type=_Fields).errors
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return []  # another server's `errors`, or none


def _text(response: Response) -> str:
    """Say what a response says that is no problem document."""
    if location := response.headers.get("location"):
        return f"The server redirects to {location[:_TEXT_MAX]}: use that address."
    text = " ".join(response.body[: 4 * _TEXT_MAX].decode(errors="replace").split())
    return f"The server answered {response.status}: {text[:_TEXT_MAX] or 'no text'}"


def _retry_after(response: Response, now: int) -> float | None:
    """Read `Retry-After`: seconds, or a date; what is neither is ignored.

    Source: RFC 9110, 10.2.3
    """
    value = response.headers.get("retry-after", "")
    if value.isascii() and value.isdigit():
        return float(value[:9])
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    at = moment.replace(tzinfo=moment.tzinfo or UTC)
    return max(
        0.0, (at - datetime.fromtimestamp(now / _MICROSECONDS, UTC)).total_seconds()
    )
