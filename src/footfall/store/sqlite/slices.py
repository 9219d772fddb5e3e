"""Slices: a large append holds the writer for a short time only, again and again."""

import itertools
import threading
from concurrent.futures import Future

from footfall.core.events.structs import NewEvent
from footfall.store import Appended

# So many events are written, and so many bytes synced, in some 50 ms.
SLICE_EVENTS = 2_000
SLICE_BYTES = 1024 * 1024


def slices_of(new: list[NewEvent]) -> list[list[NewEvent]]:
    """Cut events into slices, each of which holds the writer for a short time only."""
    cut: list[list[NewEvent]] = [[]]
    size = 0
    for event in new:
        size += len(event.body)
        if cut[-1] and (len(cut[-1]) == SLICE_EVENTS or size > SLICE_BYTES):
            cut.append([])
            size = len(event.body)
        cut[-1].append(event)
    return cut


def joined(parts: list[Future[Appended]], counts: list[int]) -> Future[Appended]:
    """Return what is done once all slices are, and fails if one of them does."""
    whole: Future[Appended] = Future()
    whole.set_running_or_notify_cancel()
    left, lock = len(parts), threading.Lock()

    def one_done(_part: Future[Appended]) -> None:
        nonlocal left
        with lock:
            left -= 1
            if left:
                return
        error = next(filter(None, (part.exception() for part in parts)), None)
        if error is None:
            whole.set_result(_total([part.result() for part in parts], counts))
        else:
            whole.set_exception(error)

    for part in parts:
        part.add_done_callback(one_done)
    return whole


def _total(parts: list[Appended], counts: list[int]) -> Appended:
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
