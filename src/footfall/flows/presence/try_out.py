"""Try out: what would be understood of a post of a source, with nothing stored.

The source's own decoder reads it and the organization's registry finds the places, as
in `receive`.
"""

import asyncio
from collections.abc import Iterator

import msgspec

from footfall.core import observations
from footfall.core.instants import format_instant
from footfall.core.observations import Login, Observation, SourceBatch
from footfall.core.places import Registry
from footfall.errors import ItemRejected
from footfall.flows.events.ingest import RejectedItem
from footfall.flows.parsing import on_parser
from footfall.flows.presence.attribute import check_time, unknown_place
from footfall.flows.presence.receive import DECODERS, at_default
from footfall.sources import freeradius
from footfall.store import Store
from footfall.store.transaction import Source

SHOWN_MAX = 100


class UnderstoodItem(msgspec.Struct, frozen=True, rename="camel"):
    """An observation or a login as footfall understands it.

    Attributes:
        index: Its position in what was sent.
        type: observation or login.
        at: When.
        location_id: Where.
        location_name: The name of that.
        hotspot_id: At which hotspot, if one is registered.
        rssi: The signal in dBm.
        randomised: Whether the device's address is made up.
        identities: The kinds of identities of a login: username, email and so on.
    """

    index: int
    type: str
    at: str
    location_id: str
    location_name: str
    hotspot_id: str | None
    rssi: int | None
    randomised: bool
    identities: tuple[str, ...] = ()


class Understood(msgspec.Struct, frozen=True):
    """What would be taken in, and what not; of each the first 100 are listed.

    Attributes:
        observations: How many observations.
        logins: How many logins.
        restarts: How many restarts of a NAS.
        rejections: How many items would be rejected.
        items: The observations and logins.
        rejected: The rejected items, with their reasons.
    """

    observations: int
    logins: int
    restarts: int
    rejections: int
    items: list[UnderstoodItem]
    rejected: list[RejectedItem]
    status: str = "OK"


async def try_post(store: Store, source: Source, body: bytes, now: int) -> Understood:
    """Tell what would be understood of a post; nothing of it is stored.

    RADIUS has no posts: its attributes are read as FreeRADIUS posts them, as JSON.
    """
    decode = DECODERS.get(source.kind, freeradius).decode
    heard = at_default(source, await on_parser(decode, body, now))
    registry = await asyncio.to_thread(
        store.read,
        source.organization,
        lambda transaction: transaction.registry.load(),
    )
    return await on_parser(_understood, heard, registry, now)


def _understood(heard: SourceBatch, registry: Registry, now: int) -> Understood:
    rejected = [
        RejectedItem(one.index, None, list(one.errors)) for one in heard.rejections
    ]
    items: list[UnderstoodItem] = []
    for one in (*heard.observations, *heard.logins):
        try:
            items.append(_item(one, registry, now))
        except ItemRejected as error:
            rejected.append(RejectedItem(one.index, None, list(error.errors)))
    restarts = 0
    for restart in heard.restarts:
        try:
            check_time(restart.at, now)
            restarts += 1
        except ItemRejected as error:
            rejected.append(RejectedItem(0, None, list(error.errors)))
    return Understood(
        observations=sum(one.type == "observation" for one in items),
        logins=sum(one.type == "login" for one in items),
        restarts=restarts,
        rejections=len(rejected),
        items=items[:SHOWN_MAX],
        rejected=rejected[:SHOWN_MAX],
    )


def _item(one: Observation | Login, registry: Registry, now: int) -> UnderstoodItem:
    check_time(one.at, now)
    found = registry.find(one.reference)
    if found is None:
        raise unknown_place(one.reference)
    number, hotspot = found
    location = registry.locations[number].location
    return UnderstoodItem(
        index=one.index,
        type="login" if isinstance(one, Login) else "observation",
        at=format_instant(one.at),
        location_id=location.id,
        location_name=location.name,
        hotspot_id=registry.hotspots[hotspot][0].id if hotspot else None,
        rssi=one.rssi,
        randomised=one.device is not None and observations.is_randomised(one.device),
        identities=tuple(_kinds(one)),
    )


def _kinds(one: Observation | Login) -> Iterator[str]:
    if isinstance(one, Login):
        yield from (kind for kind, _ in one.identities)
