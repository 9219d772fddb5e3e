"""Places: an organization's locations and hotspots, in the shapes of the original.

The *registry* has all that an organization registered, by the equipment's names.
Source: the Locations and Hotspots APIs that the seed's events refer to.
"""

import functools
import re
from collections.abc import Iterable
from enum import IntEnum
from typing import Any

import msgspec

from footfall.core import instants
from footfall.core.observations import PlaceReference, parse_mac
from footfall.core.stays import Rules
from footfall.errors import FieldError, Invalid

NAME_LENGTH_MAX = 200
TAGS_MAX = 100
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Address(msgspec.Struct, frozen=True):
    """The postal address of a location."""

    address: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None
    country: str | None = None


class Location(msgspec.Struct, frozen=True, rename="camel"):
    """A venue with its time zone."""

    id: str
    name: str
    timezone: str = "UTC"
    lat: float | None = None
    lng: float | None = None
    external_id: str | None = None
    tags: tuple[str, ...] = ()
    address: Address = Address()


class Hotspot(msgspec.Struct, frozen=True, rename="camel"):
    """An access point in a location (`venueId`)."""

    id: str
    name: str
    venue_id: str
    vendor: str | None = None
    mac_address: str | None = None
    nas_identifier: str | None = None


class PresenceSettings(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Rules of an organization or a location; a wider setting fills what is not set.

    `pseudonymous` makes contacts for unknown devices.
    """

    minimum_dwell: int | msgspec.UnsetType | None = msgspec.UNSET
    session_timeout: int | msgspec.UnsetType | None = msgspec.UNSET
    minimum_signal: int | msgspec.UnsetType | None = msgspec.UNSET
    maximum_visit: int | msgspec.UnsetType | None = msgspec.UNSET
    pseudonymous: bool | msgspec.UnsetType | None = msgspec.UNSET


def rules_of(*settings: PresenceSettings) -> Rules:
    """Put rules together; later settings win over earlier ones.

    Null resets a rule to the wider setting, or turns it off if it can be off.
    """
    values: dict[str, Any] = {}
    for setting in settings:
        for name in Rules.__struct_fields__:
            value = getattr(setting, name)
            if value is None and name in ("minimum_signal", "maximum_visit"):
                values[name] = None
            elif value is not None and value is not msgspec.UNSET:
                values[name] = value
    return Rules(**values)


class PlaceKind(IntEnum):
    """What a place is; its numbers are in the database."""

    LOCATION = 0


class Place(msgspec.Struct, frozen=True, order=True, gc=False):
    """Where somebody can stay: what kind of a place, and its number among those."""

    kind: int
    number: int


class LocationRecord(msgspec.Struct, frozen=True):
    """A location with its number in the store and its rules; it may be deleted."""

    number: int
    location: Location
    settings: PresenceSettings
    deleted: bool = False


class Registry(msgspec.Struct, frozen=True, dict=True):
    """What an organization has registered.

    Attributes:
        organization: The organization's id.
        locations: Its locations by number, including deleted ones.
        hotspots: Its hotspots by number, with their location's number.
        settings: Its rules.
        device_key: The key of its devices' digests.
        identity_key: The key of its identities' digests.
    """

    organization: str
    locations: dict[int, LocationRecord]
    hotspots: dict[int, tuple[Hotspot, int]]
    settings: PresenceSettings
    device_key: bytes
    identity_key: bytes

    @classmethod
    def empty(cls, organization: str) -> "Registry":
        """Return the registry of an organization that has registered nothing."""
        return cls(organization, {}, {}, PresenceSettings(), b"", b"")

    def updated(
        self,
        locations: Iterable[LocationRecord],
        hotspots: Iterable[tuple[int, Hotspot, int, bool]],
        settings: PresenceSettings,
        keys: tuple[bytes, bytes],
    ) -> "Registry":
        """Return the registry after a change, without reading or comparing the rest.

        Args:
            locations: The locations that changed.
            hotspots: The hotspots that changed: number, hotspot, location, deleted.
            settings: The organization's rules.
            keys: The keys of devices and of identities.
        """
        changed = {site.number: site for site in locations}
        by_name, by_nas = dict(self._hotspots), dict(self._nases)
        registered = dict(self.hotspots)
        for number, hotspot, location, deleted in hotspots:
            old = registered.get(number)
            for name in () if old is None else _names(old[0]):
                by_name.pop(name, None)
            if old is not None and old[0].nas_identifier:
                by_nas.pop(old[0].nas_identifier, None)
            if deleted:
                registered.pop(number, None)
                continue
            registered[number] = hotspot, location
            by_name.update(dict.fromkeys(_names(hotspot), (location, number)))
            if hotspot.nas_identifier:
                by_nas[hotspot.nas_identifier] = location, number
        all_sites = self.locations | changed if changed else self.locations
        new = Registry(self.organization, all_sites, registered, settings, *keys)
        new.__dict__.update(_hotspots=by_name, _nases=by_nas)
        if not changed:
            kept = ("_locations", "_external_ids")
            known = self.__dict__
            new.__dict__.update({name: known[name] for name in kept if name in known})
        return new

    @functools.cached_property
    def _locations(self) -> dict[str, int]:
        return {
            s.location.id: s.number for s in self.locations.values() if not s.deleted
        }

    @functools.cached_property
    def _external_ids(self) -> dict[str, int]:
        """By external id; if locations share one (in older stores), the first."""
        found: dict[str, int] = {}
        for number in sorted(self.locations):
            site = self.locations[number]
            if site.location.external_id and not site.deleted:
                found.setdefault(site.location.external_id, number)
        return found

    @functools.cached_property
    def _hotspots(self) -> dict[str | bytes, tuple[int, int]]:
        """By id and by address; the address is bytes, so it never equals an id."""
        return {
            name: (location, number)
            for number, (hotspot, location) in self.hotspots.items()
            for name in _names(hotspot)
        }

    @functools.cached_property
    def _nases(self) -> dict[str, tuple[int, int]]:
        return {
            hotspot.nas_identifier: (location, number)
            for number, (hotspot, location) in self.hotspots.items()
            if hotspot.nas_identifier
        }

    @functools.cached_property
    def _rules(self) -> dict[int, Rules]:
        """The rules of locations that were asked for."""
        return {}

    def hotspot(self, name: str | bytes) -> Hotspot | None:
        """Return a hotspot by its id, or by its address as bytes."""
        found = self._hotspots.get(name)
        return None if found is None else self.hotspots[found[1]][0]

    def hotspot_of_nas(self, identifier: str) -> Hotspot | None:
        """Return a hotspot by its NAS-Identifier."""
        found = self._nases.get(identifier)
        return None if found is None else self.hotspots[found[1]][0]

    def location_of_external_id(self, external_id: str) -> LocationRecord | None:
        """Return the location that has an external id."""
        number = self._external_ids.get(external_id)
        return None if number is None else self.locations[number]

    def location(self, location: str) -> LocationRecord | None:
        """Return a location by its id, unless it is deleted."""
        number = self._locations.get(location)
        return None if number is None else self.locations[number]

    def timezone_at(self, location: str) -> str | None:
        """Return the time zone of a location by its id."""
        site = self.location(location)
        return None if site is None else site.location.timezone

    @property
    def pseudonymous(self) -> bool:
        """Whether unknown devices get a contact each."""
        return self.settings.pseudonymous is True

    def rules(self, site: int) -> Rules:
        """Return the rules of a location."""
        if site not in self._rules:
            self._rules[site] = rules_of(self.settings, self.locations[site].settings)
        return self._rules[site]

    def find(self, reference: PlaceReference) -> tuple[int, int] | None:
        """Return the numbers of the location and of the hotspot (0 if unknown)."""
        hotspots = self._hotspots
        for name in (reference.hotspot, reference.mac):
            if name is not None and (found := hotspots.get(name)):
                return found
        if reference.nas is not None and (found := self._nases.get(reference.nas)):
            return found
        number = None
        if reference.external_id is not None:
            number = self._external_ids.get(reference.external_id)
        if number is None and reference.location is not None:
            number = self._locations.get(reference.location)
        return None if number is None else (number, 0)


def _names(hotspot: Hotspot) -> tuple[str | bytes, ...]:
    """Return the names that find a hotspot: its id, and its address as bytes."""
    if not hotspot.mac_address:
        return (hotspot.id,)
    return hotspot.id, parse_mac(hotspot.mac_address)


def check_location(location: Location) -> None:
    """Check that a location can be stored.

    Raises:
        Invalid: It cannot; has every reason.
    """
    errors = [*_bad_id(location.id), *_bad_name(location.name)]
    try:
        instants.zone_of(location.timezone)
    except ValueError as error:
        errors.append(FieldError("timezone", str(error)))
    for name, value, most in (("lat", location.lat, 90), ("lng", location.lng, 180)):
        if value is not None and not -most <= value <= most:
            errors.append(FieldError(name, f"is {value}; allowed: -{most} to {most}"))
    if len(location.tags) > TAGS_MAX:
        errors.append(FieldError("tags", f"at most {TAGS_MAX} are allowed"))
    texts = {
        "externalId": location.external_id,
        **{f"tags[{at}]": tag for at, tag in enumerate(location.tags)},
        **{
            f"address.{name}": value
            for name, value in msgspec.structs.asdict(location.address).items()
        },
    }
    _stop("The location", errors + _too_long(texts))


def check_hotspot(hotspot: Hotspot) -> Hotspot:
    """Check that a hotspot can be stored; return it with a normalised address.

    Raises:
        Invalid: It cannot; has every reason.
    """
    errors = [*_bad_id(hotspot.id), *_bad_name(hotspot.name)]
    if hotspot.mac_address is not None:
        try:
            address = parse_mac(hotspot.mac_address).hex(":")
            hotspot = msgspec.structs.replace(hotspot, mac_address=address)
        except ValueError as error:
            errors.append(FieldError("macAddress", str(error)))
    texts = {"vendor": hotspot.vendor, "nasIdentifier": hotspot.nas_identifier}
    _stop("The hotspot", errors + _too_long(texts))
    return hotspot


def _bad_id(value: str) -> list[FieldError]:
    if _ID.fullmatch(value):
        return []
    return [FieldError("id", "allowed: 1 to 64 letters, digits, - and _")]


def _bad_name(value: str) -> list[FieldError]:
    if value.strip() and len(value) <= NAME_LENGTH_MAX and value.isprintable():
        return []
    return [FieldError("name", f"allowed: 1 to {NAME_LENGTH_MAX} characters")]


def _too_long(texts: dict[str, str | None]) -> list[FieldError]:
    return [
        FieldError(name, f"at most {NAME_LENGTH_MAX} characters are allowed")
        for name, value in texts.items()
        if value is not None and len(value) > NAME_LENGTH_MAX
    ]


def _stop(what: str, errors: list[FieldError]) -> None:
    if errors:
        raise Invalid(f"{what} cannot be stored; see `errors`.", errors)
