"""Attribute: find the place of each observation, and the contact it belongs to."""

import functools
from collections.abc import Sequence

from footfall.core import observations, stays
from footfall.core.instants import SECOND
from footfall.core.observations import Observation, StoredObservation
from footfall.core.places import Place, PlaceKind
from footfall.core.stays import Stay
from footfall.errors import FieldError, ItemRejected
from footfall.flows.presence.change_stays import UnitOfWork
from footfall.store.transaction import BEGINNING, Ownership, StayKey, Transaction

# How far a sender's clock may be ahead.
AHEAD_MAX = 300 * SECOND


def check_time(at: int, now: int) -> None:
    """Check that an observation can have happened at this time.

    Raises:
        ItemRejected: It is in the future or before 1970.
    """
    if at > now + AHEAD_MAX:
        message = "is in the future; check the sender's clock"
        raise ItemRejected([FieldError("at", message)])
    if at < 0:
        raise ItemRejected([FieldError("at", "is before 1970")])


class PlaceResolver:
    """Finds the places of observations, and replaces addresses with digests."""

    def __init__(self, unit: UnitOfWork, now: int):
        self._registry = unit.registry
        self._transaction = unit.transaction
        self._now = now
        self._digests = observations.Digests(unit.registry.device_key)

    def resolve(self, one: Observation) -> StoredObservation:
        """Return an observation in its stored form.

        Raises:
            ItemRejected: It has no registered place, or an impossible time.
        """
        check_time(one.at, self._now)
        found = self._registry.find(one.reference)
        if found is None:
            raise unknown_place(one.reference)
        at = one.at - one.at % SECOND
        if one.device is None:
            subject = self._transaction.people.contact_key(one.contact or "")
            self._transaction.people.put_contact(one.contact or "")
            return StoredObservation(subject, at, *found, one.rssi, by_contact=True)
        subject = self._digests.of(one.device)
        ephemeral = one.ephemeral or observations.is_randomised(one.device)
        return StoredObservation(subject, at, *found, one.rssi, ephemeral=ephemeral)


def unknown_place(reference: observations.PlaceReference) -> ItemRejected:
    """Return the rejection of an observation whose place is not registered."""
    said = str(reference) or "a place without a name"
    message = f"{said} is not registered; add the hotspot or location"
    return ItemRejected([FieldError("place", message)])


def places_of(one: StoredObservation) -> tuple[Place, ...]:
    """Return the places that an observation was in: its hotspot's location."""
    return _places(one.location)


@functools.lru_cache(maxsize=1_000)
def _places(location: int) -> tuple[Place, ...]:
    return (Place(PlaceKind.LOCATION, location),)


def absorb_observations(
    unit: UnitOfWork,
    kept: Sequence[StoredObservation],
    *,
    pseudonymous: bool | None = None,
) -> None:
    """Attribute observations, and add them to the stays of their contacts."""
    contacts = attribute(unit, kept, pseudonymous=pseudonymous)
    unit.absorb(runs_by_key(unit, by_key(kept, contacts)))


def by_key(
    kept: Sequence[StoredObservation], contacts: Sequence[int | None]
) -> dict[StayKey, list[StoredObservation]]:
    """Sort observations by their contacts, where those are known, and places."""
    found: dict[StayKey, list[StoredObservation]] = {}
    for one, contact in zip(kept, contacts, strict=True):
        if contact is not None:
            for place in places_of(one):
                found.setdefault((contact, place), []).append(one)
    return found


def runs_by_key(
    unit: UnitOfWork, heard: dict[StayKey, list[StoredObservation]]
) -> dict[StayKey, list[Stay]]:
    """Join the observations of each contact at each place into runs."""
    return {key: stays.runs(some, unit.rules(key[1])) for key, some in heard.items()}


def attribute(
    unit: UnitOfWork,
    kept: Sequence[StoredObservation],
    *,
    pseudonymous: bool | None = None,
) -> list[int | None]:
    """Return the contact of each observation; None if it is unknown."""
    if pseudonymous is None:
        pseudonymous = unit.registry.pseudonymous
    transaction = unit.transaction
    found = transaction.people.owners([(one.subject, one.at) for one in kept])
    if named := [one.subject for one in kept if one.by_contact]:
        contacts = transaction.people.contacts_by_key(set(named))
        found = [
            contacts.get(one.subject) if one.by_contact else owner
            for one, owner in zip(kept, found, strict=True)
        ]
    if not pseudonymous or None not in found:
        return found
    unknown = [
        contact is None and not (one.by_contact or one.ephemeral)
        for one, contact in zip(kept, found, strict=True)
    ]
    devices = [one.subject for one, new in zip(kept, unknown, strict=True) if new]
    made = _pseudonyms(transaction, devices)
    return [
        made[one.subject] if new else contact
        for one, new, contact in zip(kept, unknown, found, strict=True)
    ]


def _pseudonyms(transaction: Transaction, devices: list[bytes]) -> dict[bytes, int]:
    """Create the contacts that stand for unknown devices."""
    names = {device.hex(): device for device in devices}
    numbers = transaction.people.put_contacts(names)
    made = {names[name]: contact for name, contact in numbers.items()}
    transaction.people.add_ownerships(
        [
            Ownership(device, BEGINNING, contact, randomised=False, pseudonym=True)
            for device, contact in made.items()
        ]
    )
    return made
