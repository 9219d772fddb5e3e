"""An organization's books: what its presence is made of, inside one transaction.

What a flow does with them is done together or not at all: the stays, the events made
of them and what they were made of never disagree.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

import msgspec

from footfall.core.events import NewEvent
from footfall.core.observations import Kept
from footfall.core.places import Estate, Hotspot, Location, PresenceSettings
from footfall.core.stays import Rules, Stay

# Before all that can be heard: since when a pseudonym has its device.
BEGINNING = -(2**62)


class Recorded(msgspec.Struct, frozen=True, gc=False):
    """A stay in the books, with the rules that it was last changed under.

    `number` is None for one that is new.
    """

    number: int | None
    contact: int
    location: int
    stay: Stay
    rules: Rules


class Near(msgspec.Struct, frozen=True, gc=False):
    """What lies within a timeout of a span, of a contact at a location."""

    contact: int
    location: int
    first_at: int
    last_at: int
    timeout: int


class Ownership(msgspec.Struct, frozen=True):
    """Since when a device is a contact's."""

    device: bytes
    since_at: int
    contact: int
    randomised: bool
    pseudonym: bool = False


class Source(msgspec.Struct, frozen=True):
    """Where equipment sends to, and its secret, sealed.

    Attributes:
        id: The last part of its address.
        organization: Whose equipment.
        kind: What speaks there; see `footfall.sources`.
        created_at: An instant.
        secret: What proves that it is it, sealed.
        validator: What Meraki asks for.
        location: Where an access point that is not registered stands.
        networks: Where RADIUS packets may come from.
    """

    id: str
    organization: str
    kind: str
    created_at: int
    secret: bytes
    validator: str | None = None
    location: str | None = None
    networks: tuple[str, ...] = ()


class ProblemKept(msgspec.Struct, frozen=True):
    """Something that a source sent and nobody understood."""

    source: str
    at: int
    reason: str
    body: str


class Session(msgspec.Struct, frozen=True):
    """A session of a NAS: when it began, and when the NAS ended all it had."""

    at: int
    ended_at: int | None


class Reattribution(msgspec.Struct, frozen=True):
    """A device changed hands: what it was heard of is to be given to whom it is now.

    Attributes:
        device: Its digest.
        since_at: The first instant that is somebody else's now.
        until_at: The last.
        former: The contact that had it, if one did.
        heir: The contact that gets all that `former`, a pseudonym, had.
        number: Its place in the order.
    """

    device: bytes
    since_at: int
    until_at: int
    former: int | None = None
    heir: int | None = None
    number: int = 0


class Books(Protocol):
    """What an engine lets a flow do with an organization's books."""

    def estate(self) -> Estate:
        """Return what is registered."""

    def put_location(
        self, location: Location, settings: PresenceSettings, *, deleted: bool = False
    ) -> None:
        """Add a location, or change the one with its id."""

    def put_hotspot(self, hotspot: Hotspot) -> None:
        """Add a hotspot, or change the one with its id."""

    def delete_hotspot(self, hotspot: str) -> None:
        """Forget a hotspot."""

    def put_settings(self, settings: PresenceSettings) -> None:
        """Set the organization's rules."""

    def delete_device_key(self) -> None:
        """Forget what the devices' digests were made with; a new one is made."""

    def find_contact(self, contact: str) -> int | None:
        """Return a contact's number."""

    def put_contact(self, contact: str) -> int:
        """Return a contact's number; it is seen from now on."""

    def contact_ids(self, numbers: Iterable[int]) -> dict[int, str]:
        """Return the ids of contacts by their numbers, those of erased ones not."""

    def contacts_by_key(self, keys: Iterable[bytes]) -> dict[bytes, int]:
        """Return the numbers of contacts by what observations keep of them."""

    def contact_key(self, contact: str) -> bytes:
        """Return what observations keep of a contact."""

    def profile(self, contact: int) -> bytes | None:
        """Return what is kept of a person."""

    def put_profile(self, contact: int, body: bytes) -> None:
        """Keep this of a person, and nothing of what was kept."""

    def identity(self, key: bytes) -> int | None:
        """Return the contact that an identity's digest leads to."""

    def put_identities(self, contact: int, keys: Iterable[bytes]) -> None:
        """Let these digests, and no others, lead to a contact."""

    def owners(self, asked: list[tuple[bytes, int]]) -> list[int | None]:
        """Return whose each device was at each instant."""

    def ownerships(self, device: bytes) -> list[Ownership]:
        """Return whose a device was, in order."""

    def devices(self, contact: int) -> list[Ownership]:
        """Return the devices that are or were a contact's."""

    def put_ownership(self, ownership: Ownership) -> None:
        """Say whose a device is from an instant on."""

    def put_reattribution(self, one: Reattribution) -> None:
        """Note what is to be attributed anew."""

    def reattributions(self, limit: int) -> list[Reattribution]:
        """Return what is to be attributed anew, in order."""

    def drop_reattributions(self, numbers: Iterable[int]) -> None:
        """Note what was attributed anew."""

    def stays(self, asked: list[Near]) -> list[Recorded]:
        """Return the stays of contacts at locations that lie near to spans."""

    def stays_of(self, contact: int, limit: int = -1) -> list[Recorded]:
        """Return the stays of a contact, all or as many."""

    def stays_due(self, now: int, limit: int) -> list[Recorded]:
        """Return stays that it is time to look at."""

    def postpone_stay(self, stay: int, until: int) -> None:
        """Look at a stay again at an instant, and not before."""

    def extend_stays(self, longer: list[Recorded]) -> None:
        """Keep stays of which only the end has changed."""

    def put_stays(self, stays: list[Recorded]) -> None:
        """Keep stays as they are now."""

    def drop_stays(self, stays: Iterable[Recorded]) -> None:
        """Forget stays."""

    def append(self, events: list[NewEvent]) -> int:
        """Store made events, those that are not yet there; returns how many."""

    def withdraw(self, events: list[NewEvent]) -> int:
        """Take made events back, and announce it; returns how many were there."""

    def keep(self, kept: list[Kept], now: int) -> None:
        """Keep observations, to make visits anew."""

    def kept(self, since: int, until: int) -> Iterator[Kept]:
        """Yield the kept observations of a span."""

    def kept_of(self, subjects: set[bytes], since: int, until: int) -> Iterator[Kept]:
        """Yield the kept observations of a span of some devices or contacts."""

    def is_heard_since(self, since: int) -> bool:
        """Tell whether any observation of then or later is kept."""

    def kept_since(self) -> int | None:
        """Return the first instant of which observations are kept whole."""

    def session(self, key: bytes) -> Session | None:
        """Return a session by its digest."""

    def put_session(self, key: bytes, nas: bytes, at: int) -> None:
        """Begin a session."""

    def end_sessions(self, nas: bytes, at: int) -> int:
        """End those of a NAS that began before; returns how many."""

    def put_source(self, source: Source) -> None:
        """Add a source."""

    def delete_source(self, source: str) -> bool:
        """Forget a source; False if there is none."""

    def put_problems(self, problems: list[ProblemKept]) -> None:
        """Keep what was not understood, the newest of it if it is too much."""

    def problems(self, limit: int) -> list[ProblemKept]:
        """Return what was not understood, newest first."""
