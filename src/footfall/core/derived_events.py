"""Derived events: the events that footfall makes of presence and logins.

An id is computed from the facts of its event, so making the same event twice gives a
duplicate. They carry `when.utcOffset`, like events whose local time was filled in.
Source: SPEC "The event".
"""

import functools
import hashlib
from typing import Any

import msgspec

from footfall.core import instants
from footfall.core.events.ids import id_of, time_key
from footfall.core.events.structs import NewEvent
from footfall.core.events.types import TYPE_NUMBERS
from footfall.core.instants import MINUTE
from footfall.core.places import Registry


class EventContext(msgspec.Struct, frozen=True):
    """The contact's id, and the numbers of the location and the hotspot."""

    contact: str
    registry: Registry
    location: int
    hotspot: int = 0


def arriving(context: EventContext, at: int) -> NewEvent:
    """Make the event of a contact's arrival."""
    return _make(context, "arriving", at, ())


def visit(context: EventContext, start_at: int, end_at: int) -> NewEvent:
    """Make the event of a visit; its `where` has no hotspot."""
    zone = instants.zone_of(
        context.registry.locations[context.location].location.timezone
    )
    local = instants.to_wall_clock(start_at, zone)
    payload = {
        "startAt": instants.format_instant(start_at),
        "startAtLocal": instants.format_wall_clock(local),
        "timezone": zone.key,
        "duration": (end_at - start_at) // MINUTE,
    }
    return _make(context, "visit", end_at, (start_at,), {"visit": payload})


def login(context: EventContext, at: int, session: str) -> NewEvent:
    """Make the event of a login; `session` tells it from other logins."""
    return _make(context, "login", at, (session,))


def signup(
    context: EventContext | None, organization: str, contact: str, at: int, source: str
) -> NewEvent:
    """Make the event of a new contact, with its place if that is known."""
    payload = {"signup": {"source": source}}
    if context is not None:
        return _make(context, "signup", at, (), payload)
    key = _key(at, "signup", organization, contact)
    detail = {"type": "signup"} | payload
    return _write(key, organization, contact, detail, None, _when(at, "UTC"))


def withdrawn(body: bytes) -> bytes:
    """Return the announcement that a derived event no longer holds."""
    value = msgspec.json.decode(body)
    value["event"]["withdrawn"] = True
    return msgspec.json.encode(value)


def _make(
    context: EventContext,
    kind: str,
    at: int,
    made_of: tuple[object, ...],
    payload: dict[str, Any] | None = None,
) -> NewEvent:
    location = context.registry.locations[context.location].location
    hotspot = context.registry.hotspots.get(context.hotspot)
    hotspot_id = None if hotspot is None else hotspot[0].id
    organization = context.registry.organization
    # The location's name and zone are left out: they may change, the event stays.
    key = _key(
        at, kind, organization, context.contact, location.id, context.hotspot, *made_of
    )
    detail = {"type": kind} | (payload or {})
    where = _where(location.id, location.name, hotspot_id)
    when = _when(at, location.timezone)
    return _write(key, organization, context.contact, detail, where, when)


def _key(at: int, *made_of: object) -> bytes:
    """Return the key of an event's id: of its facts, and in the order of time."""
    parts = "\0".join(map(str, made_of)).encode()
    bits = hashlib.blake2b(
        parts, digest_size=10, key=at.to_bytes(8, "big", signed=True)
    )
    return time_key(max(at, 0), bits.digest())


# Most events of a moment were at few hotspots.
@functools.lru_cache(maxsize=1_000)
def _where(location: str, name: str, hotspot: str | None) -> msgspec.Raw:
    """Return where an event was, as its JSON says it."""
    where = {"locationId": location, "locationName": name}
    if hotspot is not None:
        where["hotspotId"] = hotspot
    return msgspec.Raw(msgspec.json.encode(where))


class _When(msgspec.Struct, frozen=True):
    """When an event was: as its JSON says it, and as numbers."""

    fields: msgspec.Raw
    created_at: int
    local_at: int


# What is observed at once was mostly at the same second.
@functools.lru_cache(maxsize=1_000)
def _when(at: int, timezone: str) -> _When:
    zone = instants.zone_of(timezone)
    fields = {
        "createdAt": instants.format_instant(at),
        "createdAtLocal": instants.format_wall_clock(instants.to_wall_clock(at, zone)),
        "timezone": timezone,
        "utcOffset": instants.format_offset(at, zone),
    }
    return _When(
        msgspec.Raw(msgspec.json.encode(fields)),
        instants.parse_instant(fields["createdAt"]),
        instants.parse_wall_clock(fields["createdAtLocal"]),
    )


def _write(
    key: bytes,
    organization: str,
    contact: str,
    detail: dict[str, Any],
    where: msgspec.Raw | None,
    when: _When,
) -> NewEvent:
    value: dict[str, Any] = {
        "organizationId": organization,
        "customerId": contact,
        "event": {"type": detail["type"], "id": id_of(key)} | detail,
    }
    if where is not None:
        value["where"] = where
    value["when"] = when.fields
    body = msgspec.json.encode(value)
    return NewEvent(
        key=key,
        contact=contact,
        type=TYPE_NUMBERS[detail["type"]],
        created_at=when.created_at,
        local_at=when.local_at,
        body=body,
        sent=body,
    )
