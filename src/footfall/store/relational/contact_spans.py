"""Contact spans: which of a contact's many events can be on a page.

A contact's events have one index, in the order of local times. A page in another order
is sorted, which costs as much as there is to sort. So a page of a contact with many
events is looked for in a short span, which grows until it holds what the page shows and
one event more.
"""

from collections.abc import Iterator
from typing import Protocol

import msgspec

from footfall.core.instants import SECOND, ZONE_MAX, ZONE_MIN
from footfall.core.queries import EventQuery, Position

# So many events are sorted as fast as a span is found.
MANY = 500


class Counting(Protocol):
    """What an engine can tell of a contact's events without sorting any."""

    ends: tuple[int, int]
    """The first and the last of their local times."""

    def count(self, query: EventQuery) -> int:
        """Count those of a query behind where its page begins, up to `enough`."""

    def stride(self, query: EventQuery, local_at: int) -> int | None:
        """Return how much local time a page takes from there; None beyond the last."""


def enough(size: int) -> int:
    """Return how many events are more than a page should have to sort."""
    return 2 * size + 64


def growing(smallest: int) -> Iterator[int]:
    """Yield longer and longer spans."""
    while True:
        yield smallest
        smallest *= 2


def span_within(query: EventQuery, ends: tuple[int, int]) -> tuple[int, int]:
    """Return between which instants a query's events of a contact can lie.

    Args:
        query: The query.
        ends: The first and the last of the contact's local times.
    """
    first, last = ends[0] - ZONE_MAX, ends[1] - ZONE_MIN
    start = first if query.start_at is None else query.start_at
    end = last if query.end_at is None else query.end_at
    return start, end


def narrowed(query: EventQuery, after: Position | None, events: Counting) -> EventQuery:
    """Return the query of a page in the order of instants, for a shorter span.

    The page is the same, and so is whether there is more.

    Args:
        query: A query of a contact's events.
        after: Where the page begins.
        events: The contact's.
    """
    begins, stops = ("end_at", "start_at") if query.reverse else ("start_at", "end_at")
    if after is not None:
        query = msgspec.structs.replace(query, **{begins: after.key})
    start, end = span_within(query, events.ends)
    origin, limit = (end, start) if query.reverse else (start, end)

    def until(edge: int) -> EventQuery:
        return msgspec.structs.replace(query, **{stops: edge})

    low, high, found = origin, origin, 0
    stride = events.stride(query, origin) or SECOND
    for width in growing(stride):
        high = (
            max(limit, origin - width) if query.reverse else min(limit, origin + width)
        )
        found = events.count(until(high))
        if found > query.size:
            break
        if high == limit:
            return query
        low = high
    while found == enough(query.size) and abs(high - low) > 1:
        middle = (low + high) // 2
        less = events.count(until(middle))
        if less > query.size:
            high, found = middle, less
        else:
            low = middle
    return until(high)
