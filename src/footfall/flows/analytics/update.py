"""Update: read an organization's log on, and keep the facts of its events.

What is read and computed is done beside the writer; a short transaction stores the
blocks together with the position in the log, if nobody else has done so meanwhile. So a
crash at any point changes nothing, and each event is counted once. A new event is
added to its block. Where one was withdrawn, its block is made again; an erased
contact's facts are taken out.
"""

import functools
from collections import defaultdict, deque
from collections.abc import Callable
from operator import attrgetter

import msgspec
import numpy as np

from footfall.core import facts
from footfall.core.events.types import TYPE_NUMBERS
from footfall.core.facts import Block
from footfall.core.instants import HOUR, SECOND
from footfall.core.shares import Mine, everything
from footfall.store import Store
from footfall.store.analytics import (
    AnalyticsPlace,
    AnalyticsRepository,
    Key,
    LogRow,
    Moment,
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


class Change(msgspec.Struct, frozen=True):
    """What a step has computed, and from which state."""

    before: Progress
    arrival: int
    dropped: list[Key] = []
    added: list[tuple[int, Block]] = []
    places: list[AnalyticsPlace] = []
    removals: list[Removal] = []


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
        analytics.write(
            change.dropped, change.added, change.places, change.removals, after
        )
        return True

    return store.transaction(organization, write, versioned=False).result()


def _compute(transaction: Transaction) -> Change | None:
    analytics = transaction.analytics
    before = analytics.progress()
    removals = analytics.removals(STEP_BLOCKS)
    if removals:
        return _without_erased(analytics, before, removals)
    if before.arrival == analytics.newest():
        return None
    rows = analytics.log_after(before.arrival, STEP_ENTRIES)
    if len({(row.type, row.created_at // HOUR) for row in rows}) > STEP_BLOCKS:
        rows = rows[:STEP_BLOCKS]
    arrival = rows[-1].arrival if rows else analytics.newest()
    places = Places(analytics.places())
    change = Change(before, arrival, places=places.new)
    by_type: defaultdict[int, list[LogRow]] = defaultdict(list)
    for row in rows:
        by_type[row.type].append(row)
    spans = analytics.spans({_moment_of(row) for row in rows})
    for kind, some in sorted(by_type.items()):
        _count(analytics, kind, some, spans, places, change)
    return change


def _count(
    analytics: AnalyticsRepository,
    kind: int,
    rows: list[LogRow],
    spans: dict[Moment, Span],
    places: Places,
    change: Change,
) -> None:
    """Add to a change what entries of the log change in the blocks of a type."""
    pending = deque(sorted(rows, key=attrgetter("created_at")))
    while pending:
        span = spans[_moment_of(pending[0])]
        inside = []
        while pending and facts.second_of(pending[0].created_at) < span.until:
            inside.append(pending.popleft())
        newest = span.until == facts.END
        if all(row.body for row in inside):
            found, old = _packed(inside, places), span.block
            if old is not None:
                found = facts.sort(np.concatenate([facts.unpack(old), found]))
                change.dropped.append((kind, old.start, old.part))
            part = 0 if old is None else old.part
            blocks = facts.cut(found, newest=newest, part=part)
        else:
            events = analytics.events_between(
                kind, span.since, span.until, change.arrival
            )
            change.dropped.extend(analytics.keys(kind, span.since, span.until))
            blocks = facts.cut(_packed(events, places), newest=newest)
        change.added.extend((kind, block) for block in blocks)


def _moment_of(row: LogRow) -> Moment:
    return row.type, facts.second_of(row.created_at)


def _without_erased(
    analytics: AnalyticsRepository, before: Progress, removals: list[Removal]
) -> Change:
    """Take erased contacts' facts out of blocks; what is too much comes later."""
    changed: dict[Key, facts.FactRows] = {}
    done: list[Removal] = []
    for one in removals:
        if len(changed) >= STEP_BLOCKS:
            break
        since, until = (hour * HOUR // SECOND for hour in (one.hour, one.hour + 1))
        for block in analytics.blocks(one.type, since, until, facts.DETAILS):
            key = (one.type, block.start, block.part)
            rows = changed[key] if key in changed else facts.unpack(block)
            left = rows[rows["contact"] != one.contact]
            if len(left) < len(rows):
                changed[key] = left
        done.append(one)
    change = Change(before, before.arrival, list(changed), removals=done)
    for (kind, start, part), rows in changed.items():
        same = bool(np.any(rows["second"][:1] == start))
        blocks = facts.cut(rows, newest=False, part=part if same else 0)
        change.added.extend((kind, block) for block in blocks)
    return change


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
            change, until = store.read(organization, again)
            if _write(store, organization, change):
                second = until
    update(store, organization)


def _recount(transaction: Transaction, kind: int, since: int) -> tuple[Change, int]:
    """Make some blocks of a type again, each of them full; returns up to where."""
    analytics = transaction.analytics
    before = analytics.progress()
    keys = analytics.keys(kind, since, facts.END)
    starts = sorted({start for _, start, _ in keys})
    until = starts[REBUILD_BLOCKS] if len(starts) > REBUILD_BLOCKS else facts.END
    places = Places(analytics.places())
    events = analytics.events_between(kind, since, until, before.arrival)
    blocks = facts.cut(_packed(events, places), newest=True)
    dropped = [key for key in keys if key[1] < until]
    added = [(kind, block) for block in blocks]
    return Change(before, before.arrival, dropped, added, places.new), until
