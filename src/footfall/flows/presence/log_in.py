"""Log in: find the contact, and give it the device from then on."""

import secrets

import msgspec

from footfall.core import derived_events, observations
from footfall.core.derived_events import EventContext
from footfall.core.instants import SECOND
from footfall.core.observations import Login, Observation, Restart
from footfall.flows.presence.attribute import (
    AHEAD_MAX,
    unknown_place,
)
from footfall.flows.presence.change_stays import UnitOfWork
from footfall.flows.presence.identify import (
    Profile,
    find_contact,
    identity_key,
    read_profile,
    write_profile,
)
from footfall.store.transaction import BEGINNING, Ownership, Reattribution

# A bound later than any observation.
_END = 2**62


def log_in(unit: UnitOfWork, login: Login, now: int) -> list[Observation]:
    """Make the login's event, and give the contact the device from then on.

    Returns:
        The login as an observation; none if the same login was already there.

    Raises:
        ItemRejected: It has no registered place.
    """
    registry, transaction = unit.registry, unit.transaction
    found = registry.find(login.reference)
    if found is None:
        raise unknown_place(login.reference)
    at = login.at - login.at % SECOND
    if login.nas is not None and not _begin_session(unit, login, at, now):
        return []
    device = login.device and observations.digest(registry.device_key, login.device)
    if device and _is_anonymous(unit, login, device, at):
        return [Observation(at, login.reference, login.device, rssi=login.rssi)]
    contact = _contact_of(unit, login, at, found, device)
    name = transaction.people.contact_ids([contact])[contact]
    session = f"{login.session} {device.hex() if device else ''}"
    unit.add(derived_events.login(EventContext(name, registry, *found), at, session))
    if login.device is None or device is None:
        return [Observation(at, login.reference, contact=name, rssi=login.rssi)]
    randomised = observations.is_randomised(login.device)
    bind(unit, contact, Ownership(device, at, contact, randomised))
    return [Observation(at, login.reference, login.device, rssi=login.rssi)]


def _is_anonymous(unit: UnitOfWork, login: Login, device: bytes, at: int) -> bool:
    """Tell whether a login has no identity, and an unknown randomised address."""
    if login.identities or not observations.is_randomised(login.device or b""):
        return False
    return unit.transaction.people.owners([(device, at)]) == [None]


def _contact_of(
    unit: UnitOfWork,
    login: Login,
    at: int,
    place: tuple[int, int],
    device: bytes | None,
) -> int:
    """Return the contact of a login; an unknown one is created, with its signup."""
    contact = find_contact(unit, login.identities)
    # Without an identity, a randomised address stands for its present owner only. A
    # lasting address stands for the contact named after it, its pseudonym.
    if contact is None and not login.identities and device is not None:
        [owner] = unit.transaction.people.owners([(device, at)])
        randomised = observations.is_randomised(login.device or b"")
        named = unit.transaction.people.find_contact(device.hex())
        contact = owner if randomised else named
    if contact is not None:
        _learn(unit, contact, login.identities)
        return contact
    known = dict(login.identities)
    name = known.pop("contact", None) or secrets.token_hex(16)
    if not login.identities and device is not None:
        name = device.hex()
    contact = unit.transaction.people.put_contact(name)
    profile = Profile(at, "wifi", known)
    write_profile(unit, contact, profile)
    context = EventContext(name, unit.registry, *place)
    unit.add(
        derived_events.signup(
            context, unit.registry.organization, name, at, profile.source
        )
    )
    return contact


def _learn(
    unit: UnitOfWork, contact: int, identities: tuple[tuple[str, str], ...]
) -> None:
    """Add new identities to a contact, except those of another contact."""
    profile = read_profile(unit.transaction, contact)
    known = {} if profile is None else profile.identities
    new = {
        kind: value
        for kind, value in identities
        if kind not in known
        and kind != "contact"
        and find_contact(unit, ((kind, value),)) is None
    }
    if profile is not None and new:
        more = msgspec.structs.replace(profile, identities=known | new)
        write_profile(unit, contact, more)


def _begin_session(unit: UnitOfWork, login: Login, at: int, now: int) -> bool:
    """Store a session; return False if it had already begun."""
    transaction, registry = unit.transaction, unit.registry
    key = identity_key(registry, "session", f"{login.nas} {login.session}")
    known = transaction.people.session(key)
    # An end in the future comes from a wrong clock, so it must not hide this login.
    if known is not None and (
        known.ended_at is None or at <= known.ended_at <= now + AHEAD_MAX
    ):
        return False
    transaction.people.put_session(
        key, identity_key(registry, "nas", login.nas or ""), at
    )
    return True


def end_sessions(unit: UnitOfWork, restart: Restart) -> None:
    """End all sessions of a NAS, because it now uses their numbers again."""
    nas = identity_key(unit.registry, "nas", restart.nas)
    unit.transaction.people.end_sessions(nas, restart.at)


def bind(unit: UnitOfWork, contact: int, ownership: Ownership) -> None:
    """Give a device to a contact from an instant on.

    The contact also gets the device's observations since that instant, and if the
    device had a pseudonym, all of its observations. Here this is only noted;
    `flows.presence.reattribute` does it later.
    """
    transaction, device, since = unit.transaction, ownership.device, ownership.since_at
    held = transaction.people.ownerships(device)
    before = [one for one in held if one.since_at <= since]
    if before and before[-1].contact == contact:
        return
    until = min(
        (one.since_at - 1 for one in held if one.since_at > since), default=_END
    )
    transaction.people.put_ownership(ownership)
    if held and held[0].pseudonym:
        pseudonym = held[0]
        owned = msgspec.structs.replace(pseudonym, contact=contact, pseudonym=False)
        transaction.people.put_ownership(owned)
        if pseudonym.contact != contact:
            row = Reattribution(device, BEGINNING, until, pseudonym.contact, contact)
            transaction.people.put_reattribution(row)
    elif transaction.observations.any_since(since):
        former = before[-1].contact if before else None
        transaction.people.put_reattribution(
            Reattribution(device, since, until, former)
        )
