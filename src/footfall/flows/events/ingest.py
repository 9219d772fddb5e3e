"""Ingest: take bytes in, store the events, answer for each item."""

import asyncio
import functools
import secrets
from collections.abc import Callable, Collection
from concurrent.futures import Future

import msgspec

from footfall.core import bodies
from footfall.core.events.acceptance import accept
from footfall.core.events.duplicates import is_same, key_of_item
from footfall.core.events.ids import make_id
from footfall.core.events.structs import NewEvent
from footfall.core.places import Registry
from footfall.errors import FieldError, ItemRejected, NothingAccepted
from footfall.flows.parsing import on_parser
from footfall.store import Appended, Store

BATCH_MAX = 10_000
# Of so many items it costs little to look whether the first is stored.
_PROBED_MIN = 20
_ID_BITS = 80
_CONFLICT = FieldError(
    "event.id", "belongs to a stored event with other content; that one stays"
)


class RejectedItem(msgspec.Struct, frozen=True):
    """An item that was not stored, and why.

    `index` is its position in what was sent, from 0.
    """

    index: int
    id: str | None
    errors: list[FieldError]


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to a batch."""

    status: str = "OK"
    accepted: int
    duplicates: int
    rejected: list[RejectedItem]


class Batch(msgspec.Struct, frozen=True):
    """A batch that was read: events to store, and items that cannot be.

    `duplicates` is how many items were not read, for they are stored already.
    """

    events: list[NewEvent]
    positions: list[int]
    rejected: list[RejectedItem]
    duplicates: int = 0


def read(
    items: list[bytes],
    organization: str,
    now: int,
    new_id: Callable[[bytes, int], str] | None = None,
    zone_at: Callable[[str], str | None] = lambda _: None,
    known: Collection[int] = (),
) -> Batch:
    """Check and complete each item; see `core.events.acceptance`.

    `new_id` makes the digits of a missing id from the item and its index; by default
    they are time-ordered and random. `zone_at` returns a location's time zone. `known`
    are the indexes of items that are stored already.
    """
    accepted: list[NewEvent] = []
    positions: list[int] = []
    rejected: list[RejectedItem] = []

    def time_ordered(_item: bytes, _index: int) -> str:
        return make_id(now, secrets.randbits(_ID_BITS))

    for index, item in enumerate(items):
        if index in known:
            continue
        try:
            fresh = functools.partial(new_id or time_ordered, item, index)
            accepted.append(accept(item, organization, now, fresh, zone_at))
            positions.append(index)
        except ItemRejected as reason:
            rejected.append(RejectedItem(index, reason.item_id, list(reason.errors)))
    return Batch(accepted, positions, rejected, len(known))


def find_stored(store: Store, organization: str, items: list[bytes]) -> set[int]:
    """Return the indexes of items that are stored already, byte by byte.

    What is sent again is mostly a whole batch: only if its first event is stored are
    the others looked up. They are not decoded, and cost the writer nothing. Those that
    are written differently are found out by the append.
    """
    if len(items) < _PROBED_MIN:
        return set()
    first = key_of_item(items[0])
    if first is None or not store.bodies(organization, [first]):
        return set()
    keys = [key_of_item(item) for item in items]
    stored = store.bodies(organization, [key for key in keys if key is not None])
    return {
        index
        for index, (item, key) in enumerate(zip(items, keys, strict=True))
        if key is not None and (body := stored.get(key)) and is_same(item, body)
    }


def zones(store: Store, organization: str) -> Callable[[str], str | None]:
    """Return a function that gives the time zones of an organization's locations.

    It reads the registry only when an event does not name its own zone.
    """

    @functools.cache
    def registry() -> Registry:
        return store.read(organization, lambda transaction: transaction.registry.load())

    return lambda location: registry().timezone_at(location)


def receipt(batch: Batch, appended: Appended) -> Receipt:
    """Put together the answer for each item."""
    conflicts = [
        RejectedItem(
            batch.positions[conflict], _id_of(batch.events[conflict]), [_CONFLICT]
        )
        for conflict in appended.conflicts
    ]
    rejected = sorted(batch.rejected + conflicts, key=lambda item: item.index)
    return Receipt(
        accepted=appended.accepted,
        duplicates=appended.duplicates + batch.duplicates,
        rejected=rejected,
    )


def _id_of(event: NewEvent) -> str:
    value: str = msgspec.json.decode(event.body)["event"]["id"]
    return value


class NothingStored(NothingAccepted):
    """Every item was rejected; the problem lists them as a receipt does."""

    def __init__(self, answer: Receipt):
        super().__init__("None of the events could be stored; see `rejected`.")
        self.answer = answer


async def receive(
    store: Store, organization: str, body: bytes, now: int, *, lines: bool
) -> Receipt:
    """Take in a request's body; return when the accepted events are on disk.

    Raises:
        BodyInvalid: It is not JSON as a whole.
        TooLarge: It has more than `BATCH_MAX` items.
        NothingAccepted: No event was stored or already there; has all reasons.
    """

    def take() -> tuple[Batch, Future[Appended] | None]:
        zone_at = zones(store, organization)
        items = bodies.split(body, lines=lines, count_max=BATCH_MAX)
        known = find_stored(store, organization, items)
        batch = read(items, organization, now, zone_at=zone_at, known=known)
        if not batch.events:
            return batch, None
        return batch, store.append(organization, batch.events)

    batch, future = await on_parser(take)
    appended = Appended(accepted=0)
    if future is not None:
        appended = await asyncio.wrap_future(future)
    answer = receipt(batch, appended)
    if answer.rejected and not answer.accepted:
        raise NothingStored(answer)
    return answer
