"""A transaction of an organization: its data, as small repositories.

What a flow does with them is done together or not at all: the stays, the events made
of them and what they were made of never disagree.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import IntEnum
from typing import Protocol, TypeAlias

import msgspec

from footfall.core.events.structs import NewEvent
from footfall.core.observations import StoredObservation
from footfall.core.places import (
    Hotspot,
    Location,
    Place,
    PresenceSettings,
    Registry,
)
from footfall.core.stays import Rules, Stay
from footfall.store.analytics import AnalyticsRepository
from footfall.store.webhooks import WebhookRepository

# Before all that can be heard: since when a pseudonym has its device.
BEGINNING = -(2**62)

# A contact, by its number, and a place.
StayKey: TypeAlias = tuple[int, Place]


class StoredStay(msgspec.Struct, frozen=True, gc=False):
    """A stay as it is stored, with the rules that it was last changed under.

    `number` is None for one that is new.
    """

    number: int | None
    contact: int
    place: Place
    stay: Stay
    rules: Rules


class StayQuery(msgspec.Struct, frozen=True, gc=False):
    """What lies within a timeout of a span, of a contact at a place."""

    contact: int
    place: Place
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
        name: What people call it.
    """

    id: str
    organization: str
    kind: str
    created_at: int
    secret: bytes
    validator: str | None = None
    location: str | None = None
    networks: tuple[str, ...] = ()
    name: str | None = None


class StoredRejection(msgspec.Struct, frozen=True):
    """Something that a source sent and nobody understood.

    `number` is its place in the order; that of a new one is not known yet.
    """

    source: str
    at: int
    reason: str
    body: str
    number: int = 0


class HeardKind(IntEnum):
    """What was heard, or heard somebody; the numbers are in the database."""

    LOCATION = 0
    HOTSPOT = 1
    SOURCE = 2


# What was heard, by its id.
Heard: TypeAlias = tuple[HeardKind, str]


class Session(msgspec.Struct, frozen=True):
    """A session of a NAS: when it began, and when the NAS ended all it had."""

    at: int
    ended_at: int | None


class Reattribution(msgspec.Struct, frozen=True):
    """A device changed hands: its observations go to the contact that has it now.

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


class RegistryRepository(Protocol):
    """What is registered: locations, hotspots, the rules of presence, the keys."""

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

    def load(self) -> Registry:
        """Return what is registered."""


class PeopleRepository(Protocol):
    """Who is known: contacts, their identities and devices, sessions."""

    def find_contact(self, contact: str) -> int | None:
        """Return a contact's number."""

    def put_contact(self, contact: str) -> int:
        """Return a contact's number; it is seen from now on."""

    def put_contacts(self, contacts: Iterable[str]) -> dict[str, int]:
        """Return the numbers of contacts by their ids; adds those that are new."""

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

    def add_ownerships(self, ownerships: list[Ownership]) -> None:
        """Say whose some devices are that had no owner yet; of none more than once."""

    def put_reattribution(self, one: Reattribution) -> None:
        """Add a device whose observations go to another contact."""

    def reattributions(self, limit: int) -> list[Reattribution]:
        """Return the devices whose owner changed, in order."""

    def session(self, key: bytes) -> Session | None:
        """Return a session by its digest."""

    def put_session(self, key: bytes, nas: bytes, at: int) -> None:
        """Begin a session."""

    def end_sessions(self, nas: bytes, at: int) -> int:
        """End those of a NAS that began before; returns how many."""

    def delete_reattributions(self, numbers: Iterable[int]) -> None:
        """Delete those that are done."""


class StayRepository(Protocol):
    """The stays of contacts at places."""

    def newest(self, keys: Collection[StayKey]) -> list[StoredStay | None]:
        """Return the newest stay of each contact at its place, in the order of keys."""

    def near(self, asked: list[StayQuery]) -> list[StoredStay]:
        """Return the stays of contacts at places that lie near to spans."""

    def of_contact(self, contact: int, limit: int | None = None) -> list[StoredStay]:
        """Return the stays of a contact, all or as many."""

    def open_of(self, contact: int, limit: int) -> list[StoredStay]:
        """Return the stays of a contact that are not over, as many at most."""

    def due(self, now: int, limit: int) -> list[StoredStay]:
        """Return stays that it is time to look at."""

    def postpone(self, stay: int, until: int) -> None:
        """Look at a stay again at an instant, and not before."""

    def extend(self, longer: list[StoredStay]) -> None:
        """Keep stays of which only the end has changed."""

    def put(self, stays: list[StoredStay]) -> None:
        """Keep stays as they are now."""

    def delete(self, stays: Iterable[StoredStay]) -> None:
        """Forget stays."""


class EventRepository(Protocol):
    """The events that are made of stays and logins."""

    def append(self, events: list[NewEvent], known: Mapping[str, int] = {}) -> int:
        """Store made events, those that are not yet there; returns how many.

        Args:
            events: The events.
            known: The numbers of contacts that need not be looked for, by their ids.
        """

    def withdraw(self, events: list[NewEvent]) -> int:
        """Take made events back, and announce it; returns how many were there."""


class ObservationRepository(Protocol):
    """The observations that are kept, from which visits can be made again."""

    def add(self, kept: list[StoredObservation], now: int) -> None:
        """Keep observations."""

    def between(self, since: int, until: int) -> Iterator[StoredObservation]:
        """Yield the kept observations of a span."""

    def of_subjects(
        self, subjects: set[bytes], since: int, until: int
    ) -> Iterator[StoredObservation]:
        """Yield the kept observations of a span of some devices or contacts."""

    def any_since(self, since: int) -> bool:
        """Tell whether any observation of then or later is kept."""

    def complete_since(self) -> int | None:
        """Return the first instant of which observations are kept whole."""


class SourceRepository(Protocol):
    """Where equipment sends to, and what of it was rejected."""

    def put(self, source: Source) -> None:
        """Add a source."""

    def delete(self, source: str) -> bool:
        """Forget a source; False if there is none."""

    def add_rejections(self, problems: list[StoredRejection]) -> None:
        """Keep what was not understood, the newest of it if it is too much."""

    def all(self) -> list[Source]:
        """Return the organization's sources, oldest first."""

    def rejections(
        self, limit: int, source: str | None = None, before: int | None = None
    ) -> list[StoredRejection]:
        """Return what was not understood, newest first.

        Args:
            limit: How much of it, at most.
            source: Only what this source sent.
            before: Of a source's, only what lies before this number.
        """

    def rejection_counts(self) -> dict[str, int]:
        """Return how many rejections of each source are kept."""


class LastHeardRepository(Protocol):
    """When equipment was last heard, to the minute."""

    def note(self, heard: Mapping[Heard, int]) -> None:
        """Note that each was heard at an instant, unless it was heard later already."""

    def all_of(self, kind: HeardKind) -> dict[str, int]:
        """Return when each of a kind was last heard, by its id."""

    def forget(self, one: Heard) -> None:
        """Forget that something was ever heard."""


class Transaction(Protocol):
    """What an engine lets a flow do with an organization's data, all of it or nothing.

    Attributes:
        registry: Locations, hotspots, rules and keys.
        people: Contacts, identities, devices, sessions.
        stays: The stays of contacts at places.
        events: The events that are made of them.
        observations: What was heard.
        sources: Where equipment sends to.
        last_heard: When equipment was last heard.
        webhooks: Where events are sent to.
        analytics: What is counted.
    """

    @property
    def registry(self) -> RegistryRepository:
        """What is registered."""

    @property
    def people(self) -> PeopleRepository:
        """Who is known."""

    @property
    def stays(self) -> StayRepository:
        """The stays."""

    @property
    def events(self) -> EventRepository:
        """The derived events."""

    @property
    def observations(self) -> ObservationRepository:
        """What was heard."""

    @property
    def sources(self) -> SourceRepository:
        """Where equipment sends to."""

    @property
    def last_heard(self) -> LastHeardRepository:
        """When equipment was last heard."""

    @property
    def webhooks(self) -> WebhookRepository:
        """Where events are sent to."""

    @property
    def analytics(self) -> AnalyticsRepository:
        """What is counted."""
