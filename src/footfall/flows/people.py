"""People: who logs in, with what, and since when a device is theirs."""

import secrets

import msgspec

from footfall.core import observations, outcomes
from footfall.core.instants import SECOND
from footfall.core.observations import Login, Observation, Restart
from footfall.core.outcomes import Scene
from footfall.core.places import Estate
from footfall.flows.hearing import AHEAD_MAX, Unplaced, unknown_place
from footfall.flows.settling import Settling
from footfall.store.books import BEGINNING, Books, Ownership, Reattribution

# After all that can be heard.
_END = 2**62
# What may be a contact's id itself: a portal can give it to the equipment.
_OPAQUE = frozenset({"contact", "class", "cui"})


class Profile(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What is kept of a person.

    Attributes:
        created_at: When the contact was made, an instant.
        source: By what: wifi, api, kiosk and so on.
        identities: By kind, each in its one form; see `core.identities`.
        first_name: As it was given.
        last_name: As it was given.
    """

    created_at: int
    source: str
    identities: dict[str, str] = {}
    first_name: str | None = None
    last_name: str | None = None


def identity_key(estate: Estate, kind: str, value: str) -> bytes:
    """Return the digest by which an identity is found."""
    return observations.digest(estate.identity_key, f"{kind}:{value}".encode())


def read_profile(books: Books, contact: int) -> Profile | None:
    """Return what is kept of a person."""
    body = books.profile(contact)
    return None if body is None else msgspec.json.decode(body, type=Profile)


def write_profile(settling: Settling, contact: int, profile: Profile) -> None:
    """Keep this of a person, findable by its identities."""
    books, estate = settling.books, settling.estate
    books.put_profile(contact, msgspec.json.encode(profile))
    keys = [identity_key(estate, *one) for one in profile.identities.items()]
    books.put_identities(contact, keys)


def find(settling: Settling, identities: tuple[tuple[str, str], ...]) -> int | None:
    """Return the contact that the first known of these identities is of."""
    for kind, value in identities:
        found = settling.books.find_contact(value) if kind in _OPAQUE else None
        if found is None:
            key = identity_key(settling.estate, kind, value)
            found = settling.books.identity(key)
        if found is not None:
            return found
    return None


def log_in(settling: Settling, login: Login, now: int) -> list[Observation]:
    """Make the login's event, and the device the contact's from then on.

    Returns:
        The presence that a login is; none if the same login was there already.

    Raises:
        Unplaced: It was at no registered place.
    """
    estate, books = settling.estate, settling.books
    found = estate.find(login.spot)
    if found is None:
        raise Unplaced(unknown_place(login.spot))
    at = login.at - login.at % SECOND
    if login.nas is not None and not _begin_session(settling, login, at, now):
        return []
    device = login.device and observations.digest(estate.device_key, login.device)
    if device and _is_nobody(settling, login, device, at):
        return [Observation(at, login.spot, login.device, rssi=login.rssi)]
    contact = _contact_of(settling, login, at, found, device)
    name = books.contact_ids([contact])[contact]
    told_by = f"{login.session} {device.hex() if device else ''}"
    settling.add(outcomes.login(Scene(name, estate, *found), at, told_by))
    if login.device is None or device is None:
        return [Observation(at, login.spot, contact=name, rssi=login.rssi)]
    randomised = observations.is_randomised(login.device)
    bind(settling, contact, Ownership(device, at, contact, randomised))
    return [Observation(at, login.spot, login.device, rssi=login.rssi)]


def _is_nobody(settling: Settling, login: Login, device: bytes, at: int) -> bool:
    """Tell whether a login says of nobody who it is: no name, an address made up."""
    if login.identities or not observations.is_randomised(login.device or b""):
        return False
    return settling.books.owners([(device, at)]) == [None]


def _contact_of(
    settling: Settling,
    login: Login,
    at: int,
    place: tuple[int, int],
    device: bytes | None,
) -> int:
    """Return whose login it is; somebody who is not known signs up by it."""
    contact = find(settling, login.identities)
    if contact is None and not login.identities and device is not None:
        [owner] = settling.books.owners([(device, at)])
        randomised = observations.is_randomised(login.device or b"")
        named = settling.books.find_contact(device.hex())
        contact = owner if randomised else named
    if contact is not None:
        _learn(settling, contact, login.identities)
        return contact
    known = dict(login.identities)
    name = known.pop("contact", None) or secrets.token_hex(16)
    if not login.identities and device is not None:
        name = device.hex()
    contact = settling.books.put_contact(name)
    profile = Profile(at, "wifi", known)
    write_profile(settling, contact, profile)
    scene = Scene(name, settling.estate, *place)
    settling.add(
        outcomes.signup(scene, settling.estate.organization, name, at, profile.source)
    )
    return contact


def _learn(
    settling: Settling, contact: int, identities: tuple[tuple[str, str], ...]
) -> None:
    """Note what somebody who is known is known by too, unless somebody else is."""
    profile = read_profile(settling.books, contact)
    known = {} if profile is None else profile.identities
    new = {
        kind: value
        for kind, value in identities
        if kind not in known
        and kind != "contact"
        and find(settling, ((kind, value),)) is None
    }
    if profile is not None and new:
        more = msgspec.structs.replace(profile, identities=known | new)
        write_profile(settling, contact, more)


def _begin_session(settling: Settling, login: Login, at: int, now: int) -> bool:
    """Remember a session; False if it is one that was begun already."""
    books, estate = settling.books, settling.estate
    key = identity_key(estate, "session", f"{login.nas} {login.session}")
    known = books.session(key)
    # An end in the future is of a clock that was wrong: it hides nothing.
    if known is not None and (
        known.ended_at is None or at <= known.ended_at <= now + AHEAD_MAX
    ):
        return False
    books.put_session(key, identity_key(estate, "nas", login.nas or ""), at)
    return True


def end_sessions(settling: Settling, restart: Restart) -> None:
    """End all sessions of a NAS: it counts them from the start again."""
    nas = identity_key(settling.estate, "nas", restart.nas)
    settling.books.end_sessions(nas, restart.at)


def bind(settling: Settling, contact: int, ownership: Ownership) -> None:
    """Make a device a contact's from an instant on.

    What the device was heard of meanwhile becomes the contact's; so does, of a
    device that had a pseudonym, all that was ever heard of it. That is only noted
    here, and done beside; see `flows.reattribute`.
    """
    books, device, since = settling.books, ownership.device, ownership.since_at
    held = books.ownerships(device)
    before = [one for one in held if one.since_at <= since]
    if before and before[-1].contact == contact:
        return
    until = min(
        (one.since_at - 1 for one in held if one.since_at > since), default=_END
    )
    books.put_ownership(ownership)
    if held and held[0].pseudonym:
        pseudonym = held[0]
        owned = msgspec.structs.replace(pseudonym, contact=contact, pseudonym=False)
        books.put_ownership(owned)
        if pseudonym.contact != contact:
            row = Reattribution(device, BEGINNING, until, pseudonym.contact, contact)
            books.put_reattribution(row)
    elif books.is_heard_since(since):
        former = before[-1].contact if before else None
        books.put_reattribution(Reattribution(device, since, until, former))
