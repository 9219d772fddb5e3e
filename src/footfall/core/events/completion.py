"""Completion: fill in what an event does not say.

A complete event keeps its bytes (except white space between tokens), so it comes back
as the same value, including fields that footfall does not know.
"""

from collections.abc import Callable
from zoneinfo import ZoneInfo

import msgspec

from footfall.core import instants
from footfall.core.events.ids import id_letter, key_of
from footfall.core.events.structs import Event, NewEvent, Visit, When
from footfall.core.events.types import GEOFENCE_TYPES, TYPE_NUMBERS

# What may be filled in.
FILLED_FIELDS = (
    ("organizationId",),
    ("event", "id"),
    ("when", "createdAt"),
    ("when", "createdAtLocal"),
    ("when", "timezone"),
    ("when", "utcOffset"),
)


def complete(
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
