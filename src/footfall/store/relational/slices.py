"""Slices: a large append is written as several small ones that follow each other."""

import itertools

from footfall.core.events.structs import NewEvent
from footfall.store import Appended

# So many events are written, and so many bytes synced, in some 50 ms.
SLICE_EVENTS = 2_000
SLICE_BYTES = 1024 * 1024


def slices_of(new: list[NewEvent]) -> list[list[NewEvent]]:
    """Cut events into slices, each of which takes a short time; at least one."""
    cut: list[list[NewEvent]] = [[]]
    size = 0
    for event in new:
        size += len(event.body)
        if cut[-1] and (len(cut[-1]) == SLICE_EVENTS or size > SLICE_BYTES):
            cut.append([])
            size = len(event.body)
        cut[-1].append(event)
    return cut


def total(parts: list[Appended], counts: list[int]) -> Appended:
    """Add up what became of slices that follow each other, each of so many events."""
    starts = itertools.accumulate(counts, initial=0)
    return Appended(
        sum(part.accepted for part in parts),
        sum(part.duplicates for part in parts),
        tuple(
            start + position
            for start, part in zip(starts, parts, strict=False)
            for position in part.conflicts
        ),
    )
