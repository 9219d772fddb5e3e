"""Pages: a query as the merge of a few stretches of indexes.

PostgreSQL merges the arms of a UNION ALL that are each in order, lazily, so a page
costs what it shows and not what is stored. Each arm is one stretch of one index; the
arms are those of SQLite's pages, but that types by arrival have an index.

A contact's page in an order that only the organization has an index for is sorted, or
found among what others have in that order: whichever reads less.
"""

import math
from typing import Any

import msgspec

from footfall.core.events.types import TYPES
from footfall.core.queries import EventQuery, Position, Sort
from footfall.store import Entries, Entry, Page
from footfall.store.postgres.connections import Connection
from footfall.store.postgres.statements import SQL
from footfall.store.relational.contact_spans import MANY
from footfall.store.relational.offsets import CONTRADICTS, Span, local_spans

_KEYS = {
    Sort.BUSINESS_TIME: "local_at",
    Sort.UTC_TIME: "created_at",
    Sort.RECEIVED_TIME: "arrival",
}


class _Arm(msgspec.Struct, frozen=True):
    """A stretch: a table, what holds there, and the keys between which."""

    table: str = "event"
    conditions: tuple[str, ...] = ()
    low: int | None = None
    high: int | None = None


class Scope(msgspec.Struct, frozen=True):
    """Whose page: numbers of an organization and a contact, and its newest arrival."""

    organization: int
    newest: int
    contact: int | None


def read(
    connection: Connection,
    query: EventQuery,
    scope: Scope,
    after: Position | None,
    bound: int | None,
) -> Page:
    """Read a page; see `Store.page`."""
    rows = _rows(connection, query, scope, after, bound)
    shown = rows[: query.size]
    if not shown:
        return Page(0, b"", None, has_more=False, newest=scope.newest)
    body = query.separator.encode().join([row[2] for row in shown])
    last = Position(*shown[-1][:2])
    return Page(len(shown), body, last, len(rows) > query.size, scope.newest)


def read_entries(
    connection: Connection, query: EventQuery, scope: Scope, after: int
) -> Entries:
    """Read a part of the log; see `Store.entries`."""
    rows = _rows(connection, query, scope, Position(after, after), None)
    found = [Entry(arrival, body) for _, arrival, body in rows[: query.size]]
    end = found[-1].arrival if len(rows) > query.size else scope.newest
    return Entries(found, end)


def _rows(
    connection: Connection,
    query: EventQuery,
    scope: Scope,
    after: Position | None,
    bound: int | None,
) -> list[Any]:
    """Return the key, arrival and body of a page's events and of the next one."""
    organization, newest = scope.organization, scope.newest

    def offsets(first: int, last: int) -> list[Any]:
        values = {"organization": organization, "first": first, "last": last}
        return connection.execute(SQL["offsets"], values, binary=True).fetchall()

    arms = _arms(query, local_spans(query, offsets))
    values: dict[str, Any] = {
        "organization": organization,
        "contact": scope.contact,
        "bound": newest if bound is None else min(bound, newest),
        "start": query.start_at,
        "end": query.end_at,
    }
    if after is not None:
        values |= {"after_key": after.key, "after_arrival": after.arrival}
    arm_sql = SQL["arm"]
    if _is_sorted(connection, query, scope):
        arm_sql = SQL["sorted_arm"]
    direction = "DESC" if query.reverse else "ASC"
    # By arrival the key alone is the order; a second term would make a sort of it.
    terms = ["key"] if query.sort is Sort.RECEIVED_TIME else ["key", "arrival"]
    order = ", ".join(f"{term} {direction}" for term in terms)
    parts = []
    for number, arm in enumerate(arms):
        values |= {f"low{number}": arm.low, f"high{number}": arm.high}
        parts.append(
            arm_sql.format(
                key=_KEYS[query.sort],
                table=arm.table,
                conditions=" AND ".join(
                    [*arm.conditions, *_bounds(query, arm, number, after)]
                ),
                order=order,
                size=query.size,
            )
        )
    sql = SQL["page"].format(
        arms=" UNION ALL ".join(parts), order=order, size=query.size
    )
    return connection.execute(sql, values, binary=True).fetchall()


def _is_sorted(connection: Connection, query: EventQuery, scope: Scope) -> bool:
    """Tell whether all events of the contact are fewer than a page would pass over.

    A contact with one of n events of the organization has one of n in each order.
    """
    if query.contact is None or query.sort is Sort.BUSINESS_TIME:
        return False
    values = {
        "organization": scope.organization,
        "contact": scope.contact,
        "many": max(MANY, math.isqrt(query.size * scope.newest)),
    }
    found = connection.execute(SQL["has_many"], values, binary=True)
    return found.fetchone() is None


def _arms(query: EventQuery, local: list[Span]) -> list[_Arm]:
    """Choose the stretches that together hold the query's events."""
    types = query.types if len(query.types) < len(TYPES) else ()
    of_types = (f"type IN ({', '.join(map(str, types))})",) if types else ()
    span: Span = (None, None)
    if query.sort is Sort.UTC_TIME:
        span = (query.start_at, query.end_at)
    if query.contact is not None:
        scopes = [("contact = %(contact)b", *of_types)]
    elif types:
        scopes = [(f"type = {number}",) for number in types]
    else:
        scopes = [()]
    arms = [_Arm("event", scope, *span) for scope in scopes]
    if query.sort is Sort.RECEIVED_TIME:
        of_contact = () if query.contact is None else ("contact = %(contact)b",)
        return [*arms, _Arm("withdrawal", (*of_contact, *of_types))]
    spanned = query.start_at is not None or query.end_at is not None
    if query.sort is Sort.UTC_TIME or query.contact is not None or not spanned:
        return arms
    return [
        *(
            _Arm("event", (*scope, f"NOT ({CONTRADICTS})"), *span)
            for scope in scopes
            for span in local
        ),
        _Arm("event", (*of_types, CONTRADICTS)),
    ]


def _bounds(
    query: EventQuery, arm: _Arm, number: int, after: Position | None
) -> list[str]:
    """Write from where to where the arm's key goes, and what its index cannot bound."""
    key, sign = _KEYS[query.sort], "<" if query.reverse else ">"
    conditions = ["arrival <= %(bound)b"]
    if arm.low is not None:
        conditions.append(f"{key} >= %(low{number})b")
    if arm.high is not None:
        conditions.append(f"{key} <= %(high{number})b")
    if after is not None and query.sort is Sort.RECEIVED_TIME:
        conditions.append(f"arrival {sign} %(after_arrival)b")
    elif after is not None:
        beyond = f"({key}, arrival) {sign} (%(after_key)b, %(after_arrival)b)"
        conditions.append(beyond)
    if key != "created_at":
        if query.start_at is not None:
            conditions.append("created_at >= %(start)b")
        if query.end_at is not None:
            conditions.append("created_at <= %(end)b")
    return conditions
