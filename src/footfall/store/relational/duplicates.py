"""Duplicates and conflicts among events that are sent, told from what is stored."""

from collections.abc import Mapping

from footfall.core.events.duplicates import is_duplicate
from footfall.core.events.structs import NewEvent
from footfall.store import Appended


def sort_out(
    sent: list[NewEvent], stored: Mapping[bytes, bytes]
) -> tuple[list[NewEvent], Appended]:
    """Return the events that are to be stored, and what became of all.

    Args:
        sent: In their order; the same key may be in it more than once.
        stored: The bodies of those of their keys that are stored already.
    """
    fresh: dict[bytes, NewEvent] = {}
    conflicts: list[int] = []
    for position, event in enumerate(sent):
        first = fresh.get(event.key)
        known = stored.get(event.key) if first is None else first.body
        if known is None:
            fresh[event.key] = event
        # What would be stored is what is: that needs no reading.
        elif event.body != known and not is_duplicate(event.sent, known):
            conflicts.append(position)
    duplicates = len(sent) - len(fresh) - len(conflicts)
    return list(fresh.values()), Appended(len(fresh), duplicates, tuple(conflicts))
