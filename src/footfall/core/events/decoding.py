"""Decoding: turn an event's bytes into a struct, or name every reason why not."""

from typing import Any

import msgspec

from footfall.core.decoding import wrong_types
from footfall.core.events.structs import Event
from footfall.core.events.types import TYPE_NUMBERS, unknown_type
from footfall.core.numbers import check_numbers
from footfall.errors import FieldError, ItemRejected

EVENT_BYTES_MAX = 64 * 1024
DEPTH_MAX = 64
FOREIGN = FieldError(
    "organizationId",
    "belongs to another organization; send it there, or leave it out",
)
_decoder = msgspec.json.Decoder(Event)


def decode(raw: bytes, organization: str) -> Event:
    """Decode an event that was sent to an organization.

    Raises:
        ItemRejected: It is not an event, or not every JSON reader could read it back.
    """
    if len(raw) > EVENT_BYTES_MAX:
        limit = f"is {len(raw)} bytes long; at most {EVENT_BYTES_MAX} are allowed"
        raise ItemRejected([FieldError("", limit)])
    try:
        raw.decode()
        event = _decoder.decode(raw)
        _check_depth(raw)
    except RecursionError:
        raise ItemRejected([_too_deep()]) from None
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
        raise _explain(raw, organization, error) from None
    try:
        check_numbers(raw)
    except ValueError as error:
        raise ItemRejected([FieldError("", str(error))], event.event.id) from None
    return event


def _check_depth(raw: bytes) -> None:
    """Refuse nesting that many JSON readers could not read back."""
    if raw.count(b"{") + raw.count(b"[") <= DEPTH_MAX:
        return
    level = [msgspec.json.decode(raw)]
    for _ in range(DEPTH_MAX + 1):
        level = [inner for value in level for inner in _inner(value)]
        if not level:
            return
    raise RecursionError


def _inner(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _too_deep() -> FieldError:
    return FieldError("", f"is nested too deep; at most {DEPTH_MAX} levels are allowed")


def _explain(raw: bytes, organization: str, error: Exception) -> ItemRejected:
    """Find every reason why an event was not decoded; the decoder names only one."""
    try:
        value = msgspec.json.decode(raw.decode())
    except UnicodeDecodeError as broken:
        message = f"is not UTF-8 at byte {broken.start}"
        return ItemRejected([FieldError("", message)])
    except (msgspec.MsgspecError, RecursionError) as broken:
        return ItemRejected([FieldError("", _malformed(raw, str(broken)))])
    if not isinstance(value, dict):
        return ItemRejected([FieldError("", "is not a JSON object")])
    errors = list(wrong_types(value, Event))
    event_id = None
    if isinstance(value.get("event"), dict):
        found = value["event"].get("id")
        event_id = found if isinstance(found, str) else None
        found = value["event"].get("type")
        if isinstance(found, str) and found not in TYPE_NUMBERS:
            errors.append(FieldError("event.type", unknown_type(found)))
    if value.get("organizationId") not in (None, organization):
        errors.append(FOREIGN)
    return ItemRejected(errors or [FieldError("", str(error))], event_id)


def _malformed(raw: bytes, message: str) -> str:
    if b"\\ud" in raw.lower():
        return f"is not JSON (a lone surrogate in a string?): {message}"
    return f"is not JSON: {message}"
