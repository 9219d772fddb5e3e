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

from collections.abc import Callable
from typing import Any

import apsw
import msgspec

from footfall.core import instants
from footfall.core.events.types import TYPES
from footfall.core.queries import EventQuery, Position, Sort
from footfall.store import Entries, Entry, Page
from footfall.store.relational.contact_spans import MANY, enough, narrowed, span_within
from footfall.store.relational.offsets import (
    Offsets,
    Span,
    local_spans,
    local_spans_of,
)
from footfall.store.sqlite.arrivals import arrival_of, rows_of
from footfall.store.sqlite.contact_arrivals import Candidates, find_stretch
from footfall.store.sqlite.statements import SQL
from footfall.store.sqlite.summaries import LARGE, MIDDLE, SMALL

_CONTRADICTS = (
    f"local_at - created_at NOT BETWEEN {instants.ZONE_MIN} AND {instants.ZONE_MAX}"
)
_KEYS = {
    Sort.BUSINESS_TIME: "local_at",
    Sort.UTC_TIME: "created_at",
    Sort.RECEIVED_TIME: "number",
}


_BEYOND_ALL = 2**62
# So many bodies cost less as rows than joined into one blob.
FEW = 200


class _Arm(msgspec.Struct, frozen=True):
    """One stretch: an index, what else holds there, and the keys between which.

    The index is named for its table: `event_by_utc`. With `summaries`, what must hold
    of one is said there, and all others are skipped. `local` bounds the local times,
    where these are not the key.
    """

    index: str
    conditions: tuple[str, ...]
    low: int | None = None
    high: int | None = None
    summaries: tuple[str, ...] = ()
    local: Span = (None, None)


class Scope(msgspec.Struct, frozen=True):
    """Whose page: numbers of an organization and a contact, and its newest arrival."""

    organization: int
    newest: int
    contact: int | None


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

    def position(row: list[Any]) -> Position:
        arrival = arrival_of(connection, scope.organization, row[1])
        return Position(
            arrival if query.sort is Sort.RECEIVED_TIME else row[0], arrival
        )

    if query.size <= FEW:
        rows = run("rows")
        shown = rows[: query.size]
        body = query.separator.encode().join([row[2] for row in shown])
        last = position(shown[-1]) if shown else None
        return Page(len(shown), body, last, len(rows) > query.size, newest)
    ends = run("ends")
    count, body = run("bodies")[0]
    if not ends and count:
        [last] = run("last")
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
) -> Callable[[str], list[Any]]:
    """Return what runs a query's statements by name."""
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

    arms = _arms(query, local_spans(query, offsets))
    if _is_of_many(connection, query, scope):
        query, arms = _narrowed(connection, query, after, given, offsets)
    ranges, values = _ranges(query, arms, after)
    values |= given
    order = _order(query, arms, query.reverse)
    opposite = _order(query, arms, not query.reverse)

    def run(name: str) -> list[Any]:
        sql = SQL[name].format(ranges=ranges, order=order, opposite=opposite)
        return list(connection.execute(sql, values))

    return run


def _is_of_many(connection: apsw.Connection, query: EventQuery, scope: Scope) -> bool:
    """Tell whether all events of a contact are too many to sort for a page."""
    if query.contact is None or query.sort is Sort.BUSINESS_TIME:
        return False
    values = {"contact": scope.contact, "many": MANY}
    return connection.execute(SQL["has_many"], values).get is not None


class _OfContact:
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

    def arms(self, query: EventQuery) -> list[_Arm]:
        local = local_spans_of(*span_within(query, self.ends), self._offsets)
        span = (query.start_at, query.end_at)
        return _arms_of_many(self._conditions, local, span)

    def count(self, query: EventQuery) -> int:
        ranges, values = _ranges(query, self.arms(query), self._after)
        values |= self._given | {"enough": enough(query.size)}
        sql = SQL["count_up_to"].format(ranges=ranges)
        return int(self._connection.execute(sql, values).get)

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
) -> tuple[EventQuery, list[_Arm]]:
    """Look for a page of a contact with many events where it can be."""
    of_contact = ("contact = :contact", *_of_types(query))
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
        return query, _arms_of_contact(query)
    given |= {"first": stretch.first, "bound": stretch.last}
    of_contact = (*of_contact, "number >= :first")
    arms = _arms_of_many(of_contact, stretch.local, (None, None))
    return query, [*arms, _Arm("withdrawal_by_contact", of_contact)]


def _order(query: EventQuery, arms: list[_Arm], reverse: bool) -> str:  # noqa: FBT001  a direction
    """Write the order; by arrival, a second term would make SQLite sort."""
    direction = "DESC" if reverse else "ASC"
    options = ["key", "number"]
    if query.sort is Sort.RECEIVED_TIME:
        options = (
            ["outside", "middle", "inside", "key"] if arms[0].summaries else ["key"]
        )
    return ", ".join(f"{term} {direction}" for term in options)


def _ranges(
    query: EventQuery, arms: list[_Arm], after: Position | None
) -> tuple[str, dict[str, Any]]:
    """Write the arms as SQL, with the values that they name."""
    key = _KEYS[query.sort]
    values: dict[str, Any] = {
        "start": query.start_at,
        "end": query.end_at,
        "size": query.size,
        "separator": query.separator.value,
    }
    if after is not None:
        values |= {"after_key": after.key, "after_number": after.arrival}
    parts = []
    for number, arm in enumerate(arms):
        table = arm.index.partition("_")[0]
        values |= {f"low{number}": arm.low, f"high{number}": arm.high}
        first, last = arm.local
        values |= {f"first{number}": first, f"last{number}": last}
        conditions = [
            *arm.conditions,
            *_between(query, key, arm, after, number),
            *([] if first is None else [f"local_at >= :first{number}"]),
            *([] if last is None else [f"local_at <= :last{number}"]),
            *_remaining(query, key, table),
        ]
        parts.append(
            SQL["skipping" if arm.summaries else "range"].format(
                key=key,
                table=table,
                index=arm.index,
                outside=_of_summaries(query, arm, after, "outside", LARGE),
                middle=_of_summaries(query, arm, after, "middle", MIDDLE),
                inside=_of_summaries(query, arm, after, "inside", SMALL),
                conditions=" AND ".join(conditions),
            )
        )
    return " UNION ALL ".join(parts), values


def _arms(query: EventQuery, local: list[Span]) -> list[_Arm]:
    """Choose the stretches that together hold the query's events.

    Args:
        query: What is asked for.
        local: Between which local times its span of instants lies: some stretches.
    """
    types = query.types if len(query.types) < len(TYPES) else ()
    of_types = _of_types(query)
    if query.contact is not None:
        return _arms_of_contact(query)
    if query.sort is Sort.RECEIVED_TIME:
        return _arms_by_arrival(query, types, of_types)
    inside: tuple[str, ...] = ("organization = :organization",)
    spanned = query.start_at is not None or query.end_at is not None
    utc = query.sort is Sort.UTC_TIME
    index = "event_by_utc" if utc else "event_by_local"
    scopes = [(index, inside)]
    if types:
        index = index.replace("_by_", "_by_type_")
        scopes = [(index, (*inside, f"type = {number}")) for number in types]
    if utc:
        span = (query.start_at, query.end_at)
        return [_Arm(*scope, *span) for scope in scopes]
    if not spanned:
        return [_Arm(*scope) for scope in scopes]
    return [
        *(
            _Arm(index, (*conditions, f"NOT ({_CONTRADICTS})"), *span)
            for index, conditions in scopes
            for span in local
        ),
        _Arm("event_contradicting", (*inside, *of_types, _CONTRADICTS)),
    ]


def _of_types(query: EventQuery) -> tuple[str, ...]:
    if not 0 < len(query.types) < len(TYPES):
        return ()
    return (f"type IN ({', '.join(map(str, query.types))})",)


def _arms_of_contact(query: EventQuery) -> list[_Arm]:
    utc = query.sort is Sort.UTC_TIME
    span = (query.start_at, query.end_at) if utc else (None, None)
    of_contact = ("contact = :contact", *_of_types(query))
    found = [_Arm("event_by_contact", of_contact, *span)]
    if query.sort is Sort.RECEIVED_TIME:
        found.append(_Arm("withdrawal_by_contact", of_contact))
    return found


def _arms_of_many(
    of_contact: tuple[str, ...], local: list[Span], span: Span
) -> list[_Arm]:
    agreeing = (*of_contact, f"NOT ({_CONTRADICTS})")
    contradicting = (*of_contact, _CONTRADICTS)
    return [
        *(_Arm("event_by_contact", agreeing, *span, local=one) for one in local),
        _Arm("event_contradicting_by_contact", contradicting, *span),
    ]


def _arms_by_arrival(
    query: EventQuery, types: tuple[int, ...], of_types: tuple[str, ...]
) -> list[_Arm]:
    """Choose the log of arrivals, which also announces what no longer holds."""
    summaries = []
    if query.start_at is not None:
        summaries.append("{summary}.last_at >= :start")
    if query.end_at is not None:
        summaries.append("{summary}.first_at <= :end")
    if types:
        bits = sum(1 << number for number in types)
        summaries.append(f"{{summary}}.types & {bits}")
    return [
        _Arm(
            f"{table}_by_arrival",
            (f"{table}.organization = :organization", *of_types),
            summaries=tuple(summaries),
        )
        for table in ("event", "withdrawal")
    ]


def _of_summaries(
    query: EventQuery, arm: _Arm, after: Position | None, name: str, shift: int
) -> str:
    """Write which summaries may be of something."""
    conditions = [condition.format(summary=name) for condition in arm.summaries]
    if after is not None:
        sign = "<=" if query.reverse else ">="
        conditions.append(f"{name}.number {sign} :after_number >> {shift}")
    if after is None or not query.reverse:
        conditions.append(f"{name}.number <= :bound >> {shift}")
    return " AND ".join(conditions)


def _between(
    query: EventQuery, key: str, arm: _Arm, after: Position | None, number: int
) -> list[str]:
    """Bound the key on each side once: with two bounds SQLite seeks to the first."""
    low = [] if arm.low is None else [f"{key} >= :low{number}"]
    high = [] if arm.high is None else [f"{key} <= :high{number}"]
    if after is None:
        return low + high
    sign = "<" if query.reverse else ">"
    if query.sort is Sort.RECEIVED_TIME:
        table = arm.index.partition("_")[0]
        beyond = [f"{table}.number {sign} :after_number"]
    else:
        beyond = [f"({key}, number) {sign} (:after_key, :after_number)"]
    if query.reverse:
        passed = arm.high is None or after.key <= arm.high
        return low + (beyond if passed else high)
    passed = arm.low is None or after.key >= arm.low
    return (beyond if passed else low) + high


def _remaining(query: EventQuery, key: str, table: str) -> list[str]:
    """What the index's order cannot bound, checked on each of its entries."""
    conditions = [f"{table}.number <= :bound"]
    if key != "created_at":
        if query.start_at is not None:
            conditions.append("created_at >= :start")
        if query.end_at is not None:
            conditions.append("created_at <= :end")
    return conditions
