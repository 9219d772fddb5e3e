"""Report: answers of the Analytics API, as flat rows, from blocks of facts."""

import functools
from collections.abc import Collection, Iterator
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from footfall.core import analytics, facts, instants
from footfall.core.access import LocationScope
from footfall.core.analytics import Calendar, Numbered, Periods, Question
from footfall.core.events.types import TYPE_NUMBERS, TYPES
from footfall.core.facts import Facts, Ints, Mask
from footfall.core.instants import HOUR, SECOND
from footfall.core.places import Registry
from footfall.errors import FieldError, ParameterInvalid
from footfall.store import Store
from footfall.store.transaction import Transaction

Row = dict[str, Any]
_VISIT = TYPE_NUMBERS["visit"]
_UTC = ZoneInfo("UTC")
_OFFSET_MAX = 15 * HOUR // SECOND
_VISIT_DAYS_MAX = 31


class Report(msgspec.Struct, frozen=True):
    """Rows, and up to which arrival they count."""

    as_of: int
    rows: list[Row]


class Selection:
    """The facts that a question is about, on one state of the store."""

    def __init__(
        self,
        transaction: Transaction,
        question: Question,
        only: LocationScope,
        columns: Collection[str] = (),
    ):
        """Ask for facts; of `hotspot` and `dwell`, only the columns that are named."""
        self._columns = columns
        self.analytics = transaction.analytics
        self.question = question
        registry = transaction.registry.load()
        known = self.analytics.places()
        self.ids = {one.number: one.id for one in known}
        self.names = names_of(registry)
        zones = _zones(registry)
        wanted = question.locations or None
        if only is not None:
            wanted = only if wanted is None else wanted & only
        self._locations = wanted
        self._wanted = None if wanted is None else self._mask(wanted)
        self._read: dict[tuple[int, int, int], Facts] = {}
        self._divided: tuple[Calendar, Facts, Periods] | None = None
        self._zones: list[ZoneInfo] = []
        self._zone_of = np.zeros(self.place_count, np.int64)
        for one in known:
            if wanted is None or one.id in wanted:
                zone = question.zone or zones.get(one.id) or _zone(one.zone)
                self._zone_of[one.number] = self._zone_number(zone)
        if len(self._zones) != 1:
            # What has no place follows the venues if they agree, or else UTC.
            self._zone_of[0] = self._zone_number(question.zone or _UTC)

    @property
    def place_count(self) -> int:
        """How many numbers places have; 0 is no place."""
        return max(self.ids, default=0) + 1

    def includes(self, location: str) -> bool:
        """Tell whether the question is about a location."""
        return self._locations is None or location in self._locations

    def _mask(self, wanted: frozenset[str]) -> Mask:
        """Return of each place whether it is wanted."""
        mask = np.zeros(self.place_count, np.bool_)
        mask[[number for number, name in self.ids.items() if name in wanted]] = True
        return mask

    def _zone_number(self, zone: ZoneInfo) -> int:
        if zone not in self._zones:
            self._zones.append(zone)
        return self._zones.index(zone)

    @property
    def zone(self) -> ZoneInfo | None:
        """The zone of all venues, if they have one."""
        return self._zones[0] if len(self._zones) == 1 else None

    @functools.cached_property
    def days(self) -> Calendar:
        """The days of the question."""
        by_day = msgspec.structs.replace(self.question, interval=analytics.Interval.DAY)
        return Calendar(by_day, self.zone)

    def facts(
        self, kind: int, *, since_ever: bool = False, days_after: int = 0
    ) -> Facts:
        """Return the facts of a type at the locations.

        Several metrics are of the same facts: these are read once.
        """
        first, end = analytics.span_of(self.question)
        since = facts.BEGIN if since_ever else _midnight(first) - _OFFSET_MAX
        until = _midnight(end + timedelta(days=days_after)) + _OFFSET_MAX
        key = (kind, since, until)
        if key not in self._read:
            self._read.clear()  # one at a time is enough memory
            self._read[key] = self._facts(*key)
        return self._read[key]

    def _facts(self, kind: int, since: int, until: int) -> Facts:
        found = facts.join(self.analytics.blocks(kind, since, until, self._columns))
        if self._wanted is None:
            return found
        return found.some(self._wanted[found["place"]])

    def divide(self, calendar: Calendar, found: Facts) -> Periods:
        """Divide facts into periods; for several metrics, once."""
        if self._divided is None or self._divided[:2] != (calendar, found):
            edges = [calendar.edges(zone) for zone in self._zones]
            periods = analytics.divide(found, edges, self._zone_of)
            self._divided = calendar, found, periods
        return self._divided[2]

    def local_hours(self, found: Facts) -> Ints:
        """Return the hour of the week of each fact, on its venue's clock."""
        seconds = found["second"]
        hours = np.empty(len(seconds), np.int64)
        zone_of = self._zone_of[found["place"]]
        for number, zone in enumerate(self._zones):
            mask = zone_of == number
            hours[mask] = analytics.local_hours(seconds[mask], zone)
        return hours


def names_of(registry: Registry) -> dict[str, str]:
    """Return the names of registered places by their ids."""
    names = {r.location.id: r.location.name for r in registry.locations.values()}
    return names | {h.id: h.name for h, _ in registry.hotspots.values()}


def _zones(registry: Registry) -> dict[str, ZoneInfo]:
    zones = {
        record.number: _zone(record.location.timezone)
        for record in registry.locations.values()
    }
    found = {
        record.location.id: zones[record.number]
        for record in registry.locations.values()
    }
    hotspots = {hotspot.id: zones.get(at) for hotspot, at in registry.hotspots.values()}
    return found | {name: zone for name, zone in hotspots.items() if zone is not None}


def _zone(name: str) -> ZoneInfo:
    try:
        return instants.zone_of(name) if name else _UTC
    except ValueError:
        return _UTC


def _midnight(day: date) -> int:
    """Return when a day begins in UTC, in seconds."""
    return analytics.wall_clock_of(day) // SECOND


def timeseries(
    store: Store, organization: str, question: Question, only: LocationScope
) -> Report:
    """Count by period."""

    def work(transaction: Transaction) -> Report:
        dwell = ("dwell",) if set(question.metrics) & set(analytics.DWELL) else ()
        selection = Selection(transaction, question, only, dwell)
        calendar = Calendar(question, selection.zone)
        columns: dict[str, list[Any]] = {"time": list(calendar.labels)}
        for name in question.metrics:
            columns |= _columns(selection, calendar, name)
        rows = [
            dict(zip(columns, row, strict=True))
            for row in zip(*columns.values(), strict=True)
        ]
        return Report(transaction.analytics.progress().arrival, rows)

    return store.read(organization, work)


def _columns(
    selection: Selection, calendar: Calendar, name: str
) -> dict[str, list[Any]]:
    if name == "events":
        return {
            column: _counts(selection, calendar, kind)
            for column, kind in analytics.type_columns().items()
        }
    if name in analytics.COUNTED:
        kind = TYPE_NUMBERS[analytics.COUNTED[name]]
        return {name: _counts(selection, calendar, kind)}
    return {name: _of_visits(selection, calendar, name)}


def _of_visits(selection: Selection, calendar: Calendar, name: str) -> list[Any]:
    """Return a metric of visits and visitors for each period."""
    since_ever = name in ("newVisitors", "returningVisitors")
    found = selection.facts(_VISIT, since_ever=since_ever)
    division = selection.divide(calendar, found)
    if name in analytics.DWELL:
        return list(analytics.dwell_figures(name, division, found["dwell"]))
    contacts = found["contact"]
    if not since_ever:
        return list(analytics.distinct(division, contacts).tolist())
    newcomers = division.sizes_of(analytics.first_of_each(contacts))
    if name == "newVisitors":
        return list(newcomers.tolist())
    return list((analytics.distinct(division, contacts) - newcomers).tolist())


def _counts(selection: Selection, calendar: Calendar, kind: int) -> list[int]:
    found = selection.facts(kind)
    counts: list[int] = selection.divide(calendar, found).sizes().tolist()
    return counts


def breakdown(
    store: Store, organization: str, question: Question, only: LocationScope
) -> Report:
    """Count by a property."""

    def work(transaction: Transaction) -> Report:
        column = {question.property}.intersection(facts.DETAILS)
        selection = Selection(transaction, question, only, column)
        rows = _BREAKDOWNS[question.property](selection, question.metrics[0])
        return Report(transaction.analytics.progress().arrival, rows)

    return store.read(organization, work)


def _in_range(selection: Selection, kind: int) -> Facts:
    """Return the facts of a type in the days of the question."""
    found = selection.facts(kind)
    return found.some(selection.divide(selection.days, found).inside)


def _metric(selection: Selection, metric: str) -> Facts:
    kind = analytics.COUNTED.get(metric, "visit")
    return _in_range(selection, TYPE_NUMBERS[kind])


def _grouped(metric: str, groups: Ints, found: Facts, count: int) -> list[int]:
    division = Numbered(groups, count)
    if metric == "visitors":
        return list(analytics.distinct(division, found["contact"]).tolist())
    return list(division.sizes().tolist())


def _by_place(selection: Selection, metric: str, column: str, word: str) -> list[Row]:
    found = _metric(selection, metric)
    groups = found[column].astype(np.int64)
    counts = _grouped(metric, groups, found, selection.place_count)
    rows = [
        {
            word: selection.ids.get(number),
            "name": selection.names.get(selection.ids.get(number, ""), ""),
            metric: count,
        }
        for number, count in enumerate(counts)
        if count
    ]
    return sorted(rows, key=lambda row: (-row[metric], row[word] or ""))


def _by_location(selection: Selection, metric: str) -> list[Row]:
    return _by_place(selection, metric, "place", "location")


def _by_hotspot(selection: Selection, metric: str) -> list[Row]:
    return _by_place(selection, metric, "hotspot", "hotspot")


def _by_hour_of_week(selection: Selection, metric: str) -> list[Row]:
    found = _metric(selection, metric)
    hours = selection.local_hours(found)
    counts = _grouped(metric, hours, found, 7 * 24)
    return [
        {"weekday": hour // 24 + 1, "hour": hour % 24, metric: count}
        for hour, count in enumerate(counts)
    ]


def _by_dwell(selection: Selection, _metric_name: str) -> list[Row]:
    found = _in_range(selection, _VISIT)
    starts = analytics.DWELL_CLASSES
    groups = np.searchsorted(starts, found["dwell"], "right") - 1
    counts = np.bincount(groups, minlength=len(starts)).tolist()
    ends = [*starts[1:], None]
    return [
        {"from": start, "to": end, "visits": count}
        for start, end, count in zip(starts, ends, counts, strict=True)
    ]


def _by_visits(selection: Selection, _metric_name: str) -> list[Row]:
    found = _in_range(selection, _VISIT)
    _, visits = np.unique(found["contact"], return_counts=True)
    numbers, people = np.unique(visits, return_counts=True)
    return [
        {"visits": int(number), "visitors": int(count)}
        for number, count in zip(numbers, people, strict=True)
    ]


def _by_type(selection: Selection, _metric_name: str) -> list[Row]:
    counts = {name: len(_in_range(selection, TYPE_NUMBERS[name])) for name in TYPES}
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return [{"type": name, "events": count} for name, count in ranked if count]


_BREAKDOWNS = {
    "location": _by_location,
    "hotspot": _by_hotspot,
    "hourOfWeek": _by_hour_of_week,
    "dwell": _by_dwell,
    "visitsPerVisitor": _by_visits,
    "type": _by_type,
}


def occupancy(store: Store, organization: str, only: LocationScope) -> Report:
    """Count who is at each location now: its open stays."""

    def work(transaction: Transaction) -> Report:
        registry = transaction.registry.load()
        now = transaction.analytics.occupancy()
        rows = [
            {
                "location": record.location.id,
                "name": record.location.name,
                "visitors": now.get(number, 0),
            }
            for number, record in registry.locations.items()
            if not record.deleted and (only is None or record.location.id in only)
        ]
        rows.sort(key=lambda row: (-int(str(row["visitors"])), row["location"]))
        return Report(transaction.analytics.newest(), rows)

    return store.read(organization, work)


def occupancy_history(
    store: Store, organization: str, question: Question, only: LocationScope, now: int
) -> Report:
    """Count the visits and open stays that went on at each quarter of an hour.

    An open stay goes on until now.

    Raises:
        ParameterInvalid: It would be too many rows.
    """
    if (question.last - question.first).days >= analytics.HISTORY_DAYS_MAX:
        message = f"is {analytics.HISTORY_DAYS_MAX} days or more before `to`"
        raise ParameterInvalid.of(FieldError("from", message))

    def work(transaction: Transaction) -> Report:
        selection = Selection(transaction, question, only, ("dwell",))
        zone = selection.zone or _UTC
        edges = Calendar(question, zone).edges(zone)
        first = int(edges[0]) // analytics.QUARTER_S
        count = int(edges[-1]) // analytics.QUARTER_S - first
        rows = [
            {
                "time": instants.format_instant(
                    (first + quarter) * analytics.QUARTER_S * SECOND
                ),
                "location": location,
                "visitors": int(counts[quarter]),
            }
            for location, since, until in _presences(transaction, selection, now)
            for counts in [analytics.presence_by_quarter(since, until, first, count)]
            for quarter in np.nonzero(counts)[0].tolist()
        ]
        if len(rows) > 10 * analytics.ROWS_MAX:
            message = f"gives over {10 * analytics.ROWS_MAX} rows; ask for less"
            raise ParameterInvalid.of(FieldError("from", message))
        rows.sort(key=lambda row: (row["time"], row["location"] or ""))
        return Report(transaction.analytics.progress().arrival, rows)

    return store.read(organization, work)


def _presences(
    transaction: Transaction, selection: Selection, now: int
) -> Iterator[tuple[str | None, Ints, Ints]]:
    """Yield each location, and from when to when somebody was there."""
    # A visit is counted when it has ended, perhaps after the days of the question.
    found = selection.facts(_VISIT, days_after=_VISIT_DAYS_MAX)
    ends = found["second"]
    opened: dict[str | None, list[int]] = {}
    locations = transaction.registry.load().locations
    for number, start_at in transaction.analytics.open_stays():
        record = locations.get(number)
        if record is not None and selection.includes(record.location.id):
            opened.setdefault(record.location.id, []).append(start_at // SECOND)
    numbers = {selection.ids.get(n): n for n in np.unique(found["place"]).tolist()}
    for location in numbers | opened:
        here = found["place"] == numbers.get(location, -1)
        open_since = np.array(opened.get(location, []), np.int64)
        open_until = np.full(len(open_since), now // SECOND)
        yield (
            location,
            np.concatenate([ends[here] - found["dwell"][here], open_since]),
            np.concatenate([ends[here], open_until]),
        )
