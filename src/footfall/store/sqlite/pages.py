"""Pages: a query as the merge of a few stretches of indexes.

SQLite merges the arms of a UNION ALL that are each in order, lazily, so a page costs
what it shows and not what is stored. Each arm is one stretch of one index:

- one for the organization or the contact, or one for each type that is asked for;
- a span of instants in the order of local times: the stretch of local times in which
  such instants lie (of a short span one for each zone), and one for the events that
  contradict themselves;
- a span of instants, or types, in the order of arrival: the stretch of all arrivals,
  less the blocks in which there is nothing of the kind (see `summaries`).
"""

from typing import Any

import apsw
import msgspec

from footfall.core import instants
from footfall.core.events import TYPES
from footfall.core.queries import EventQuery, Position, Sort
from footfall.store import Page
from footfall.store.sqlite.statements import SQL
from footfall.store.sqlite.summaries import BLOCK, LARGE_BLOCK, Span, local_spans

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

    The index is named for its table: `event_by_utc`. With `blocks`, what must hold of
    a block is said there, and all others are skipped.
    """

    index: str
    conditions: tuple[str, ...]
    low: int | None = None
    high: int | None = None
    blocks: tuple[str, ...] = ()


def read(
    connection: apsw.Connection,
    query: EventQuery,
    organization: int,
    contact: int | None,
    after: Position | None,
    bound: int | None,
) -> Page:
    """Read a page; see `Store.page`. The caller holds the snapshot."""
    newest = int(connection.execute(SQL["newest"]).get)
    bound = newest if bound is None else min(bound, newest)
    arms = _arms(query, _local_spans(connection, organization, query))
    ranges, values = _ranges(query, arms, after)
    values |= {"organization": organization, "contact": contact, "bound": bound}
    order = _order(query, arms, query.reverse)
    opposite = _order(query, arms, not query.reverse)

    def run(name: str) -> list[Any]:
        sql = SQL[name].format(ranges=ranges, order=order, opposite=opposite)
        return list(connection.execute(sql, values))

    ends = [Position(*row[:2]) for row in run("ends")]
    count, body = run("bodies")[0]
    if not ends and count:
        [last] = run("last")
        return Page(count, body, Position(*last[:2]), has_more=False, newest=newest)
    return Page(count, body or b"", ends[0] if ends else None, len(ends) > 1, newest)


def _local_spans(
    connection: apsw.Connection, organization: int, query: EventQuery
) -> list[Span]:
    if query.sort is not Sort.BUSINESS_TIME or query.contact is not None:
        return []
    return local_spans(connection, organization, query)


def _order(query: EventQuery, arms: list[_Arm], reverse: bool) -> str:  # noqa: FBT001  a direction
    """Write the order; by arrival, a second term would make SQLite sort."""
    direction = "DESC" if reverse else "ASC"
    options = ["key", "arrival"]
    if query.sort is Sort.RECEIVED_TIME:
        options = ["outside", "inside", "key"] if arms[0].blocks else ["key"]
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
    }
    if after is not None:
        values |= {"after_key": after.key, "after_arrival": after.arrival}
    parts = []
    for number, arm in enumerate(arms):
        values |= {f"low{number}": arm.low, f"high{number}": arm.high}
        conditions = [
            *arm.conditions,
            *_between(query, key, arm, after, number),
            *_remaining(query, key),
        ]
        parts.append(
            SQL["skipping" if arm.blocks else "range"].format(
                key=key,
                table=arm.index.partition("_")[0],
                index=arm.index,
                outside=_of_blocks(query, arm, after, "outside", LARGE_BLOCK),
                inside=_of_blocks(query, arm, after, "inside", BLOCK),
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
    of_types = (f"type IN ({', '.join(map(str, types))})",) if types else ()
    if query.contact is not None:
        return _arms_of_contact(query, of_types)
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


def _arms_of_contact(query: EventQuery, of_types: tuple[str, ...]) -> list[_Arm]:
    utc = query.sort is Sort.UTC_TIME
    span = (query.start_at, query.end_at) if utc else (None, None)
    of_contact = ("contact = :contact", *of_types)
    found = [_Arm("event_by_contact", of_contact, *span)]
    if query.sort is Sort.RECEIVED_TIME:
        found.append(_Arm("withdrawal_by_contact", of_contact))
    return found


def _arms_by_arrival(
    query: EventQuery, types: tuple[int, ...], of_types: tuple[str, ...]
) -> list[_Arm]:
    """Choose the log of arrivals, which also announces what no longer holds."""
    blocks = []
    if query.start_at is not None:
        blocks.append("{block}.last_at >= :start")
    if query.end_at is not None:
        blocks.append("{block}.first_at <= :end")
    if types:
        blocks.append(f"{{block}}.types & {sum(1 << number for number in types)}")
    return [
        _Arm(
            f"{table}_by_arrival",
            (f"{table}.organization = :organization", *of_types),
            blocks=tuple(blocks),
        )
        for table in ("event", "withdrawal")
    ]


def _of_blocks(
    query: EventQuery, arm: _Arm, after: Position | None, block: str, shift: int
) -> str:
    """Write which blocks may hold something."""
    conditions = [condition.format(block=block) for condition in arm.blocks]
    if after is not None:
        sign = "<=" if query.reverse else ">="
        conditions.append(f"{block}.number {sign} :after_arrival >> {shift}")
    if after is None or not query.reverse:
        conditions.append(f"{block}.number <= :bound >> {shift}")
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
