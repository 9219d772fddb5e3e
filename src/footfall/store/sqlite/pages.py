"""Pages: a query as the merge of a few stretches of indexes.

SQLite merges the arms of a UNION ALL that are each in order, lazily, so a page costs
what it shows and not what is stored. Each arm is one stretch of one index:

- one for the organization or the contact, or one for each type that is asked for;
- a span of instants in the order of local times: the stretch of local times in which
  such instants lie, and one for the events that contradict themselves.
"""

from typing import Any

import apsw
import msgspec

from footfall.core import instants
from footfall.core.events import TYPES
from footfall.core.queries import EventQuery, Place, Sort
from footfall.store import Page
from footfall.store.sqlite.statements import SQL

_CONTRADICTS = (
    f"local_at - created_at NOT BETWEEN {instants.ZONE_MIN} AND {instants.ZONE_MAX}"
)
_KEYS = {
    Sort.BUSINESS_TIME: "local_at",
    Sort.UTC_TIME: "created_at",
    Sort.RECEIVED_TIME: "arrival",
}


class _Arm(msgspec.Struct, frozen=True):
    """One stretch: an index, what else holds there, and the keys between which.

    The index is named for its table: `event_by_utc`.
    """

    index: str
    conditions: tuple[str, ...]
    low: int | None = None
    high: int | None = None


def read(
    connection: apsw.Connection,
    query: EventQuery,
    organization: int,
    contact: int | None,
    after: Place | None,
    bound: int | None,
) -> Page:
    """Read a page; see `Store.page`. The caller holds the snapshot."""
    newest = int(connection.execute(SQL["newest"]).get)
    bound = newest if bound is None else min(bound, newest)
    ranges, values = _ranges(query, organization, contact, after, bound)
    order = _order(query, query.reverse)
    opposite = _order(query, not query.reverse)

    def run(name: str) -> list[Any]:
        sql = SQL[name].format(ranges=ranges, order=order, opposite=opposite)
        return list(connection.execute(sql, values))

    ends = run("ends")
    count, body = run("bodies")[0]
    if not ends and count:
        ends = run("last")
        return Page(count, body, Place(*ends[0]), has_more=False, newest=newest)
    last = Place(*ends[0]) if ends else None
    return Page(count, body or b"", last, len(ends) > 1, newest)


def _order(query: EventQuery, reverse: bool) -> str:  # noqa: FBT001  a direction
    """Write the order; by arrival, a second term would make SQLite sort."""
    direction = "DESC" if reverse else "ASC"
    if query.sort is Sort.RECEIVED_TIME:
        return f"key {direction}"
    return f"key {direction}, arrival {direction}"


def _ranges(
    query: EventQuery,
    organization: int,
    contact: int | None,
    after: Place | None,
    bound: int,
) -> tuple[str, dict[str, Any]]:
    """Write the arms as SQL, with the values that they name."""
    key = _KEYS[query.sort]
    values: dict[str, Any] = {
        "organization": organization,
        "contact": contact,
        "start": query.start_at,
        "end": query.end_at,
        "bound": bound,
        "size": query.size,
    }
    if after is not None:
        values |= {"after_key": after.key, "after_arrival": after.arrival}
    parts = []
    for number, arm in enumerate(_arms(query)):
        values |= {f"low{number}": arm.low, f"high{number}": arm.high}
        conditions = [
            *arm.conditions,
            *_between(query, key, arm, after, number),
            *_remaining(query, key),
        ]
        parts.append(
            SQL["range"].format(
                key=key,
                table=arm.index.partition("_")[0],
                index=arm.index,
                conditions=" AND ".join(conditions),
            )
        )
    return " UNION ALL ".join(parts), values


def _arms(query: EventQuery) -> list[_Arm]:
    """Choose the stretches that together hold the query's events."""
    types = query.types if len(query.types) < len(TYPES) else ()
    of_types = (f"type IN ({', '.join(map(str, types))})",) if types else ()
    utc = query.sort is Sort.UTC_TIME
    span = (query.start_at, query.end_at) if utc else (None, None)
    if query.contact is not None:
        of_contact = ("contact = :contact", *of_types)
        found = [_Arm("event_by_contact", of_contact, *span)]
        if query.sort is Sort.RECEIVED_TIME:
            found.append(_Arm("withdrawal_by_contact", of_contact))
        return found
    inside: tuple[str, ...] = ("organization = :organization",)
    if query.sort is Sort.RECEIVED_TIME:
        # The log of arrivals also announces what no longer holds.
        return [
            _Arm(f"{table}_by_arrival", inside + of_types)
            for table in ("event", "withdrawal")
        ]
    index = "event_by_utc" if utc else "event_by_local"
    scopes = [(index, inside)]
    if types:
        index = index.replace("_by_", "_by_type_")
        scopes = [(index, (*inside, f"type = {number}")) for number in types]
    if utc or (query.start_at is None and query.end_at is None):
        return [_Arm(index, conditions, *span) for index, conditions in scopes]
    low = None if query.start_at is None else query.start_at + instants.ZONE_MIN
    high = None if query.end_at is None else query.end_at + instants.ZONE_MAX
    return [
        *(
            _Arm(index, (*conditions, f"NOT ({_CONTRADICTS})"), low, high)
            for index, conditions in scopes
        ),
        _Arm("event_contradicting", (*inside, *of_types, _CONTRADICTS)),
    ]


def _between(
    query: EventQuery, key: str, arm: _Arm, after: Place | None, number: int
) -> list[str]:
    """Bound the key on each side once: with two bounds SQLite seeks to the first."""
    low = [] if arm.low is None else [f"{key} >= :low{number}"]
    high = [] if arm.high is None else [f"{key} <= :high{number}"]
    if after is None:
        return low + high
    sign = "<" if query.reverse else ">"
    if query.sort is Sort.RECEIVED_TIME:
        beyond = [f"arrival {sign} :after_arrival"]
    else:
        beyond = [f"({key}, arrival) {sign} (:after_key, :after_arrival)"]
    if query.reverse:
        passed = arm.high is None or after.key <= arm.high
        return low + (beyond if passed else high)
    passed = arm.low is None or after.key >= arm.low
    return (beyond if passed else low) + high


def _remaining(query: EventQuery, key: str) -> list[str]:
    """What the index's order cannot bound, checked on each of its entries."""
    conditions = ["arrival <= :bound"]
    if key != "created_at":
        if query.start_at is not None:
            conditions.append("created_at >= :start")
        if query.end_at is not None:
            conditions.append("created_at <= :end")
    return conditions
