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

from footfall.store.sqlite.statements import SQL

# So many bits of a row's number say where in a summary it lies.
SMALL, MIDDLE, LARGE = LEVELS = 8, 12, 16
Seen = Sequence[tuple[int, int]]


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
