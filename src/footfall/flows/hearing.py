"""Hearing: observations become points in the stays of those whose they are."""

from collections.abc import Sequence

from footfall.core import observations, stays
from footfall.core.instants import SECOND
from footfall.core.observations import Kept, Observation
from footfall.core.stays import Point, Stay
from footfall.errors import FieldError
from footfall.flows.settling import Key, Settling
from footfall.store.books import BEGINNING, Books, Ownership

# How far a sender's clock may be ahead.
AHEAD_MAX = 300 * SECOND


class Unplaced(Exception):
    """Something was heard at no registered place, or at no time."""

    def __init__(self, error: FieldError):
        super().__init__(error.message)
        self.error = error


def check_time(at: int, now: int) -> None:
    """Accept a time that somebody can have been somewhere.

    Raises:
        Unplaced: It is none.
    """
    if at > now + AHEAD_MAX:
        raise Unplaced(FieldError("at", "is in the future; check the sender's clock"))
    if at < 0:
        raise Unplaced(FieldError("at", "is before 1970"))


class Places:
    """Finds the places of observations, and puts digests in place of addresses."""

    def __init__(self, settling: Settling, now: int):
        self._estate = settling.estate
        self._books = settling.books
        self._now = now
        self._digests: dict[bytes, bytes] = {}

    def place(self, one: Observation) -> Kept:
        """Return an observation as it is kept.

        Raises:
            Unplaced: It was at no registered place, or at no time.
        """
        check_time(one.at, self._now)
        found = self._estate.find(one.spot)
        if found is None:
            raise Unplaced(unknown_place(one.spot))
        at = one.at - one.at % SECOND
        if one.device is None:
            subject = self._books.contact_key(one.contact or "")
            self._books.put_contact(one.contact or "")
            return Kept(subject, at, *found, one.rssi, by_contact=True)
        subject = self._digests.get(one.device) or self._digest(one.device)
        fleeting = one.fleeting or observations.is_randomised(one.device)
        return Kept(subject, at, *found, one.rssi, fleeting=fleeting)

    def _digest(self, device: bytes) -> bytes:
        made = observations.digest(self._estate.device_key, device)
        self._digests[device] = made
        return made


def unknown_place(spot: observations.Spot) -> FieldError:
    """Say that a place is not registered."""
    said = str(spot) or "a place that is not named"
    return FieldError("place", f"{said} is not registered; add the hotspot or location")


def hear(
    settling: Settling, kept: Sequence[Kept], *, pseudonymous: bool | None = None
) -> None:
    """Let observations change the stays of those whose they are."""
    points: dict[Key, list[Point]] = {}
    contacts = attribute(settling, kept, pseudonymous=pseudonymous)
    for one, contact in zip(kept, contacts, strict=True):
        if contact is not None:
            point = Point(one.at, one.rssi, one.hotspot)
            points.setdefault((contact, one.location), []).append(point)
    settling.absorb(gathered(settling, points))


def gathered(
    settling: Settling, points: dict[Key, list[Point]]
) -> dict[Key, list[Stay]]:
    """Turn points into the stays that they are among themselves."""
    return {
        key: list(stays.runs(some, settling.rules(key[1])))
        for key, some in points.items()
    }


def attribute(
    settling: Settling, kept: Sequence[Kept], *, pseudonymous: bool | None = None
) -> list[int | None]:
    """Return whose each observation was; None where nobody is known."""
    if pseudonymous is None:
        pseudonymous = settling.estate.pseudonymous
    books = settling.books
    owners = books.owners([(one.subject, one.at) for one in kept])
    keys = {one.subject for one in kept if one.by_contact}
    contacts = books.contacts_by_key(keys) if keys else {}
    made: dict[bytes, int] = {}
    found: list[int | None] = []
    for one, owner in zip(kept, owners, strict=True):
        contact = contacts.get(one.subject) if one.by_contact else owner
        if contact is None and pseudonymous and not (one.by_contact or one.fleeting):
            contact = made.get(one.subject) or _pseudonym(books, one.subject)
            made[one.subject] = contact
        found.append(contact)
    return found


def _pseudonym(books: Books, device: bytes) -> int:
    """Make the contact of a device of nobody known."""
    contact = books.put_contact(device.hex())
    books.put_ownership(
        Ownership(device, BEGINNING, contact, randomised=False, pseudonym=True)
    )
    return contact
