"""Facts: what analytics keeps of an event, in columns.

A *block* has the facts of one type and one hour (UTC) of an organization, sorted by
time. It is a function of the stored events: whatever their order of arrival, what was
withdrawn or erased is not in it. numpy reads a block as it lies in the store; it is the
library that everybody computes columns with.
"""

import functools
from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from footfall.core.instants import HOUR, SECOND

# `place` and `hotspot` are numbers of ids; `dwell` is a visit's length in seconds.
FACT = np.dtype(
    [
        ("contact", "<u4"),
        ("place", "<u4"),
        ("hotspot", "<u4"),
        ("dwell", "<u4"),
        ("second", "<u2"),
    ]
)
Facts = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
DWELL_MAX = 2**32 - 1


class RawFact(msgspec.Struct, frozen=True, gc=False):
    """What a stored event says, with the ids of its places.

    Attributes:
        location: The location's id; empty if it has none.
        hotspot: The hotspot's id; empty if it has none.
        zone: The time zone that it names; empty if it names none.
        dwell: The length of a visit in seconds; 0 for other types.
    """

    location: str
    hotspot: str
    zone: str
    dwell: int


class _Where(msgspec.Struct, gc=False):
    location: str | None = msgspec.field(default=None, name="locationId")
    hotspot: str | None = msgspec.field(default=None, name="hotspotId")


class _Visit(msgspec.Struct, gc=False):
    duration: float | None = None


class _Kind(msgspec.Struct, gc=False):
    visit: _Visit | None = None


class _When(msgspec.Struct, gc=False):
    timezone: str | None = None


class _Event(msgspec.Struct, gc=False):
    event: _Kind | None = None
    where: _Where | None = None
    when: _When | None = None


_decode = msgspec.json.Decoder(_Event).decode


def read_fact(body: bytes) -> RawFact:
    """Read a stored event's body; what is not as expected counts as missing."""
    try:
        found = _decode(body)
    except msgspec.ValidationError:
        return _read_odd(msgspec.json.decode(body))
    where, when, kind = found.where, found.when, found.event
    return RawFact(
        _text(where and where.location),
        _text(where and where.hotspot),
        _text(when and when.timezone),
        _dwell(kind and kind.visit and kind.visit.duration),
    )


def _read_odd(value: Any) -> RawFact:
    """Read an event that has a value of another type than usual somewhere."""
    event = _object(value)
    where = _object(event.get("where"))
    visit = _object(_object(event.get("event")).get("visit"))
    return RawFact(
        _text(where.get("locationId")),
        _text(where.get("hotspotId")),
        _text(_object(event.get("when")).get("timezone")),
        _dwell(visit.get("duration")),
    )


def _dwell(minutes: Any) -> int:
    """Return a length in seconds."""
    if not isinstance(minutes, int | float):
        return 0
    return int(max(0.0, min(minutes * 60.0, DWELL_MAX)))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    # PostgreSQL's texts hold no NUL.
    return value.replace("\0", "\ufffd") if isinstance(value, str) else ""


def hour_of(created_at: int) -> int:
    """Return the number of an instant's hour since 1970, UTC."""
    return created_at // HOUR


def pack(rows: Iterable[tuple[int, int, int, int, int]]) -> Facts:
    """Make facts of (contact, place, hotspot, dwell, created_at), sorted by time."""
    cut = [(*row[:4], row[4] % HOUR // SECOND) for row in rows]
    return sort(np.array(cut, FACT))


def sort(facts: Facts) -> Facts:
    """Return facts in one order, so that equal sets are equal bytes."""
    order = ("second", "contact", "place", "hotspot", "dwell")
    return facts[np.lexsort([facts[name] for name in reversed(order)])]


class Joined:
    """Facts in order of time.

    Attributes:
        facts: The facts.
    """

    def __init__(self, facts: Facts, hours: Ints, counts: Ints):
        """Take facts of some hours: the hours' numbers, and how many each has."""
        self.facts = facts
        self._hours = hours
        self._ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])

    @functools.cached_property
    def seconds(self) -> Ints:
        """The instants of the facts, in seconds."""
        starts = self._hours * (HOUR // SECOND)
        seconds: Ints = np.repeat(starts, np.diff(self._ends)) + self.facts["second"]
        return seconds

    def bounds(self, instants: Ints) -> Ints:
        """Return how many facts come before each instant."""
        found: Ints
        if np.any(instants % (HOUR // SECOND)):
            found = np.searchsorted(self.seconds, instants)
        else:
            # Whole hours are known without the facts.
            hours = np.searchsorted(self._hours, instants // (HOUR // SECOND))
            found = self._ends[hours]
        return found

    def only(self, mask: npt.NDArray[np.bool_]) -> "Joined":
        """Return some of the facts."""
        left = np.concatenate([np.zeros(1, np.int64), np.cumsum(mask)])[self._ends]
        return Joined(self.facts[mask], self._hours, np.diff(left))


def join(blocks: list[tuple[int, bytes]]) -> Joined:
    """Return the facts of blocks: the number of an hour, and its facts; in order."""
    facts = np.frombuffer(b"".join(body for _, body in blocks), FACT)
    hours = np.array([hour for hour, _ in blocks], np.int64)
    counts = np.array([len(body) for _, body in blocks], np.int64) // FACT.itemsize
    return Joined(facts, hours, counts)
