"""Pages: a query as the merge of a few stretches of indexes.

SQLite merges the arms of a UNION ALL that are each in order, lazily, so a page costs
what it shows and not what is stored. Each arm is one stretch of one index:

- one for the organization or the contact, or one for each type that is asked for;
- a contact with many events, in an order that it has no index for: the local times of
  what can be on the page, and its events that contradict themselves;
- a span of instants in the order of local times: the stretch of local times in which
  such instants lie (of a short span one for each zone), and one for the events that
  contradict themselves;
- a span of instants, or types, in the order of arrival: the stretch of all arrivals,
  less those whose summary says that nothing of the kind is among them.

An organization's rows arrived in the order of their numbers, so inside a row's number
stands for its arrival (see `arrivals`).
"""

from typing import Any, Protocol

import apsw
import msgspec
from typing_extensions import override

from footfall.core.queries import EventQuery, Position, Sort
from footfall.store import Entries, Entry, Page
from footfall.store.relational.contact_spans import (
    MANY,
    Counting,
    enough,
    narrowed,
    span_within,
)
from footfall.store.relational.offsets import Offsets, local_spans, local_spans_of
from footfall.store.sqlite.arms import (
    Arm,
    arms_of,
    arms_of_contact,
    arms_of_many,
    of_types,
    order_of,
    ranges_of,
)
from footfall.store.sqlite.arrivals import arrival_of, rows_of
from footfall.store.sqlite.contact_arrivals import Candidates, find_stretch
from footfall.store.sqlite.statements import SQL

_BEYOND_ALL = 2**62
# So many events cost less with their positions than looked at again for the last one.
FEW = 200
# The key, number and length of each event of a small page.
_decoder = msgspec.json.Decoder(list[tuple[int, int, int]])


class Scope(msgspec.Struct, frozen=True):
    """Whose page: numbers of an organization and a contact, and its newest arrival."""

    organization: int
    newest: int
    contact: int | None


class Run(Protocol):
    """Runs a statement of a query by its name."""

    def __call__(self, name: str, *, opposite: bool = False) -> list[Any]:
        """Return its rows, perhaps in the order opposite to the query's."""


def read(
    connection: apsw.Connection,
    query: EventQuery,
    scope: Scope,
    after: Position | None,
    bound: int | None,
) -> Page:
    """Read a page; see `Store.page`. The caller holds the snapshot."""
    newest = scope.newest
    run = _prepared(connection, query, scope, after, bound)

    def position(row: Any) -> Position:
        arrival = arrival_of(connection, scope.organization, row[1])
        return Position(
            arrival if query.sort is Sort.RECEIVED_TIME else row[0], arrival
        )

    if query.size <= FEW:
        [(listed, body)] = run("few")
        rows = _decoder.decode(listed)
        shown = rows[: query.size]
        has_more = len(rows) > query.size
        if has_more:
            body = body[: -len(query.separator) - rows[-1][2]]
        last = position(shown[-1]) if shown else None
        return Page(len(shown), body or b"", last, has_more, newest)
    ends = run("ends")
    count, body = run("bodies")[0]
    if not ends and count:
        [last] = run("last", opposite=True)
        return Page(count, body, position(last), has_more=False, newest=newest)
    end = position(ends[0]) if ends else None
    return Page(count, body or b"", end, len(ends) > 1, newest)


def read_entries(
    connection: apsw.Connection,
    query: EventQuery,
    scope: Scope,
    after: int,
) -> Entries:
    """Read a part of the log; see `Store.entries`. The caller holds the snapshot."""
    run = _prepared(connection, query, scope, Position(after, after), None)
    found = [Entry(arrival, body) for arrival, body in run("entries")]
    full = len(found) == query.size
    return Entries(found, found[-1].arrival if full else scope.newest)


def _prepared(
    connection: apsw.Connection,
    query: EventQuery,
    scope: Scope,
    after: Position | None,
    bound: int | None,
) -> Run:
    """Return what runs a query's statements."""
    organization = scope.organization
    # All that the snapshot has, unless it is being copied into this store: an
    # organization has its arrivals once all of it is there.
    row, bound_row = 0, _BEYOND_ALL if scope.newest else 0
    if after is not None or bound is not None:
        since = 0 if after is None else after.arrival
        row, bound_row = rows_of(connection, organization, since, bound)
    if after is not None:
        after = Position(row if query.sort is Sort.RECEIVED_TIME else after.key, row)
    given = {"organization": organization, "contact": scope.contact}
    given["bound"] = bound_row

    def offsets(first: int, last: int) -> list[Any]:
        return list(connection.execute(SQL["offsets"], (organization, first, last)))

    arms = arms_of(query, local_spans(query, offsets))
    if _is_of_many(connection, query, scope):
        query, arms = _narrowed(connection, query, after, given, offsets)
    ranges, values = ranges_of(query, arms, after)
    values |= given

    def run(name: str, *, opposite: bool = False) -> list[Any]:
        order = order_of(query, arms, query.reverse is not opposite)
        sql = SQL[name].format(ranges=ranges, order=order)
        return connection.execute(sql, values).fetchall()

    return run


def _is_of_many(connection: apsw.Connection, query: EventQuery, scope: Scope) -> bool:
    """Tell whether all events of a contact are too many to sort for a page."""
    if query.contact is None or query.sort is Sort.BUSINESS_TIME:
        return False
    values = {"contact": scope.contact, "many": MANY}
    return connection.execute(SQL["has_many"], values).get is not None


class _OfContact(Counting):
    """Counts a contact's events, in the stretches in which a span of instants lies."""

    def __init__(
        self,
        connection: apsw.Connection,
        after: Position | None,
        conditions: tuple[str, ...],
        given: dict[str, Any],
        offsets: Offsets,
    ):
        self._connection = connection
        self._after = after
        self._conditions = conditions
        self._given = given
        self._offsets = offsets
        [self.ends] = connection.execute(SQL["ends_of_contact"], given)

    def arms(self, query: EventQuery) -> list[Arm]:
        local = local_spans_of(*span_within(query, self.ends), self._offsets)
        span = (query.start_at, query.end_at)
        return arms_of_many(self._conditions, local, span)

    @override
    def count(self, query: EventQuery) -> int:
        ranges, values = ranges_of(query, self.arms(query), self._after)
        values |= self._given | {"enough": enough(query.size)}
        sql = SQL["count_up_to"].format(ranges=ranges)
        return int(self._connection.execute(sql, values).get)

    @override
    def stride(self, query: EventQuery, local_at: int) -> int | None:
        sign, direction = ("<=", "DESC") if query.reverse else (">=", "ASC")
        sql = SQL["stride"].format(sign=sign, direction=direction)
        values = self._given | {"local_at": local_at, "size": query.size}
        found: int | None = self._connection.execute(sql, values).get
        return found


def _narrowed(
    connection: apsw.Connection,
    query: EventQuery,
    after: Position | None,
    given: dict[str, Any],
    offsets: Offsets,
) -> tuple[EventQuery, list[Arm]]:
    """Look for a page of a contact with many events where it can be."""
    of_contact = ("contact = :contact", *of_types(query))
    if query.sort is Sort.UTC_TIME:
        events = _OfContact(connection, after, of_contact, given, offsets)
        query = narrowed(query, after, events)
        return query, events.arms(query)
    first, last = 1, given["bound"]
    if last == _BEYOND_ALL:
        last = connection.execute(SQL["newest_row"]).get
    if after is not None:
        rows = (first, after.key - 1) if query.reverse else (after.key + 1, last)
        first, last = rows
    scope = Candidates(given["organization"], given["contact"], of_contact)
    stretch = find_stretch(connection, query, scope, (first, last), offsets)
    if stretch is None:
        return query, arms_of_contact(query)
    given |= {"first": stretch.first, "bound": stretch.last}
    of_contact = (*of_contact, "number >= :first")
    arms = arms_of_many(of_contact, stretch.local, (None, None))
    return query, [*arms, Arm("withdrawal_by_contact", of_contact)]
