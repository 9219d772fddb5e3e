"""Queries: what a client asks for, as a value.

A *position* in an order is the last event's key in that order and its arrival number,
which breaks ties. So the order is total.
Source: SPEC "Reading events".
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from footfall.core import instants
from footfall.core.events.types import TYPE_NUMBERS, unknown_type
from footfall.core.parameters import Parsers, parse_parameters, parse_whole_number

SIZE_MAX = 10_000
SIZE_DEFAULT = 20


class Sort(StrEnum):
    """The order of a page; all break ties by arrival."""

    BUSINESS_TIME = "businessTime"
    UTC_TIME = "utcTime"
    RECEIVED_TIME = "receivedTime"


class Position(msgspec.Struct, frozen=True, array_like=True):
    """The event after which a page goes on."""

    key: int
    arrival: int


class Separator(StrEnum):
    """What stands between the events of a page; no event's JSON has a line break."""

    COMMA = ","
    LINE_BREAK = "\n"


class EventQuery(msgspec.Struct, frozen=True):
    """Filters, order and size of a page.

    Attributes:
        organization: The organization's id.
        contact: Only this contact's events.
        start_at: Only events at or after this instant.
        end_at: Only events at or before this instant.
        types: Only these types, as numbers; empty means all.
        sort: The order.
        reverse: Newest first.
        size: How many events a page has.
        separator: What stands between them.
    """

    organization: str
    contact: str | None = None
    start_at: int | None = None
    end_at: int | None = None
    types: tuple[int, ...] = ()
    sort: Sort = Sort.BUSINESS_TIME
    reverse: bool = False
    size: int = SIZE_DEFAULT
    separator: Separator = Separator.COMMA

    @property
    def endless(self) -> bool:
        """Whether later events always come after: by arrival, oldest first."""
        return self.sort is Sort.RECEIVED_TIME and not self.reverse


class Request(msgspec.Struct, frozen=True):
    """What a client asked for.

    Attributes:
        query: The filters, with defaults where nothing was given.
        given: The names of the query's attributes that were given.
        scrolling: Whether the answer carries a scrollId.
        scroll_id: The scrollId that was sent, if any.
    """

    query: EventQuery
    given: frozenset[str]
    scrolling: bool
    scroll_id: str | None


def parse_request(
    organization: str, contact: str | None, parameters: Mapping[str, list[str]]
) -> Request:
    """Read the parameters of a request; unknown ones are ignored.

    Raises:
        ParameterInvalid: Values are not allowed; names all such parameters.
    """
    found = parse_parameters(parameters, _PARAMETERS)
    scrolling = found.pop("scrolling", False)
    scroll_id = found.pop("scroll_id", None)
    query = EventQuery(organization=organization, contact=contact, **found)
    return Request(
        query, frozenset(found), scrolling or scroll_id is not None, scroll_id
    )


PARAMETER_NAMES = {
    "start_at": "dateStart",
    "end_at": "dateEnd",
    "types": "events",
    "size": "size",
    "sort": "sortBy",
    "reverse": "sortReverse",
}


def parse_types(text: str) -> tuple[int, ...]:
    """Read types by their names, separated by commas; ValueError says what is wrong."""
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in TYPE_NUMBERS:
            raise ValueError(unknown_type(name))
    return tuple(sorted({TYPE_NUMBERS[name] for name in names}))


def _sort(text: str) -> Sort:
    try:
        return Sort(text)
    except ValueError:
        message = f"{text[:64]!r} is not an order; allowed: {', '.join(Sort)}"
        raise ValueError(message) from None


def parse_flag(text: str) -> bool:
    """Read true or false, in any case; ValueError says what is wrong."""
    if text.lower() not in ("true", "false"):
        raise ValueError(f"{text[:64]!r} is neither true nor false")
    return text.lower() == "true"


_PARAMETERS: Parsers = {
    "dateStart": ("start_at", lambda text: instants.parse_bound(text, last=False)),
    "dateEnd": ("end_at", lambda text: instants.parse_bound(text, last=True)),
    "events": ("types", parse_types),
    "size": ("size", lambda text: parse_whole_number(text, SIZE_MAX)),
    "sortBy": ("sort", _sort),
    "sortReverse": ("reverse", parse_flag),
    "enableScroll": ("scrolling", parse_flag),
    "scrollId": ("scroll_id", str),
}
