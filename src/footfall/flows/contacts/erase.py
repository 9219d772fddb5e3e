"""Erase: a contact and all its events, from the answers and from the disk."""

import asyncio

import msgspec

from footfall.core.events.types import TYPES
from footfall.store import Store


class Erased(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was erased: how many events, and how many of each type.

    `bytes_pending` says that a long read still keeps bytes of the contact in the files;
    they are removed as soon as the read ends.
    """

    status: str = "OK"
    customer_id: str
    count: int
    events: dict[str, int]
    bytes_pending: bool


async def erase_contact(store: Store, organization: str, contact: str) -> Erased:
    """Erase a contact; return when it is gone from all answers.

    Raises:
        ContactUnknown: The organization never saw it.
    """
    erased = await asyncio.wrap_future(store.erase(organization, contact))
    counts = erased.counts
    return Erased(
        customer_id=contact,
        count=sum(counts.values()),
        events={TYPES[number]: count for number, count in sorted(counts.items())},
        bytes_pending=erased.bytes_pending,
    )
