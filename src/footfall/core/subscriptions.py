"""Subscriptions: which entries of an organization's log a receiver wants.

A *subscription* filters what is delivered as it arrives (live streams, webhooks): by
type, by location and by contact. Geofence events lie at no location.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from footfall.core.events.types import TYPE_NUMBERS
from footfall.core.parameters import Parsers, parse_parameters
from footfall.core.queries import EventQuery, parse_types

LOCATIONS_MAX = 100
ID_LENGTH_MAX = 128
_ARRIVAL_MAX = 2**62


class Heading(msgspec.Struct, frozen=True, gc=False):
    """The fields of an event that filters and messages need.

    Attributes:
        type: Its type.
        id: Its id.
        contact: The id of its contact.
        location: The id of its location, if it has one.
        withdrawn: Whether this announces that the event no longer holds.
    """

    type: str
    id: str
    contact: str
    location: str | None
    withdrawn: bool


class Subscription(msgspec.Struct, frozen=True):
    """Filters of entries; an empty filter lets all pass.

    Attributes:
        types: Only these types, as numbers.
        locations: Only what happened at these locations.
        contact: Only events of this contact.
    """

    types: tuple[int, ...] = ()
    locations: frozenset[str] = frozenset()
    contact: str | None = None

    def wants(self, heading: Heading) -> bool:
        """Tell whether an event is wanted."""
        return (
            (not self.types or TYPE_NUMBERS[heading.type] in self.types)
            and (not self.locations or heading.location in self.locations)
            and (self.contact is None or heading.contact == self.contact)
        )

    def query(self, organization: str, size: int) -> EventQuery:
        """Return the query that leaves out most unwanted entries."""
        return EventQuery(organization, self.contact, types=self.types, size=size)


class _Detail(msgspec.Struct, gc=False):
    type: str
    id: str
    # A derived event has true or nothing here; an event that was sent, anything.
    withdrawn: Any = None


class _Where(msgspec.Struct, gc=False):
    location_id: str | None = msgspec.field(name="locationId", default=None)


class _Event(msgspec.Struct, gc=False):
    contact: str = msgspec.field(name="customerId")
    event: _Detail
    where: _Where | None = None


_decoder = msgspec.json.Decoder(_Event)


def heading_of(body: bytes) -> Heading:
    """Read the heading of a stored event."""
    found = _decoder.decode(body)
    detail, where = found.event, found.where
    return Heading(
        detail.type,
        detail.id,
        found.contact,
        None if where is None else where.location_id,
        detail.withdrawn is True,
    )


def parse_subscription(
    parameters: Mapping[str, list[str]], last_id: str | None
) -> tuple[Subscription, int | None]:
    """Read the parameters of a live stream; unknown ones are ignored.

    Args:
        parameters: `events`, `locations`, `customerId`, `after`.
        last_id: The header `Last-Event-ID`; it wins over `after`, for a browser that
            connects again sends it beside the address of before.

    Returns:
        What is wanted, and after which position in the log; None means from now on.

    Raises:
        ParameterInvalid: Values are not allowed; names all such parameters.
    """
    if last_id:
        parameters = {**parameters, "after": [last_id]}
    found = parse_parameters(parameters, _PARAMETERS)
    after: int | None = found.pop("after", None)
    return Subscription(**found), after


def parse_locations(text: str) -> frozenset[str]:
    """Read ids of locations, separated by commas; ValueError says what is wrong."""
    names = frozenset(name.strip() for name in text.split(",", LOCATIONS_MAX + 1))
    if len(names) > LOCATIONS_MAX:
        raise ValueError(f"names more than {LOCATIONS_MAX} locations")
    if not all(0 < len(name) <= ID_LENGTH_MAX for name in names):
        raise ValueError(f"has an id that is empty or longer than {ID_LENGTH_MAX}")
    return names


def _parse_position(text: str) -> int:
    digits = text.isascii() and text.isdigit() and len(text) <= len(str(_ARRIVAL_MAX))
    if not digits or int(text) > _ARRIVAL_MAX:
        raise ValueError(f"{text[:64]!r} is not the id of a message of a stream")
    return int(text)


_PARAMETERS: Parsers = {
    "events": ("types", parse_types),
    "locations": ("locations", parse_locations),
    "customerId": ("contact", str),
    "after": ("after", _parse_position),
}
