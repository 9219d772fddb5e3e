"""Erase: a contact and all its events, from the answers and from the disk."""

import asyncio

import msgspec

from footfall.core.events import TYPES
from footfall.store import Store


class Erased(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What was erased: how many events, and how many of each type."""

    status: str = "OK"
    customer_id: str
    count: int
    events: dict[str, int]


async def erase_contact(store: Store, organization: str, contact: str) -> Erased:
    """Erase a contact; returns when its bytes are gone from the files.

    Raises:
        ContactUnknown: The organization never saw it.
    """
    counts = await asyncio.wrap_future(store.erase(organization, contact))
    by_type = {TYPES[number]: count for number, count in sorted(counts.items())}
    return Erased(customer_id=contact, count=sum(counts.values()), events=by_type)
