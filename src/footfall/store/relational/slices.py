"""Slices: a large append is written as several small ones that follow each other."""

import itertools

from footfall.core.events.structs import NewEvent
from footfall.store import Appended


def slices_of(
    new: list[NewEvent], most_events: int, most_bytes: int
) -> list[list[NewEvent]]:
    """Cut events into slices of so many events and bytes at most; at least one."""
    cut: list[list[NewEvent]] = [[]]
    size = 0
    for event in new:
        size += len(event.body)
        if cut[-1] and (len(cut[-1]) == most_events or size > most_bytes):
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
