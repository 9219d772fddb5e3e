"""Update: read an organization's log on, and keep the facts of its events.

What is read and computed is done beside the writer; a short transaction stores the
blocks together with the position in the log, if nobody else has done so meanwhile. So a
crash at any point changes nothing, and each event is counted once. A new event is
added to its block. Where one was withdrawn or erased, its block is made again.
"""

import functools
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from operator import itemgetter

import msgspec
import numpy as np

from footfall.core import facts
from footfall.core.events.types import TYPE_NUMBERS
from footfall.core.instants import HOUR, SECOND
from footfall.core.shares import Mine, everything
from footfall.store import Store
from footfall.store.analytics import (
    AnalyticsPlace,
    AnalyticsRepository,
    LogRow,
    Progress,
    Removal,
    Span,
)
from footfall.store.transaction import Transaction

# So many blocks are written in some 30 ms.
STEP_BLOCKS = 250
STEP_ENTRIES = 1_000
ROUND_STEPS = 50
REBUILD_BLOCKS = 50
# Of a type: the seconds at which something changes; a row with a body is a new event.
Changes = defaultdict[int, list[tuple[int, LogRow | None]]]


class Change(msgspec.Struct, frozen=True):
    """What a step has computed, and from which state."""

    before: Progress
    arrival: int
    spans: list[Span]
    places: list[AnalyticsPlace]
    removals: list[Removal]


class Places:
    """The numbers of places by their ids; 0 is no place."""

    def __init__(self, known: list[AnalyticsPlace]):
        self._numbers = {one.id: one.number for one in known}
        self._next = max(self._numbers.values(), default=0) + 1
        self.new: list[AnalyticsPlace] = []

    def number(self, name: str, zone: str) -> int:
        """Return a place's number; a new place gets the next."""
        if not name:
            return 0
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = self._next
            self._next += 1
            self.new.append(AnalyticsPlace(number, name, zone))
        return number


def update_all(
    store: Store, failed: Callable[[Exception], None], mine: Mine = everything
) -> None:
    """Read all logs on; a round does so much, and the next one the rest.

    Each organization gets one step in turn, so a large import delays no other tenant's
    figures; nor does one that fails, which is told to `failed`.
    """
    for _ in range(ROUND_STEPS):
        waiting = list(filter(mine, store.organizations_to_count()))
        for organization in waiting:
            try:
                step(store, organization)
            except Exception as error:  # noqa: BLE001  whatever it is, it is one tenant's
                failed(error)
        if not waiting:
            return


def update(store: Store, organization: str) -> None:
    """Bring an organization up to date, in short steps."""
    while step(store, organization):
        pass


def step(store: Store, organization: str) -> bool:
    """Do a step; False if nothing is left to do."""
    change = store.read(organization, _compute)
    if change is None:
        return False
    _write(store, organization, change)
    return True


def _write(store: Store, organization: str, change: Change) -> bool:
    """Store a change; False if another server has stored one meanwhile."""

    def write(transaction: Transaction) -> bool:
        analytics = transaction.analytics
        if analytics.progress() != change.before:
            return False
        after = Progress(change.arrival, change.before.version + 1)
        analytics.write(change.spans, change.places, change.removals, after)
        return True

    return store.transaction(organization, write, versioned=False).result()


def _compute(transaction: Transaction) -> Change | None:
    analytics = transaction.analytics
    before = analytics.progress()
    removals = analytics.removals(STEP_BLOCKS)
    if not removals and before.arrival == analytics.newest():
        return None
    rows = analytics.log_after(before.arrival, STEP_ENTRIES)
    if len({(row.type, row.created_at // HOUR) for row in rows}) > STEP_BLOCKS:
        rows = rows[:STEP_BLOCKS]
    arrival = rows[-1].arrival if rows else analytics.newest()
    places = Places(analytics.places())
    changes: Changes = defaultdict(list)
    for row in rows:
        changes[row.type].append((facts.second_of(row.created_at), row))
    done = list(_again(analytics, removals, changes))
    spans = [
        span
        for kind, some in sorted(changes.items())
        for span in _spans(analytics, kind, some, places, arrival)
    ]
    return Change(before, arrival, spans, places.new, done)


def _again(
    analytics: AnalyticsRepository, removals: list[Removal], changes: Changes
) -> Iterator[Removal]:
    """Add the blocks of hours from which erasures took events; yields these hours."""
    count = 0
    for one in removals:
        if count >= STEP_BLOCKS:
            return
        since, until = (hour * HOUR // SECOND for hour in (one.hour, one.hour + 1))
        starts = {since, *analytics.starts(one.type, since, until)}
        changes[one.type] += [(second, None) for second in starts]
        count += len(starts)
        yield one


def _spans(
    analytics: AnalyticsRepository,
    kind: int,
    changes: list[tuple[int, LogRow | None]],
    places: Places,
    arrival: int,
) -> Iterator[Span]:
    """Yield the spans of a type in which something changes."""
    pending = deque(sorted(changes, key=itemgetter(0)))
    while pending:
        old = analytics.span(kind, pending[0][0])
        inside = []
        while pending and pending[0][0] < old.until:
            inside.append(pending.popleft()[1])
        fresh = [row for row in inside if row is not None and row.body]
        if len(fresh) == len(inside):
            whole = [*map(facts.unpack, old.blocks), _packed(fresh, places)]
            found = facts.sort(np.concatenate(whole))
        else:
            between = analytics.events_between(kind, old.since, old.until, arrival)
            found = _packed(between, places)
        blocks = facts.cut(found, newest=old.until == facts.END)
        yield msgspec.structs.replace(old, blocks=blocks)


def _packed(rows: list[LogRow], places: Places) -> facts.FactRows:
    def columns(row: LogRow) -> tuple[int, int, int, int, int]:
        raw = facts.read_fact(row.body or b"{}")
        place = places.number(raw.location, raw.zone)
        hotspot = places.number(raw.hotspot, raw.zone)
        return row.contact, place, hotspot, raw.dwell, row.created_at

    return facts.pack(map(columns, rows))


def rebuild(store: Store, organization: str) -> None:
    """Count an organization again, from its events; its figures stay meanwhile."""
    for kind in TYPE_NUMBERS.values():
        second = facts.BEGIN
        while second < facts.END:
            again = functools.partial(_recount, kind=kind, since=second)
            change = store.read(organization, again)
            if _write(store, organization, change):
                [span] = change.spans
                second = span.until
    update(store, organization)


def _recount(transaction: Transaction, kind: int, since: int) -> Change:
    """Make some blocks of a type again, each of them full."""
    analytics = transaction.analytics
    before = analytics.progress()
    starts = analytics.starts(kind, since, facts.END)
    until = starts[REBUILD_BLOCKS] if len(starts) > REBUILD_BLOCKS else facts.END
    places = Places(analytics.places())
    rows = analytics.events_between(kind, since, until, before.arrival)
    blocks = facts.cut(_packed(rows, places), newest=True)
    span = Span(kind, since, until, blocks)
    return Change(before, before.arrival, [span], places.new, [])
