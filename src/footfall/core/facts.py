"""Facts: what analytics keeps of an event, in columns.

A *block* has the facts of one type and one hour (UTC) of an organization, sorted by
time. It is a function of the stored events: whatever their order of arrival, what was
withdrawn or erased is not in it. numpy reads a block as it lies in the store; it is the
library that everybody computes columns with.
"""

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
DWELL_MAX = 2**32 - 1


class _Where(msgspec.Struct, frozen=True, rename="camel", gc=False):
    location_id: Any = None
    hotspot_id: Any = None


class _Event(msgspec.Struct, frozen=True, gc=False):
    visit: Any = None


class _When(msgspec.Struct, frozen=True, gc=False):
    timezone: Any = None


class _Body(msgspec.Struct, frozen=True, gc=False):
    event: _Event = _Event()
    where: _Where = _Where()
    when: _When = _When()


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


_decoder = msgspec.json.Decoder(_Body)


def read_fact(body: bytes) -> RawFact:
    """Read a stored event's body."""
    found = _decoder.decode(body)
    visit = found.event.visit
    minutes = visit.get("duration") if isinstance(visit, dict) else None
    dwell = int(minutes * 60) if isinstance(minutes, int | float) else 0
    return RawFact(
        _text(found.where.location_id),
        _text(found.where.hotspot_id),
        _text(found.when.timezone),
        max(0, min(dwell, DWELL_MAX)),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


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


def join(blocks: list[tuple[int, bytes]]) -> tuple[Facts, npt.NDArray[np.int64]]:
    """Return the facts of blocks, and their instants in seconds, in order of time.

    Args:
        blocks: The number of an hour, and its facts; in order.
    """
    facts = np.frombuffer(b"".join(body for _, body in blocks), FACT)
    hours = np.array([hour for hour, _ in blocks], np.int64)
    counts = [len(body) // FACT.itemsize for _, body in blocks]
    seconds = np.repeat(hours * (HOUR // SECOND), counts) + facts["second"]
    return facts, seconds
