"""Acceptance: check an event that was sent, and complete it.

Source: SPEC "Sending events".
"""

from collections.abc import Callable, Iterator

import msgspec

from footfall.core import instants
from footfall.core.events.completion import complete
from footfall.core.events.decoding import FOREIGN, decode
from footfall.core.events.ids import bad_id
from footfall.core.events.structs import Event, NewEvent, Visit, When
from footfall.core.events.types import TYPE_NUMBERS, unknown_type
from footfall.errors import FieldError, ItemRejected


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
        ItemRejected: It cannot be stored; has every reason.
    """
    event = decode(raw, organization)
    zone = _zone_of(event, zone_at)
    errors = list(_objections(event, organization, zone))
    if not errors:
        try:
            return complete(raw, event, organization, now, new_id, zone)
        except (msgspec.MsgspecError, ValueError, OverflowError) as error:
            # No field is known: a number or a local time does not fit in an event.
            errors = [FieldError("", str(error))]
    raise ItemRejected(_together(errors, _bad_times(event)), event.event.id)


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


def _objections(
    event: Event, organization: str, timezone: str | None
) -> Iterator[FieldError]:
    """Yield the errors of an event whose fields have the right types."""
    detail, when = event.event, event.when or When()
    if event.organization_id not in (None, organization):
        yield FOREIGN
    yield from bad_id("customerId", event.customer_id)
    if detail.id is not None:
        yield from bad_id("event.id", detail.id)
    if detail.type not in TYPE_NUMBERS:
        yield FieldError("event.type", unknown_type(detail.type))
    if when.created_at_local is not None and timezone is None:
        message = "is a local time without its zone; add when.timezone"
        yield FieldError("when.createdAtLocal", message)


def _bad_times(event: Event) -> Iterator[FieldError]:
    """Yield the errors of the times by field; `complete` stops at the first."""
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
