"""Arms: the stretches of indexes of which a page is the merge; see `pages`."""

from typing import Any

import msgspec

from footfall.core.events.types import TYPES
from footfall.core.queries import EventQuery, Position, Sort
from footfall.store.relational.offsets import CONTRADICTS, Span
from footfall.store.sqlite.statements import SQL
from footfall.store.sqlite.summaries import LARGE, MIDDLE, SMALL

KEYS = {
    Sort.BUSINESS_TIME: "local_at",
    Sort.UTC_TIME: "created_at",
    Sort.RECEIVED_TIME: "number",
}

_LEVELS = (("outside", LARGE), ("middle", MIDDLE), ("inside", SMALL))


class Arm(msgspec.Struct, frozen=True):
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


def order_of(query: EventQuery, arms: list[Arm], reverse: bool) -> str:  # noqa: FBT001  a direction
    """Write the order; by arrival, a second term would make SQLite sort."""
    direction = "DESC" if reverse else "ASC"
    options = ["key", "number"]
    if query.sort is Sort.RECEIVED_TIME:
        options = (
            ["outside", "middle", "inside", "key"] if arms[0].summaries else ["key"]
        )
    return ", ".join(f"{term} {direction}" for term in options)


def ranges_of(
    query: EventQuery, arms: list[Arm], after: Position | None
) -> tuple[str, dict[str, Any]]:
    """Write the arms as SQL, with the values that they name."""
    key = KEYS[query.sort]
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
        summaries = {
            name: _of_summaries(query, arm, after, name, shift)
            for name, shift in (_LEVELS if arm.summaries else ())
        }
        parts.append(
            SQL["skipping" if arm.summaries else "range"].format(
                key=key,
                table=table,
                index=arm.index,
                conditions=" AND ".join(conditions),
                **summaries,
            )
        )
    return " UNION ALL ".join(parts), values


def arms_of(query: EventQuery, local: list[Span]) -> list[Arm]:
    """Choose the stretches that together hold the query's events.

    Args:
        query: What is asked for.
        local: Between which local times its span of instants lies: some stretches.
    """
    types = query.types if len(query.types) < len(TYPES) else ()
    type_conditions = of_types(query)
    if query.contact is not None:
        return arms_of_contact(query)
    if query.sort is Sort.RECEIVED_TIME:
        return _arms_by_arrival(query, types, type_conditions)
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
        return [Arm(*scope, *span) for scope in scopes]
    if not spanned:
        return [Arm(*scope) for scope in scopes]
    return [
        *(
            Arm(index, (*conditions, f"NOT ({CONTRADICTS})"), *span)
            for index, conditions in scopes
            for span in local
        ),
        Arm("event_contradicting", (*inside, *type_conditions, CONTRADICTS)),
    ]


def of_types(query: EventQuery) -> tuple[str, ...]:
    """Write which types are asked for; nothing if all are."""
    if not 0 < len(query.types) < len(TYPES):
        return ()
    return (f"type IN ({', '.join(map(str, query.types))})",)


def arms_of_contact(query: EventQuery) -> list[Arm]:
    """Choose the whole stretch of a contact: in its order, or to be sorted."""
    utc = query.sort is Sort.UTC_TIME
    span = (query.start_at, query.end_at) if utc else (None, None)
    of_contact = ("contact = :contact", *of_types(query))
    found = [Arm("event_by_contact", of_contact, *span)]
    if query.sort is Sort.RECEIVED_TIME:
        found.append(Arm("withdrawal_by_contact", of_contact))
    return found


def arms_of_many(
    of_contact: tuple[str, ...], local: list[Span], span: Span
) -> list[Arm]:
    """Choose what of a contact can lie in a span of instants, to be sorted.

    Args:
        of_contact: What holds of all.
        local: Between which local times they lie, unless they contradict themselves.
        span: The span; of arrivals, `of_contact` says it.
    """
    agreeing = (*of_contact, f"NOT ({CONTRADICTS})")
    contradicting = (*of_contact, CONTRADICTS)
    return [
        *(Arm("event_by_contact", agreeing, *span, local=one) for one in local),
        Arm("event_contradicting_by_contact", contradicting, *span),
    ]


def _arms_by_arrival(
    query: EventQuery, types: tuple[int, ...], type_conditions: tuple[str, ...]
) -> list[Arm]:
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
        Arm(
            f"{table}_by_arrival",
            (f"{table}.organization = :organization", *type_conditions),
            summaries=tuple(summaries),
        )
        for table in ("event", "withdrawal")
    ]


def _of_summaries(
    query: EventQuery, arm: Arm, after: Position | None, name: str, shift: int
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
    query: EventQuery, key: str, arm: Arm, after: Position | None, number: int
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
