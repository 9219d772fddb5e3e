"""Pull: an account's history, page by page from elsewhere, into the store.

You may do it again after an interruption: stored events are duplicates then. An event
without an id gets one computed from its content.
"""

import functools
import hashlib
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec

from footfall.flows.events import ingest
from footfall.flows.events.ingest import Batch
from footfall.flows.files import RejectsFile
from footfall.flows.write_window import WriteWindow
from footfall.store import Appended, Store

# The next page is fetched while the store writes the one before.
_WRITES_MAX = 1
P = TypeVar("P")


class PulledEvents(msgspec.Struct, frozen=True):
    """What happened to a history's events.

    Attributes:
        accepted: How many were stored.
        duplicates: How many were there already.
        rejected: How many cannot be stored.
        rejected_file: Where they are, with the reasons.
    """

    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    rejected_file: str | None = None

    @property
    def count(self) -> int:
        """How many there were."""
        return self.accepted + self.duplicates + self.rejected


def pull(
    store: Store,
    organization: str,
    pages: Iterable[tuple[list[bytes], P]],
    now: int,
    rejects: RejectsFile,
    note: Callable[[P, PulledEvents], None],
) -> PulledEvents:
    """Store an organization's events page by page, in their order.

    Args:
        store: Where they go.
        organization: Whose they are.
        pages: Events as JSON, each page with the position after it.
        now: The instant of this pull.
        rejects: Keeps what cannot be stored.
        note: Called with a position when all before it is on disk.
    """
    done = PulledEvents()

    def end(batch: Batch, items: list[bytes], position: P, appended: Appended) -> None:
        nonlocal done
        receipt = ingest.receipt(batch, appended)
        rejects.add(*(_rejection(one, items) for one in receipt.rejected))
        done = PulledEvents(
            done.accepted + receipt.accepted,
            done.duplicates + receipt.duplicates,
            rejects.count,
            rejects.name,
        )
        note(position, done)

    zone_at = ingest.zones(store, organization)
    window = WriteWindow[Appended](_WRITES_MAX)
    try:
        for items, position in pages:
            batch = ingest.read(items, organization, now, _id_of, zone_at)
            write = store.append(organization, batch.events)
            window.add(write, functools.partial(end, batch, items, position))
    finally:
        # What was fetched before an error is not fetched again.
        window.drain()
    return done


def _id_of(item: bytes, _index: int) -> str:
    return hashlib.blake2b(item, digest_size=16).hexdigest()


def _rejection(rejected: ingest.RejectedItem, items: list[bytes]) -> dict[str, Any]:
    return {
        "id": rejected.id,
        "errors": rejected.errors,
        "event": items[rejected.index].decode(errors="replace"),
    }
