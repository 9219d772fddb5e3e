"""A contact's arrivals: which of its many events can be on a page by arrival.

What arrives together mostly happened together: the summaries of the arrivals that a
page may reach tell between which instants their events lie, and the index of the
contact has those side by side. Where events arrived in no order this gains nothing, and
all of the contact's are sorted.
"""

import apsw
import msgspec

from footfall.core.queries import EventQuery
from footfall.store.relational.contact_spans import MANY, growing
from footfall.store.relational.offsets import Offsets, Span, local_spans_of
from footfall.store.sqlite.statements import SQL
from footfall.store.sqlite.summaries import LEVELS, SMALL


class Candidates(msgspec.Struct, frozen=True):
    """The events of a contact that a page may have, by what holds of them."""

    organization: int
    contact: int
    conditions: tuple[str, ...]


class Stretch(msgspec.Struct, frozen=True):
    """Consecutive rows, and between which local times their events lie."""

    first: int
    last: int
    local: list[Span]


def find_stretch(
    connection: apsw.Connection,
    query: EventQuery,
    scope: Candidates,
    rows: tuple[int, int],
    offsets: Offsets,
) -> Stretch | None:
    """Return rows that hold a page and one event more; None if that is not known.

    Args:
        connection: With the snapshot.
        query: Which events of the contact.
        scope: Whose they are.
        rows: The first and the last row that the page may have.
        offsets: The organization's; see `local_spans_of`.
    """
    first, last = rows
    # Where fewer are found among so many, instants do not tell arrivals apart.
    most = MANY + 4 * query.size
    for reach in growing(max(1 << SMALL, 2 * query.size)):
        low = max(first, last - reach + 1) if query.reverse else first
        high = last if query.reverse else min(last, first + reach - 1)
        ended = high - low == last - first
        local = _local_spans(
            connection, query, scope.organization, (low, high), offsets
        )
        candidates, found = _count(
            connection, query, scope, Stretch(low, high, local), most
        )
        if found > query.size or (ended and candidates < most):
            return Stretch(low, high, local)
        if ended or candidates == most:
            break
    return None


def _local_spans(
    connection: apsw.Connection,
    query: EventQuery,
    organization: int,
    rows: tuple[int, int],
    offsets: Offsets,
) -> list[Span]:
    shift = next(
        (one for one in LEVELS if (rows[1] - rows[0]) >> one < 1 << SMALL), LEVELS[-1]
    )
    values = (organization, shift, rows[0] >> shift, rows[1] >> shift)
    [(start, end)] = connection.execute(SQL["instants_of_rows"], values)
    if start is None:
        return []
    start = start if query.start_at is None else max(start, query.start_at)
    end = end if query.end_at is None else min(end, query.end_at)
    return local_spans_of(start, end, offsets) if start <= end else []


def _count(
    connection: apsw.Connection,
    query: EventQuery,
    scope: Candidates,
    stretch: Stretch,
    most: int,
) -> tuple[int, int]:
    """Return how many events there are to look at, and how many of them are in rows."""
    if not stretch.local:
        return 0, 0
    values: dict[str, int | None] = {"contact": scope.contact, "most": most}
    values |= {"first": stretch.first, "last": stretch.last}
    values |= {"start": query.start_at, "end": query.end_at}
    conditions = " AND ".join(scope.conditions)
    arms = []
    for number, (low, high) in enumerate(stretch.local):
        values |= {f"low{number}": low, f"high{number}": high}
        arms.append(SQL["candidates"].format(number=number, conditions=conditions))
    sql = SQL["count_candidates"].format(arms=" UNION ALL ".join(arms))
    [(candidates, found)] = connection.execute(sql, values)
    return candidates, found
