"""Events: their shape, how they are checked, and what footfall fills in.

An *event* is one fact about one contact at one time, immutable once stored. It is kept
as the JSON that was sent (except white space between tokens), so it comes back as the
same value, including fields that footfall does not know.
Source: the Events API of the seed, SPEC "The event" and "Sending events".
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import rapidfuzz

from footfall.core import instants
from footfall.core.decoding import wrong_types
from footfall.core.numbers import check_numbers
from footfall.errors import FieldError

EVENT_BYTES_MAX = 64 * 1024
ID_LENGTH_MAX = 128
DEPTH_MAX = 64
TYPE_LENGTH_MAX = 64
_USUAL_ID = re.compile("[0-9a-f]{32}[gl]")

# The position of a type is its number in the store: only append.
TYPES = (
    "signup",
    "arriving",
    "login",
    "visit",
    "geo_arriving",
    "geo_visit",
    "send_email",
    "open_email",
    "click_email",
    "send_sms",
    "click_sms",
    "survey",
    "promo",
)
GEOFENCE_TYPES = frozenset({"geo_arriving", "geo_visit"})
TYPE_NUMBERS = {name: number for number, name in enumerate(TYPES)}


class Signup(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """What created a contact: wifi, kiosk, api and so on."""

    source: str | None = None


class VisitProperties(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """The mobile app that saw the geofence."""

    app_id: str | None = None
    app_bundle: str | None = None
    project_id: str | None = None
    app_os: str | None = None


class Visit(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """A stay; `duration` is in whole minutes."""

    start_at: str | None = None
    start_at_local: str | None = None
    timezone: str | None = None
    duration: int | None = None
    properties: VisitProperties | None = None


class Email(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """A campaign's email."""

    campaign_id: str | None = None
    communication_id: str | None = None
    channel: str | None = None
    campaign_name: str | None = None
    email: str | None = None


class Sms(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """A campaign's text message."""

    campaign_id: str | None = None
    communication_id: str | None = None
    channel: str | None = None
    campaign_name: str | None = None
    phone: str | None = None
    prefix: str | None = None


class Survey(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """An answered survey: question_1 and on, answer_1 and on."""

    campaign_id: str | None = None
    campaign_name: str | None = None
    answer_id: str | None = None
    questions: dict[str, Any] | None = None
    answers: dict[str, Any] | None = None


class Promo(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """A clicked call to action."""

    type: str | None = None


class Detail(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """What happened: the type, the id and the payload of that type."""

    type: str
    id: str | None = None
    signup: Signup | None = None
    visit: Visit | None = None
    email: Email | None = None
    sms: Sms | None = None
    survey: Survey | None = None
    promo: Promo | None = None


class Where(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """A location and hotspot, or a geofence."""

    location_id: str | None = None
    location_name: str | None = None
    hotspot_id: str | None = None
    geofence_name: str | None = None
    geofence_metadata: Any = None
    geofence_id: str | None = None
    geofence_ext_id: str | None = None
    geofence_json: dict[str, Any] | None = msgspec.field(
        default=None, name="geofenceJSON"
    )


class When(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """The instant, and the venue's wall clock with its false `Z`."""

    created_at: str | None = None
    created_at_local: str | None = None
    timezone: str | None = None
    utc_offset: str | None = None


class Event(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """One fact about one contact at one time."""

    customer_id: str
    event: Detail
    organization_id: str | None = None
    where: Where | None = None
    when: When | None = None


class NewEvent(msgspec.Struct, frozen=True, gc=False):
    """An event that is ready to be stored.

    Attributes:
        key: Its unique key: `key_of(id)`.
        contact: The contact's id.
        type: The type's number.
        created_at: `when.createdAt`, an instant.
        local_at: `when.createdAtLocal`, a wall clock.
        body: The JSON to serve.
        sent: The JSON as sent, to tell a duplicate from a conflict.
    """

    key: bytes
    contact: str
    type: int
    created_at: int
    local_at: int
    body: bytes
    sent: bytes


class Rejection(Exception):
    """An event that cannot be stored, with its id (if any) and every reason."""

    def __init__(self, errors: list[FieldError], event_id: str | None = None):
        super().__init__("; ".join(f"{e.field}: {e.message}" for e in errors))
        self.errors = errors
        self.event_id = event_id


_decoder = msgspec.json.Decoder(Event)


def key_of(event_id: str) -> bytes:
    """Return the key of an id in the store: short, and in the order of usual ids.

    The 32 hex digits and the letter of a usual id become 17 bytes. Any other id becomes
    a digest of 16 bytes and `#`, which no usual id ends with.
    """
    if _USUAL_ID.fullmatch(event_id):
        return bytes.fromhex(event_id[:32]) + event_id[-1].encode()
    digest = hashlib.blake2b(event_id.encode(), digest_size=16).digest()
    return digest + b"#"


def make_id(instant: int, random_bits: int) -> str:
    """Make the digits of a time-ordered id: 48 bits of milliseconds, then 80 random."""
    return f"{instant // 1000:012x}{random_bits:020x}"


def id_letter(event_type: str) -> str:
    """Return the letter that ends the id of an event of that type."""
    return "g" if event_type in GEOFENCE_TYPES else "l"


def accept(
    raw: bytes,
    organization: str,
    now: int,
    new_id: Callable[[], str],
    zone_at: Callable[[str], str | None] = lambda _: None,
) -> NewEvent:
    """Check one event as it was sent, and complete it.

    Args:
        raw: The event's JSON.
        organization: The id of the organization that it was sent to.
        now: The instant of its arrival; `createdAt` if none was sent.
        new_id: Makes the 32 hex digits of an id if none was sent.
        zone_at: Returns the time zone of a location by its id, if it is registered.

    Raises:
        Rejection: It cannot be stored; has every reason.
    """
    if len(raw) > EVENT_BYTES_MAX:
        limit = f"is {len(raw)} bytes long; at most {EVENT_BYTES_MAX} are allowed"
        raise Rejection([FieldError("", limit)])
    try:
        raw.decode()
        event = _decoder.decode(raw)
        _check_depth(raw)
    except RecursionError:
        raise Rejection([_too_deep()]) from None
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError) as error:
        raise _explain(raw, organization, error) from None
    try:
        check_numbers(raw)
    except ValueError as error:
        raise Rejection([FieldError("", str(error))], event.event.id) from None
    zone = _zone_of(event, zone_at)
    errors = list(_objections(event, organization, zone))
    if not errors:
        try:
            return _complete(raw, event, organization, now, new_id, zone)
        except (msgspec.MsgspecError, ValueError, OverflowError) as error:
            # No field is known: a number or a local time does not fit in an event.
            errors = [FieldError("", str(error))]
    raise Rejection(_together(errors, _bad_times(event)), event.event.id)


def _zone_of(event: Event, zone_at: Callable[[str], str | None]) -> str | None:
    """Return the zone that an event names, or that of its location."""
    if event.when is not None and event.when.timezone is not None:
        return event.when.timezone
    location = None if event.where is None else event.where.location_id
    return None if location is None else zone_at(location)


def _together(
    errors: list[FieldError], times: Iterator[FieldError]
) -> list[FieldError]:
    """Add the bad times; keep errors without a field only if no error has one."""
    found = [error for error in errors if error.field] + list(times)
    return found or errors


def same(sent: bytes, stored: bytes) -> bool:
    """Tell whether a repeated event has the same content as the stored one.

    Fields that footfall filled in the first time may be missing in the second. Events
    that cannot be compared as values (older stores hold numbers beyond a double) are
    the same only if their bytes are.
    """
    if sent == stored:
        return True
    try:
        stored_value = msgspec.json.decode(stored)
        sent_value = msgspec.json.decode(sent)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
        return False
    if not isinstance(sent_value, dict) or not isinstance(stored_value, dict):
        return False
    for path in _FILLED:
        _drop_unsent(sent_value, sent_value, path)
        _drop_unsent(stored_value, sent_value, path)
    if sent_value.get("when") is None and not stored_value.get("when"):
        sent_value.pop("when", None)
        stored_value.pop("when", None)
    return _canonical(sent_value) == _canonical(stored_value)


_FILLED = (
    ("organizationId",),
    ("event", "id"),
    ("when", "createdAt"),
    ("when", "createdAtLocal"),
    ("when", "timezone"),
    ("when", "utcOffset"),
)


def _drop_unsent(stored: Any, sent: Any, path: tuple[str, ...]) -> None:
    """Drop a field that footfall fills in, unless it was sent (null counts as not)."""
    for name in path[:-1]:
        stored = stored.get(name) or {}
        sent = sent.get(name) or {}
    if sent.get(path[-1]) is None:
        stored.pop(path[-1], None)


def _canonical(value: Any) -> bytes:
    return msgspec.json.encode(value, order="sorted")


def _complete(
    raw: bytes,
    event: Event,
    organization: str,
    now: int,
    new_id: Callable[[], str],
    timezone: str | None,
) -> NewEvent:
    """Fill in missing fields; a complete event keeps its bytes."""
    detail, when = event.event, event.when or When()
    zone = instants.zone_of(timezone or "UTC")
    if detail.visit is not None:
        _check_start(detail.visit)
    created_at = _created_at(when, zone, now)
    if when.created_at_local is None:
        local_at = instants.to_wall_clock(created_at, zone)
    else:
        local_at = instants.parse_wall_clock(when.created_at_local)
    filled: list[tuple[tuple[str, ...], str]] = []
    event_id = detail.id
    if event.organization_id is None and detail.type not in GEOFENCE_TYPES:
        filled.append((("organizationId",), organization))
    if event_id is None:
        event_id = new_id() + id_letter(detail.type)
        filled.append((("event", "id"), event_id))
    if when.created_at is None:
        filled.append((("when", "createdAt"), instants.format_instant(created_at)))
    if when.created_at_local is None:
        local = instants.format_wall_clock(local_at)
        filled.append((("when", "createdAtLocal"), local))
        offset = instants.format_offset(created_at, zone)
        filled.append((("when", "utcOffset"), offset))
    if when.timezone is None:
        filled.append((("when", "timezone"), zone.key))
    return NewEvent(
        key=key_of(event_id),
        contact=event.customer_id,
        type=TYPE_NUMBERS[detail.type],
        created_at=created_at,
        local_at=local_at,
        body=_fill(raw, filled) if filled else msgspec.json.format(raw, indent=-1),
        sent=raw,
    )


def _check_start(visit: Visit) -> None:
    if visit.start_at is not None:
        instants.parse_instant(visit.start_at)
    if visit.start_at_local is not None:
        instants.parse_wall_clock(visit.start_at_local)


def _created_at(when: When, zone: ZoneInfo, now: int) -> int:
    if when.created_at is not None:
        return instants.parse_instant(when.created_at)
    if when.created_at_local is not None:
        local_at = instants.parse_wall_clock(when.created_at_local)
        return instants.from_wall_clock(local_at, zone)
    return now - now % instants.SECOND


def _fill(raw: bytes, filled: list[tuple[tuple[str, ...], str]]) -> bytes:
    value = msgspec.json.decode(raw)
    for path, text in filled:
        target = value
        for name in path[:-1]:
            if target.get(name) is None:
                target[name] = {}
            target = target[name]
        if target.get(path[-1]) is None:
            target[path[-1]] = text
    return msgspec.json.encode(value)


def _objections(
    event: Event, organization: str, timezone: str | None
) -> Iterator[FieldError]:
    """Yield the errors of an event whose fields have the right types."""
    detail, when = event.event, event.when or When()
    if event.organization_id not in (None, organization):
        message = "belongs to another organization; send it there, or leave it out"
        yield FieldError("organizationId", message)
    yield from bad_id("customerId", event.customer_id)
    if detail.id is not None:
        yield from bad_id("event.id", detail.id)
    if detail.type not in TYPE_NUMBERS:
        yield FieldError("event.type", unknown_type(detail.type))
    if when.created_at_local is not None and timezone is None:
        message = "is a local time without its zone; add when.timezone"
        yield FieldError("when.createdAtLocal", message)


def unknown_type(name: str) -> str:
    """Say that there is no such event type, and which one was probably meant."""
    if len(name) > TYPE_LENGTH_MAX:
        return f"is not an event type; allowed: {', '.join(TYPES)}"
    nearest, _, _ = rapidfuzz.process.extractOne(name, TYPES)
    return (
        f"{name!r} is not an event type; the nearest is {nearest!r}, "
        f"allowed: {', '.join(TYPES)}"
    )


def bad_id(field: str, value: str) -> Iterator[FieldError]:
    """Yield the errors of an id that was sent."""
    if not value:
        yield FieldError(field, "is empty; leave it out or give it a value")
    elif len(value) > ID_LENGTH_MAX:
        message = f"has {len(value)} characters; at most {ID_LENGTH_MAX} are allowed"
        yield FieldError(field, message)
    elif not value.isprintable():
        yield FieldError(field, "has control or other unprintable characters")


def _bad_times(event: Event) -> Iterator[FieldError]:
    """Yield the errors of the times by field; `_complete` stops at the first."""
    when, visit = event.when or When(), event.event.visit or Visit()
    if when.created_at is not None:
        yield from _bad(instants.parse_instant, "when.createdAt", when.created_at)
    if when.timezone is not None:
        yield from _bad(instants.zone_of, "when.timezone", when.timezone)
    if when.created_at_local is not None:
        field = "when.createdAtLocal"
        yield from _bad(instants.parse_wall_clock, field, when.created_at_local)
    if visit.start_at is not None:
        yield from _bad(instants.parse_instant, "event.visit.startAt", visit.start_at)
    if visit.start_at_local is not None:
        field = "event.visit.startAtLocal"
        yield from _bad(instants.parse_wall_clock, field, visit.start_at_local)


def _bad(
    parse: Callable[[str], object], field: str, value: str
) -> Iterator[FieldError]:
    try:
        parse(value)
    except (ValueError, OverflowError) as error:
        yield FieldError(field, str(error))


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


def _explain(raw: bytes, organization: str, error: Exception) -> Rejection:
    """Find every reason why an event was not decoded; the decoder names only one."""
    try:
        value = msgspec.json.decode(raw.decode())
    except UnicodeDecodeError as broken:
        message = f"is not UTF-8 at byte {broken.start}"
        return Rejection([FieldError("", message)])
    except (msgspec.MsgspecError, RecursionError) as broken:
        return Rejection([FieldError("", _malformed(raw, str(broken)))])
    if not isinstance(value, dict):
        return Rejection([FieldError("", "is not a JSON object")])
    errors = list(wrong_types(value, Event))
    event_id = None
    if isinstance(value.get("event"), dict):
        found = value["event"].get("id")
        event_id = found if isinstance(found, str) else None
        found = value["event"].get("type")
        if isinstance(found, str) and found not in TYPE_NUMBERS:
            errors.append(FieldError("event.type", unknown_type(found)))
    if value.get("organizationId") not in (None, organization):
        message = "belongs to another organization; send it there, or leave it out"
        errors.append(FieldError("organizationId", message))
    return Rejection(errors or [FieldError("", str(error))], event_id)


def _malformed(raw: bytes, message: str) -> str:
    if b"\\ud" in raw.lower():
        return f"is not JSON (a lone surrogate in a string?): {message}"
    return f"is not JSON: {message}"
