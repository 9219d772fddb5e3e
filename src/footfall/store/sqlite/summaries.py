"""Summaries: what lets a read skip events that cannot be in its span.

- Of an organization's events among 256, 4,096 or 65,536 consecutive rows, the first and
  last instant are known, and which types there are.
- Of a UTC day, the UTC offsets of the organization's local times are known.

Both are outer bounds: an append widens them, an erasure leaves them.
"""

import functools
import operator
from collections.abc import Sequence

import apsw

from footfall.core.instants import DAY, MINUTE, ZONE_MAX, ZONE_MIN
from footfall.core.queries import EventQuery
from footfall.store.sqlite.statements import SQL

# So many bits of a row's number say where in a summary it lies.
SMALL, MIDDLE, LARGE = LEVELS = 8, 12, 16
# An event this many days from an instant lies on the same side of it in local time.
_DAYS_APART = 2
_QUARTER = 15 * MINUTE
# In a longer span, what zones lie apart is little; of more stretches, merging is much.
_SHORT = 2 * DAY
_SPANS_MAX = 8

Seen = Sequence[tuple[int, int]]
Span = tuple[int | None, int | None]


def add_summaries(
    connection: apsw.Connection, table: str, organization: int, first: int, seen: Seen
) -> None:
    """Take consecutive rows into their summaries.

    Args:
        connection: Inside the transaction that stores them.
        table: `event` or `withdrawal`.
        organization: Its number.
        first: The number of the first.
        seen: The type and the instant of each.
    """
    rows = []
    for shift in LEVELS:
        start, end = first, first + len(seen)
        while start < end:
            number = start >> shift
            stop = min(end, (number + 1) << shift)
            part = seen[start - first : stop - first]
            times = [created_at for _, created_at in part]
            bits = {1 << kind for kind, _ in part}
            types = functools.reduce(operator.or_, bits)
            rows.append((organization, shift, number, min(times), max(times), types))
            start = stop
    connection.executemany(SQL["widen_summary"].format(table=table), rows)


def offsets_of(times: Sequence[tuple[int, int]]) -> list[tuple[int, int, int, int]]:
    """Return (day, quarter, low, high) of events given as (created_at, local_at)."""
    found: dict[tuple[int, int], set[int]] = {}
    for created_at, local_at in times:
        offset = local_at - created_at
        if ZONE_MIN <= offset <= ZONE_MAX:
            place = (created_at // DAY, offset // _QUARTER)
            found.setdefault(place, set()).add(offset)
    return [(*place, min(offsets), max(offsets)) for place, offsets in found.items()]


def local_spans(
    connection: apsw.Connection, organization: int, query: EventQuery
) -> list[Span]:
    """Return between which local times the events of the query's span of instants lie.

    Those that contradict themselves may lie anywhere. A short span has a stretch for
    each zone, for between those lies what is not asked for; none of them overlap.
    """
    start, end = query.start_at, query.end_at
    if start is None or end is None or end - start > _SHORT:
        low = None if start is None else _lowest(connection, organization, start)
        high = None if end is None else _highest(connection, organization, end)
        return [(low, high)]
    rows = _offsets(connection, organization, start // DAY, end // DAY)
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


def _lowest(connection: apsw.Connection, organization: int, start: int) -> int:
    day = start // DAY
    rows = _offsets(connection, organization, day, day + _DAYS_APART)
    found = [max(start, at * DAY) + low for at, low, _ in rows]
    return min([*found, (day + _DAYS_APART + 1) * DAY + ZONE_MIN])


def _highest(connection: apsw.Connection, organization: int, end: int) -> int:
    day = end // DAY
    rows = _offsets(connection, organization, day - _DAYS_APART, day)
    found = [min(end, (at + 1) * DAY - 1) + high for at, _, high in rows]
    return max([*found, (day - _DAYS_APART) * DAY + ZONE_MAX])


def _offsets(
    connection: apsw.Connection, organization: int, first: int, last: int
) -> list[tuple[int, int, int]]:
    return list(connection.execute(SQL["offsets"], (organization, first, last)))
