"""Places: an organization's locations and hotspots, in the shapes of the original.

An *estate* is all that an organization has registered, by what equipment calls it.
Source: the Locations and Hotspots APIs that the seed's events refer to.
"""

import functools
import re
from typing import Any

import msgspec

from footfall.core import instants
from footfall.core.observations import Spot, parse_mac
from footfall.core.stays import Rules
from footfall.errors import FieldError, Invalid

NAME_LENGTH_MAX = 200
TAGS_MAX = 100
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Address(msgspec.Struct, frozen=True):
    """Where mail for a location goes."""

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
    """Rules of an organization or a location; what is not set is the next wider's.

    `pseudonymous` makes contacts for the devices of nobody known.
    """

    minimum_dwell: int | msgspec.UnsetType | None = msgspec.UNSET
    session_timeout: int | msgspec.UnsetType | None = msgspec.UNSET
    minimum_signal: int | msgspec.UnsetType | None = msgspec.UNSET
    maximum_visit: int | msgspec.UnsetType | None = msgspec.UNSET
    pseudonymous: bool | msgspec.UnsetType | None = msgspec.UNSET


def rules_of(*settings: PresenceSettings) -> Rules:
    """Put rules together; later settings win over earlier ones.

    Null takes a setting back: to the wider one's, of the rules that can be off to off.
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


class Site(msgspec.Struct, frozen=True):
    """A location with its number in the store, its rules, and whether it is gone."""

    number: int
    location: Location
    settings: PresenceSettings
    deleted: bool = False


class Estate(msgspec.Struct, frozen=True, dict=True):
    """What an organization has registered.

    Attributes:
        organization: The organization's id.
        sites: Its locations by number, deleted ones too.
        hotspots: Its hotspots by number, with their location's number.
        settings: Its rules.
        device_key: What its devices' digests are made with.
        identity_key: What its contacts' identities are found by.
    """

    organization: str
    sites: dict[int, Site]
    hotspots: dict[int, tuple[Hotspot, int]]
    settings: PresenceSettings
    device_key: bytes
    identity_key: bytes

    @functools.cached_property
    def _locations(self) -> dict[str, int]:
        return {s.location.id: s.number for s in self.sites.values() if not s.deleted}

    @functools.cached_property
    def _external_ids(self) -> dict[str, int]:
        return {
            s.location.external_id: s.number
            for s in self.sites.values()
            if s.location.external_id and not s.deleted
        }

    @functools.cached_property
    def _hotspots(self) -> dict[str | bytes, tuple[int, int]]:
        """By id and by address, which can be no id."""
        found: dict[str | bytes, tuple[int, int]] = {}
        for number, (hotspot, location) in self.hotspots.items():
            found[hotspot.id] = (location, number)
            if hotspot.mac_address:
                found[parse_mac(hotspot.mac_address)] = (location, number)
        return found

    @functools.cached_property
    def _nases(self) -> dict[str, tuple[int, int]]:
        return {
            hotspot.nas_identifier: (location, number)
            for number, (hotspot, location) in self.hotspots.items()
            if hotspot.nas_identifier
        }

    @functools.cached_property
    def _rules(self) -> dict[int, Rules]:
        return {
            number: rules_of(self.settings, site.settings)
            for number, site in self.sites.items()
        }

    def site(self, location: str) -> Site | None:
        """Return a location by its id; a deleted one is none."""
        number = self._locations.get(location)
        return None if number is None else self.sites[number]

    def timezone_at(self, location: str) -> str | None:
        """Return the time zone of a location by its id."""
        site = self.site(location)
        return None if site is None else site.location.timezone

    @property
    def pseudonymous(self) -> bool:
        """Whether devices of nobody known get a contact each."""
        return self.settings.pseudonymous is True

    def rules(self, site: int) -> Rules:
        """Return the rules of a location."""
        return self._rules[site]

    def find(self, spot: Spot) -> tuple[int, int] | None:
        """Return the numbers of the location and of the hotspot (0 if unknown)."""
        hotspots = self._hotspots
        for name in (spot.hotspot, spot.mac):
            if name is not None and (found := hotspots.get(name)):
                return found
        if spot.nas is not None and (found := self._nases.get(spot.nas)):
            return found
        number = None
        if spot.external_id is not None:
            number = self._external_ids.get(spot.external_id)
        if number is None and spot.location is not None:
            number = self._locations.get(spot.location)
        return None if number is None else (number, 0)


def check_location(location: Location) -> None:
    """Accept a location that can be kept.

    Raises:
        Invalid: With all that is wrong.
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
    """Accept a hotspot that can be kept; returns it with its address as one writes it.

    Raises:
        Invalid: With all that is wrong.
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
        raise Invalid(f"{what} cannot be kept; see `errors`.", errors)
