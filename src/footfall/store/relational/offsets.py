"""Offsets: between which local times the events of a span of instants lie.

Of a UTC day, the UTC offsets of an organization's local times are known, by quarters of
an hour. They are an outer bound: an append widens it, an erasure leaves it.
"""

from collections.abc import Callable, Sequence

from footfall.core.instants import DAY, MINUTE, ZONE_MAX, ZONE_MIN
from footfall.core.queries import EventQuery, Sort

# An event this many days from an instant lies on the same side of it in local time.
_DAYS_APART = 2
_QUARTER = 15 * MINUTE
# In a longer span, what zones lie apart is little; of more stretches, merging is much.
_SHORT = 2 * DAY
_SPANS_MAX = 8

# What holds of events whose local time contradicts their instant.
CONTRADICTS = f"local_at - created_at NOT BETWEEN {ZONE_MIN} AND {ZONE_MAX}"

Span = tuple[int | None, int | None]
# Returns (day, low, high) of the days from one to another.
Offsets = Callable[[int, int], list[tuple[int, int, int]]]


def offsets_of(times: Sequence[tuple[int, int]]) -> list[tuple[int, int, int, int]]:
    """Return (day, quarter, low, high) of events given as (created_at, local_at)."""
    found: dict[tuple[int, int], set[int]] = {}
    for created_at, local_at in times:
        offset = local_at - created_at
        if ZONE_MIN <= offset <= ZONE_MAX:
            place = (created_at // DAY, offset // _QUARTER)
            found.setdefault(place, set()).add(offset)
    return [(*place, min(offsets), max(offsets)) for place, offsets in found.items()]


def local_spans(query: EventQuery, offsets: Offsets) -> list[Span]:
    """Return between which local times the events of the query's span of instants lie.

    Only of an organization's page in the order of local times; else there are none.
    """
    if query.sort is not Sort.BUSINESS_TIME or query.contact is not None:
        return []
    return local_spans_of(query.start_at, query.end_at, offsets)


def local_spans_of(start: int | None, end: int | None, offsets: Offsets) -> list[Span]:
    """Return between which local times the events of a span of instants lie.

    Those that contradict themselves may lie anywhere. A short span has a stretch for
    each zone, for between those lies what is not asked for; none of them overlap.
    """
    if start is None or end is None or end - start > _SHORT:
        low = None if start is None else _lowest(offsets, start)
        high = None if end is None else _highest(offsets, end)
        return [(low, high)]
    rows = offsets(start // DAY, end // DAY)
    spans = sorted(
        (max(start, day * DAY) + low, min(end, (day + 1) * DAY - 1) + high)
        for day, low, high in rows
    )
    joined: list[tuple[int, int]] = []
    for low, high in spans:
        if joined and low <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((low, high))
    if len(joined) > _SPANS_MAX:
        return [(joined[0][0], joined[-1][1])]
    return list(joined)


def _lowest(offsets: Offsets, start: int) -> int:
    day = start // DAY
    rows = offsets(day, day + _DAYS_APART)
    found = [max(start, at * DAY) + low for at, low, _ in rows]
    return min([*found, (day + _DAYS_APART + 1) * DAY + ZONE_MIN])


def _highest(offsets: Offsets, end: int) -> int:
    day = end // DAY
    rows = offsets(day - _DAYS_APART, day)
    found = [min(end, (at + 1) * DAY - 1) + high for at, _, high in rows]
    return max([*found, (day - _DAYS_APART) * DAY + ZONE_MAX])
