"""Manage places: the locations, the hotspots and the rules of an organization.

`only` has the ids of the locations that the caller may use; None means all.
"""

import secrets
from concurrent.futures import Future
from typing import Any

import msgspec

from footfall.core import decoding, places, stays
from footfall.core.access import LocationScope
from footfall.core.observations import parse_mac
from footfall.core.places import (
    Hotspot,
    Location,
    LocationRecord,
    PresenceSettings,
    Registry,
    rules_of,
)
from footfall.core.stays import Rules
from footfall.errors import (
    AlreadyExists,
    FieldError,
    HotspotUnknown,
    Invalid,
    LocationUnknown,
    NotAllowed,
)
from footfall.store import Store
from footfall.store.transaction import Transaction

LOCATIONS_MAX = 20_000
HOTSPOTS_MAX = 100_000
_SHOWN_ONLY = ("organizationId", "organziationId")


def new_id() -> str:
    """Return a new random id."""
    return secrets.token_hex(16)


def show_location(location: Location, organization: str) -> dict[str, Any]:
    """Write a location as the original does, with its misprint `organziationId` too."""
    value: dict[str, Any] = msgspec.to_builtins(location)
    owner = {"organizationId": organization, "organziationId": organization}
    return {"id": location.id, "name": location.name} | owner | value


def list_locations(
    store: Store, organization: str, tags: tuple[str, ...], only: LocationScope
) -> list[Location]:
    """Return the locations; with tags, only those that have all of them."""
    registry = store.read(organization, lambda transaction: transaction.registry.load())
    return [
        record.location
        for record in registry.locations.values()
        if not record.deleted
        and (only is None or record.location.id in only)
        and set(tags) <= set(record.location.tags)
    ]


def find_location(
    store: Store, organization: str, location: str, only: LocationScope
) -> LocationRecord:
    """Return a location.

    Raises:
        LocationUnknown: There is no such location.
        NotAllowed: The caller may not use it.
    """
    return store.read(
        organization, lambda transaction: _location_record(transaction, location, only)
    )


def create_location(
    store: Store, organization: str, value: dict[str, Any]
) -> Future[Location]:
    """Add a location; without an id it gets a random one.

    The future fails with AlreadyExists if the id is taken.

    Raises:
        Invalid: It cannot be stored; has every reason.
    """
    sent = {"id": new_id()} | _stripped(value)
    location = decoding.convert(sent, Location)
    places.check_location(location)

    def work(transaction: Transaction) -> Location:
        registry = transaction.registry.load()
        if registry.location(location.id) is not None:
            raise AlreadyExists(f"The location {location.id} already exists.")
        check_external_id(registry, location)
        _check_room(len(registry.locations), LOCATIONS_MAX, "locations")
        transaction.registry.put_location(location, PresenceSettings())
        return location

    return store.transaction(organization, work)


def change_location(
    store: Store,
    organization: str,
    location: str,
    value: dict[str, Any],
    only: LocationScope,
) -> Future[Location]:
    """Change the given fields of a location; stored events stay."""

    def work(transaction: Transaction) -> Location:
        record = _location_record(transaction, location, only)
        changed: Location = _merged(record.location, value, Location)
        places.check_location(changed)
        if changed.external_id != record.location.external_id:
            if only is not None:
                raise NotAllowed(
                    "A Location Manager may not change a location's externalId."
                )
            check_external_id(transaction.registry.load(), changed)
        transaction.registry.put_location(changed, record.settings)
        return changed

    return store.transaction(organization, work)


def delete_location(store: Store, organization: str, location: str) -> Future[None]:
    """Delete a location that has no hotspots; its stays still close."""

    def work(transaction: Transaction) -> None:
        record = _location_record(transaction, location, None)
        left = sum(
            at == record.number
            for _, at in transaction.registry.load().hotspots.values()
        )
        if left:
            raise Invalid(f"{location} still has {left} hotspots; delete them first.")
        transaction.registry.put_location(
            record.location, record.settings, deleted=True
        )

    return store.transaction(organization, work)


def list_hotspots(
    store: Store, organization: str, only: LocationScope
) -> list[Hotspot]:
    """Return the hotspots."""
    registry = store.read(organization, lambda transaction: transaction.registry.load())
    return [
        hotspot
        for hotspot, _ in registry.hotspots.values()
        if only is None or hotspot.venue_id in only
    ]


def find_hotspot(
    store: Store, organization: str, hotspot: str, only: LocationScope
) -> Hotspot:
    """Return a hotspot.

    Raises:
        HotspotUnknown: There is no such hotspot.
        NotAllowed: The caller may not use its location.
    """
    return store.read(
        organization, lambda transaction: _hotspot(transaction, hotspot, only)
    )


def create_hotspot(
    store: Store, organization: str, value: dict[str, Any], only: LocationScope
) -> Future[Hotspot]:
    """Add a hotspot; without an id it gets a random one.

    Raises:
        Invalid: It cannot be stored; has every reason.
    """
    sent = {"id": new_id()} | _stripped(value)
    hotspot = places.check_hotspot(decoding.convert(sent, Hotspot))

    def work(transaction: Transaction) -> Hotspot:
        registry = transaction.registry.load()
        if registry.hotspot(hotspot.id) is not None:
            raise AlreadyExists(f"The hotspot {hotspot.id} already exists.")
        _check_room(len(registry.hotspots), HOTSPOTS_MAX, "hotspots")
        return _put_hotspot(transaction, hotspot, only)

    return store.transaction(organization, work)


def change_hotspot(
    store: Store,
    organization: str,
    hotspot: str,
    value: dict[str, Any],
    only: LocationScope,
) -> Future[Hotspot]:
    """Change the fields of a hotspot that are given."""

    def work(transaction: Transaction) -> Hotspot:
        old = _hotspot(transaction, hotspot, only)
        return _put_hotspot(
            transaction, places.check_hotspot(_merged(old, value, Hotspot)), only
        )

    return store.transaction(organization, work)


def delete_hotspot(
    store: Store, organization: str, hotspot: str, only: LocationScope
) -> Future[None]:
    """Delete a hotspot."""

    def work(transaction: Transaction) -> None:
        transaction.registry.delete_hotspot(_hotspot(transaction, hotspot, only).id)

    return store.transaction(organization, work)


def _put_hotspot(
    transaction: Transaction, hotspot: Hotspot, only: LocationScope
) -> Hotspot:
    _location_record(transaction, hotspot.venue_id, only)
    check_addresses(transaction.registry.load(), hotspot, only)
    transaction.registry.put_hotspot(hotspot)
    return hotspot


def check_external_id(registry: Registry, location: Location) -> None:
    """Check that no other location of the organization has this external id.

    Raises:
        Invalid: Another location has it.
    """
    if location.external_id is None:
        return
    holder = registry.location_of_external_id(location.external_id)
    if holder is not None and holder.location.id != location.id:
        raise Invalid(
            f"The location {holder.location.id} already has this externalId.",
            [FieldError("externalId", "belongs to another location")],
        )


def check_addresses(registry: Registry, hotspot: Hotspot, only: LocationScope) -> None:
    """Check that no other hotspot of the organization has one of these addresses.

    Raises:
        Invalid: Another hotspot has one; it is named only to callers who may see it.
    """
    mac, nas = hotspot.mac_address, hotspot.nas_identifier
    for name, holder in (
        ("macAddress", registry.hotspot(parse_mac(mac)) if mac else None),
        ("nasIdentifier", registry.hotspot_of_nas(nas) if nas else None),
    ):
        if holder is None or holder.id == hotspot.id:
            continue
        seen = only is None or holder.venue_id in only
        raise Invalid(
            f"The hotspot {holder.id} already has this {name}."
            if seen
            else f"This {name} is taken.",
            [FieldError(name, "belongs to another hotspot" if seen else "is taken")],
        )


def read_settings(
    store: Store, organization: str, location: str | None, only: LocationScope
) -> dict[str, Any]:
    """Return the rules of presence in force, and the names of those set here."""

    def work(transaction: Transaction) -> dict[str, Any]:
        return _show_settings(transaction, location, only)

    return store.read(organization, work)


def change_settings(
    store: Store,
    organization: str,
    location: str | None,
    value: dict[str, Any],
    only: LocationScope,
) -> Future[dict[str, Any]]:
    """Change the given rules from now on; null removes one.

    Raises:
        Invalid: A value is not allowed; has every reason.
    """
    change = decoding.convert(_known(value), PresenceSettings)

    def work(transaction: Transaction) -> dict[str, Any]:
        registry = transaction.registry.load()
        record = (
            None if location is None else _location_record(transaction, location, only)
        )
        if record is not None and change.pseudonymous is not msgspec.UNSET:
            message = "is a setting of the organization, not of a location"
            raise Invalid(
                "Some settings are not allowed here; see `errors`.",
                [FieldError("pseudonymous", message)],
            )
        old = registry.settings if record is None else record.settings
        both = msgspec.to_builtins(old) | msgspec.to_builtins(change)
        new = msgspec.convert(both, PresenceSettings)
        stays.check(
            rules_of(new) if record is None else rules_of(registry.settings, new)
        )
        if record is None:
            transaction.registry.put_settings(new)
        else:
            transaction.registry.put_location(record.location, new)
        return _show_settings(transaction, location, only)

    return store.transaction(organization, work)


def _show_settings(
    transaction: Transaction, location: str | None, only: LocationScope
) -> dict[str, Any]:
    registry = transaction.registry.load()
    if location is None:
        rules: Rules = rules_of(registry.settings)
        here = registry.settings
    else:
        record = _location_record(transaction, location, only)
        rules, here = registry.rules(record.number), record.settings
    shown: dict[str, Any] = msgspec.to_builtins(rules)
    shown["pseudonymous"] = registry.pseudonymous
    # Null turns off what can be off; of any other rule it is as if it were not set.
    can_be_off = {"minimumSignal", "maximumVisit"}
    set_here = (
        name
        for name, value in msgspec.to_builtins(here).items()
        if value is not None or name in can_be_off
    )
    return shown | {"setHere": sorted(set_here)}


def _known(value: dict[str, Any]) -> dict[str, Any]:
    """Refuse unknown settings, which would silently do nothing."""
    names = {field.encode_name for field in msgspec.structs.fields(PresenceSettings)}
    errors = [
        FieldError(name[:64], f"is not a setting; allowed: {', '.join(sorted(names))}")
        for name in value
        if name not in names | {"setHere"}
    ]
    if errors:
        raise Invalid("Some settings do not exist; see `errors`.", errors)
    return {name: setting for name, setting in value.items() if name in names}


def _location_record(
    transaction: Transaction, location: str, only: LocationScope
) -> LocationRecord:
    record = transaction.registry.load().location(location)
    if only is not None and (record is None or location not in only):
        raise NotAllowed("This service may not use this location.")
    if record is None:
        raise LocationUnknown(f"There is no location {location[:64]}.")
    return record


def _hotspot(transaction: Transaction, hotspot: str, only: LocationScope) -> Hotspot:
    found = transaction.registry.load().hotspot(hotspot)
    if found is not None and (only is None or found.venue_id in only):
        return found
    if only is not None:
        raise NotAllowed("This service may not use this hotspot.")
    raise HotspotUnknown(f"There is no hotspot {hotspot[:64]}.")


def _stripped(value: dict[str, Any]) -> dict[str, Any]:
    return {name: v for name, v in value.items() if name not in _SHOWN_ONLY}


def _merged(old: Any, value: dict[str, Any], kind: type[Any]) -> Any:
    """Return the struct with the sent fields in place of the old ones."""
    sent = _stripped(value)
    if sent.get("id", old.id) != old.id:
        raise Invalid("An id cannot change.", [FieldError("id", f"is {old.id}")])
    merged = msgspec.to_builtins(old) | sent
    if isinstance(sent.get("address"), dict):
        merged["address"] = msgspec.to_builtins(old.address) | sent["address"]
    return decoding.convert(merged, kind)


def _check_room(count: int, most: int, what: str) -> None:
    if count >= most:
        raise Invalid(
            f"This organization has {most} {what}, which is the most that is allowed."
        )
