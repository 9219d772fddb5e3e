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


def read_fact(body: bytes) -> RawFact:
    """Read a stored event's body; what is not as expected counts as missing."""
    event = _object(msgspec.json.decode(body))
    where = _object(event.get("where"))
    visit = _object(_object(event.get("event")).get("visit"))
    minutes = visit.get("duration")
    dwell = 0.0 if not isinstance(minutes, int | float) else minutes * 60.0
    return RawFact(
        _text(where.get("locationId")),
        _text(where.get("hotspotId")),
        _text(_object(event.get("when")).get("timezone")),
        int(max(0.0, min(dwell, DWELL_MAX))),
    )


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
