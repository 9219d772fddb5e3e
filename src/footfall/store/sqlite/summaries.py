"""Summaries: what lets a read skip events that cannot be in its span.

- A *block* is 256 or 65,536 consecutive arrivals. Of an organization's events in it the
  first and last instant are known, and which types there are.
- Of a UTC day, the least and the greatest UTC offset of the organization's local times
  are known.

Both are outer bounds: an append widens them, an erasure leaves them.
"""

import functools
import operator
from collections.abc import Sequence

import apsw

from footfall.core.instants import DAY, ZONE_MAX, ZONE_MIN
from footfall.core.queries import EventQuery
from footfall.store.sqlite.statements import SQL

BLOCK, LARGE_BLOCK = 8, 16
# An event this many days from an instant lies on the same side of it in local time.
_DAYS_APART = 2

Seen = Sequence[tuple[int, int]]


def add_blocks(
    connection: apsw.Connection, table: str, organization: int, arrival: int, seen: Seen
) -> None:
    """Take rows of consecutive arrivals into their blocks.

    Args:
        connection: Inside the transaction that stores them.
        table: `event` or `withdrawal`.
        organization: Its number.
        arrival: That of the first.
        seen: The type and the instant of each.
    """
    rows = []
    for shift in (BLOCK, LARGE_BLOCK):
        start, end = arrival, arrival + len(seen)
        while start < end:
            number = start >> shift
            stop = min(end, (number + 1) << shift)
            part = seen[start - arrival : stop - arrival]
            times = [created_at for _, created_at in part]
            bits = {1 << kind for kind, _ in part}
            types = functools.reduce(operator.or_, bits)
            rows.append((organization, shift, number, min(times), max(times), types))
            start = stop
    connection.executemany(SQL["widen_block"].format(table=table), rows)


def offsets_of(times: Sequence[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Return (day, low, high) of events given as (created_at, local_at)."""
    found: dict[int, set[int]] = {}
    for created_at, local_at in times:
        offset = local_at - created_at
        if ZONE_MIN <= offset <= ZONE_MAX:
            found.setdefault(created_at // DAY, set()).add(offset)
    return [(day, min(offsets), max(offsets)) for day, offsets in found.items()]


def local_span(
    connection: apsw.Connection, organization: int, query: EventQuery
) -> tuple[int | None, int | None]:
    """Return between which local times the events of the query's span of instants lie.

    Those that contradict themselves may lie anywhere.
    """
    low = high = None
    if query.start_at is not None:
        day = query.start_at // DAY
        later = _offsets(connection, organization, day, day + _DAYS_APART)
        low = (day + _DAYS_APART + 1) * DAY + ZONE_MIN
        for at, least, _ in later:
            low = min(low, max(query.start_at, at * DAY) + least)
    if query.end_at is not None:
        day = query.end_at // DAY
        earlier = _offsets(connection, organization, day - _DAYS_APART, day)
        high = (day - _DAYS_APART) * DAY + ZONE_MAX
        for at, _, most in earlier:
            high = max(high, min(query.end_at, (at + 1) * DAY - 1) + most)
    return low, high


def _offsets(
    connection: apsw.Connection, organization: int, first: int, last: int
) -> list[tuple[int, int, int]]:
    return list(connection.execute(SQL["offsets"], (organization, first, last)))
