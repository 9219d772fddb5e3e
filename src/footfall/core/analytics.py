"""Analytics: the questions, the calendar that answers follow, and the counting.

A *period* is an hour, day, week or month of a time zone. Where the venues of a question
lie in several zones, each has its own days. An event counts in the period of its
`createdAt`; a visit's is its end.
"""

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import numpy.typing as npt
from typing_extensions import override

from footfall.core import instants
from footfall.core.events.types import TYPE_NUMBERS, TYPES
from footfall.core.facts import Facts, Ints, Mask
from footfall.core.instants import DAY, HOUR, SECOND
from footfall.errors import FieldError, ParameterInvalid

ROWS_MAX = 10_000
LOCATIONS_MAX = 100
DAYS_DEFAULT = 30
DAYS_MAX = 3_700
HISTORY_DAYS_MAX = 100
QUARTER_S = 15 * 60
# Days of different questions in different zones that are remembered.
_CALENDARS_MAX = 256
COUNTED = {
    "visits": "visit",
    "arrivals": "arriving",
    "logins": "login",
    "signups": "signup",
}
PEOPLE = ("visitors", "newVisitors", "returningVisitors")
DWELL = ("dwellMean", "dwellMedian", "dwellP90")
METRICS = (*COUNTED, *PEOPLE, *DWELL, "events")
BREAKDOWN_METRICS = (*COUNTED, "visitors")
PROPERTIES = (
    "location",
    "hotspot",
    "hourOfWeek",
    "dwell",
    "visitsPerVisitor",
    "type",
)
# Of the lengths of visits, in seconds; the last class has no end.
DWELL_CLASSES = (0, 300, 900, 1_800, 3_600, 7_200, 14_400, 28_800)


class Interval(StrEnum):
    """How long a period is."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class Question(msgspec.Struct, frozen=True):
    """What is asked.

    Attributes:
        metrics: What is counted.
        interval: How long the periods are.
        first: The first local day.
        last: The last local day.
        locations: Only these locations; all if empty.
        zone: The time zone of all venues; None for each its own.
        property: By what a breakdown divides.
    """

    metrics: tuple[str, ...]
    interval: Interval
    first: date
    last: date
    locations: frozenset[str]
    zone: ZoneInfo | None
    property: str


def parse_question(parameters: Mapping[str, list[str]], now: int) -> Question:
    """Read the parameters of a request; unknown ones are ignored.

    Raises:
        ParameterInvalid: Values are not allowed; names all such parameters.
    """
    errors: list[FieldError] = []

    def read(name: str, parse: Callable[[str], Any], default: Any) -> Any:
        values = parameters.get(name, [])
        if not values:
            return default
        try:
            return parse(",".join(values) if name in _LISTS else values[-1])
        except ValueError as error:
            errors.append(FieldError(name, str(error)))
            return default

    zone = read("timezone", instants.zone_of, None)
    today = _day_of(now, zone or ZoneInfo("UTC"))
    last = read("to", lambda text: _day(text, zone), today)
    first = read(
        "from", lambda text: _day(text, zone), last - timedelta(days=DAYS_DEFAULT - 1)
    )
    question = Question(
        metrics=read("metrics", lambda text: _names(text, METRICS), ("visits",))
        if "metric" not in parameters
        else read("metric", lambda text: _names(text, BREAKDOWN_METRICS), ("visits",)),
        interval=read("interval", _interval, Interval.DAY),
        first=first,
        last=last,
        locations=read("locations", _locations, frozenset()),
        zone=zone,
        property=read("property", lambda text: _one(text, PROPERTIES), "location"),
    )
    if first > last:
        errors.append(FieldError("from", f"is after `to` ({last})"))
    elif (last - first).days > DAYS_MAX:
        errors.append(FieldError("from", f"is over {DAYS_MAX} days before `to`"))
    elif question.interval is Interval.HOUR and (last - first).days * 24 > ROWS_MAX:
        errors.append(FieldError("interval", f"gives over {ROWS_MAX} rows"))
    if errors:
        raise ParameterInvalid.of(*errors)
    return question


_LISTS = frozenset({"metrics", "locations"})


def _day_of(instant: int, zone: ZoneInfo) -> date:
    wall = instants.to_wall_clock(instant, zone)
    return date(1970, 1, 1) + timedelta(days=wall // DAY)


def _day(text: str, zone: ZoneInfo | None) -> date:
    """Read a date, or an instant as the day that it lies in."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        instant = instants.parse_bound(text, last=False)
        return _day_of(instant, zone or ZoneInfo("UTC"))


def _names(text: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_one(name, allowed) for name in text.split(",")))


def _one(text: str, allowed: tuple[str, ...]) -> str:
    if text not in allowed:
        raise ValueError(f"{text[:64]!r} is not one of: {', '.join(allowed)}")
    return text


def _interval(text: str) -> Interval:
    return Interval(_one(text, tuple(Interval)))


def _locations(text: str) -> frozenset[str]:
    found = frozenset(name for name in text.split(",") if name)
    if len(found) > LOCATIONS_MAX:
        raise ValueError(f"are over {LOCATIONS_MAX}")
    return found


class Calendar:
    """The periods of a question.

    Attributes:
        labels: When each period starts, as rows say it.
    """

    def __init__(self, question: Question, zone: ZoneInfo | None):
        """Lay out periods; `zone` is that of all venues, if there is one."""
        self._hours_of = zone or ZoneInfo("UTC")
        self._by_hour = question.interval is Interval.HOUR
        self._days = tuple(_starts(question))
        self._label_zone = self._hours_of if self._by_hour else zone
        self.labels = list(self._labels())

    def edges(self, zone: ZoneInfo) -> Ints:
        """Return when each period starts in a zone, and when the last one ends."""
        if self._by_hour:
            return np.array(self._hours(), np.int64)
        return np.array(_midnights(self._days, zone), np.int64)

    def _hours(self) -> list[int]:
        starts = _midnights(self._days, self._hours_of)
        edges: list[int] = []
        for start, end in itertools.pairwise(starts):
            edges.extend(range(start, end, HOUR // SECOND))
        return [*edges, starts[-1]]

    def _labels(self) -> Iterator[str]:
        if self._by_hour:
            for edge in self._hours()[:-1]:
                yield _label(edge * SECOND, self._hours_of)
            return
        for day in self._days[:-1]:
            if self._label_zone is None:
                yield f"{day.isoformat()}T00:00:00"
            else:
                start = instants.from_wall_clock(wall_clock_of(day), self._label_zone)
                yield _label(start, self._label_zone)


@functools.lru_cache(_CALENDARS_MAX)
def _midnights(days: tuple[date, ...], zone: ZoneInfo) -> tuple[int, ...]:
    """Return when days begin in a zone, in seconds."""
    found = (instants.from_wall_clock(wall_clock_of(day), zone) for day in days)
    return tuple(instant // SECOND for instant in found)


def _label(instant: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(instant // SECOND, UTC).astimezone(zone).isoformat()


def wall_clock_of(day: date) -> int:
    """Return the wall clock at which a day begins."""
    return (day - date(1970, 1, 1)).days * DAY


def span_of(question: Question) -> tuple[date, date]:
    """Return the first day of the first period, and the day after the last."""
    first, *_, end = _starts(question)
    return first, end


def _starts(question: Question) -> Iterator[date]:
    """Yield the first day of each period, and the day after the last."""
    day, last = question.first, question.last
    if question.interval is Interval.WEEK:
        day -= timedelta(days=day.weekday())
    elif question.interval is Interval.MONTH:
        day = day.replace(day=1)
    while day <= last:
        yield day
        if question.interval is Interval.WEEK:
            day += timedelta(days=7)
        elif question.interval is Interval.MONTH:
            day = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
        else:
            day += timedelta(days=1)
    yield day


class Division(Protocol):
    """Facts divided into groups."""

    @property
    def count(self) -> int:
        """How many groups."""

    def sizes(self) -> Ints:
        """Return how many facts each group has."""

    def values(self, column: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
        """Yield a column's values of each group, in no order."""


class Periods(Division, Protocol):
    """Facts divided into periods; some lie before the first or after the last."""

    @property
    def inside(self) -> slice | Ints:
        """Where the facts of all periods are."""

    def sizes_of(self, mask: Mask) -> Ints:
        """Return how many of the facts of a mask each period has."""


class Stretches(Periods):
    """Periods that follow each other: they begin, and the last one ends, at bounds."""

    def __init__(self, bounds: Ints):
        self._bounds = bounds

    @property
    @override
    def count(self) -> int:
        return len(self._bounds) - 1

    @property
    @override
    def inside(self) -> slice:
        return slice(int(self._bounds[0]), int(self._bounds[-1]))

    @override
    def sizes(self) -> Ints:
        return np.diff(self._bounds)

    @override
    def sizes_of(self, mask: Mask) -> Ints:
        before = np.concatenate([np.zeros(1, np.int64), np.cumsum(mask)])
        return np.diff(before[self._bounds])

    @override
    def values(self, column: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
        for start, end in itertools.pairwise(self._bounds.tolist()):
            yield column[start:end]


class Zoned(Periods):
    """Periods that have a stretch among the facts of each time zone."""

    def __init__(self, zones: list[tuple[Ints, Stretches]]):
        """Take of each zone where its facts are, and their stretches."""
        self._zones = zones

    @property
    @override
    def count(self) -> int:
        return self._zones[0][1].count

    @property
    @override
    def inside(self) -> Ints:
        return np.sort(np.concatenate([at[one.inside] for at, one in self._zones]))

    @override
    def sizes(self) -> Ints:
        return _sum([one.sizes() for _, one in self._zones])

    @override
    def sizes_of(self, mask: Mask) -> Ints:
        return _sum([one.sizes_of(mask[at]) for at, one in self._zones])

    @override
    def values(self, column: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
        each = [one.values(column[at]) for at, one in self._zones]
        yield from map(np.concatenate, zip(*each, strict=True))


def _sum(sizes: list[Ints]) -> Ints:
    total: Ints = np.sum(sizes, axis=0, dtype=np.int64)
    return total


class Numbered(Division):
    """Groups by a number of each fact."""

    def __init__(self, groups: Ints, count: int):
        self._groups = groups
        self._count = count

    @property
    @override
    def count(self) -> int:
        return self._count

    @override
    def sizes(self) -> Ints:
        return np.bincount(self._groups, minlength=self.count)

    @override
    def values(self, column: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
        # numpy sorts numbers of 16 bits by their digits, in linear time.
        keys = self._groups.astype(np.uint16) if self.count <= 1 << 16 else self._groups
        order = np.argsort(keys, kind="stable")
        bounds = np.searchsorted(self._groups[order], np.arange(self.count + 1))
        return Stretches(bounds).values(column[order])


def divide(found: Facts, edges: list[Ints], zones: Ints) -> Periods:
    """Divide facts into the periods of their zones.

    Args:
        found: The facts.
        edges: Of each zone, when its periods start and the last one ends, in seconds.
        zones: Of each place, the number of its zone.
    """
    if len(edges) == 1:
        return Stretches(found.bounds(edges[0]))
    zone_of = zones.astype(np.uint16)[found["place"]]
    each = []
    for number, bounds in enumerate(edges):
        at = np.flatnonzero(zone_of == number)
        each.append((at, Stretches(np.searchsorted(at, found.bounds(bounds)))))
    return Zoned(each)


def distinct(division: Division, contacts: npt.NDArray[Any]) -> Ints:
    """Count the distinct contacts of each group."""
    # numpy sorts numbers several at a time; sets and tables are no faster.
    each = (np.sort(some) for some in division.values(contacts))
    return np.array([np.count_nonzero(_changes(some)) for some in each], np.int64)


def first_of_each(contacts: npt.NDArray[Any]) -> Mask:
    """Tell of each fact whether it is its contact's first, the facts being in order."""
    # Sorted by contact, and each contact's by position.
    keys = contacts.astype(np.uint64) << 32 | np.arange(len(contacts), dtype=np.uint64)
    keys.sort()
    mask = np.zeros(len(contacts), np.bool_)
    mask[(keys & 0xFFFFFFFF)[_changes(keys >> 32)]] = True
    return mask


def _changes(ordered: npt.NDArray[Any]) -> Mask:
    """Tell of each value whether it is not the one before it."""
    mask = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=mask[1:])
    return mask


def dwell_figures(
    name: str, division: Division, dwell: npt.NDArray[Any]
) -> list[float | None]:
    """Return the mean or a quantile of each group's lengths; None where it is empty."""
    return [
        round(_DWELL_FIGURES[name](lengths), 3) if len(lengths) else None
        for lengths in division.values(dwell)
    ]


def _quantile(values: npt.NDArray[Any], share: float) -> float:
    """Interpolate between the two nearest values, as numpy and pandas do."""
    at = share * (len(values) - 1)
    low = int(at)
    high = min(low + 1, len(values) - 1)
    ordered = np.partition(values, (low, high))
    below, above = float(ordered[low]), float(ordered[high])
    return below + (above - below) * (at - low)


_DWELL_FIGURES: dict[str, Callable[[npt.NDArray[Any]], float]] = {
    "dwellMean": lambda lengths: float(lengths.mean(dtype=np.float64)),
    "dwellMedian": lambda lengths: _quantile(lengths, 0.5),
    "dwellP90": lambda lengths: _quantile(lengths, 0.9),
}


def local_hours(seconds: Ints, zone: ZoneInfo) -> Ints:
    """Return the hour of the week of each instant, on the clock of a zone."""
    if not len(seconds):
        return seconds
    # Zones change at quarters of an hour, at the most.
    quarters, inverse = np.unique(seconds // QUARTER_S, return_inverse=True)
    walls = np.array(
        [
            instants.to_wall_clock(int(quarter) * QUARTER_S * SECOND, zone)
            for quarter in quarters
        ],
        np.int64,
    )
    hours = walls // HOUR
    # 1 January 1970 was a Thursday.
    return ((hours + 3 * 24) % (7 * 24))[inverse]


def presence_by_quarter(starts: Ints, ends: Ints, first: int, count: int) -> Ints:
    """Count the visits that go on at each quarter of an hour.

    Args:
        starts: When visits begin, in seconds.
        ends: When they end; at that instant nobody is there any more.
        first: The first quarter's number since 1970.
        count: How many quarters.
    """
    begin = np.clip(-(-starts // QUARTER_S) - first, 0, count)
    end = np.clip(-(-ends // QUARTER_S) - first, 0, count)
    change = np.zeros(count + 1, np.int64)
    np.add.at(change, begin, 1)
    np.add.at(change, end, -1)
    return np.cumsum(change)[:-1]


def type_columns() -> dict[str, int]:
    """Return the columns of the metric `events`, with the types' numbers."""
    return {f"events.{name}": TYPE_NUMBERS[name] for name in TYPES}
