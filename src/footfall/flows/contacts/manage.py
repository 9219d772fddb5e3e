"""Manage contacts: create, read and change them as the API sees them."""

import secrets
from concurrent.futures import Future
from typing import Any

import msgspec

from footfall.core import (
    decoding,
    derived_events,
    identities,
    instants,
    observations,
)
from footfall.core.derived_events import EventContext
from footfall.core.events.ids import bad_id
from footfall.core.instants import SECOND
from footfall.core.observations import PlaceReference
from footfall.errors import AlreadyExists, ContactUnknown, FieldError, Invalid
from footfall.flows.presence import identify, log_in
from footfall.flows.presence.change_stays import UnitOfWork
from footfall.flows.presence.identify import Profile
from footfall.store import Store
from footfall.store.transaction import Ownership, Transaction

DEVICES_MAX = 50
TEXT_LENGTH_MAX = 200
_NAMES = ("firstName", "lastName")


class ContactChange(msgspec.Struct, frozen=True, rename="camel"):
    """The fields to set; null removes one. Devices are added."""

    username: str | msgspec.UnsetType | None = msgspec.UNSET
    email: str | msgspec.UnsetType | None = msgspec.UNSET
    phone: str | msgspec.UnsetType | None = msgspec.UNSET
    first_name: str | msgspec.UnsetType | None = msgspec.UNSET
    last_name: str | msgspec.UnsetType | None = msgspec.UNSET
    devices: list[str] = []


class NewContact(ContactChange, frozen=True, rename="camel"):
    """A contact to create: its source, and its place if that is known."""

    id: str | None = None
    source: str = "api"
    location_id: str | None = None
    hotspot_id: str | None = None


class Device(msgspec.Struct, frozen=True):
    """A device: its digest, since when, and whether its address is randomised."""

    id: str
    since: str | None
    randomised: bool


class Contact(msgspec.Struct, frozen=True, rename="camel"):
    """A contact as it is shown."""

    id: str
    organization_id: str
    username: str | None = None
    email: str | None = None
    phone: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    source: str | None = None
    created_at: str | None = None
    devices: list[Device] = []


def read_contact(store: Store, organization: str, contact: str) -> Contact:
    """Return what is known of a contact.

    Raises:
        ContactUnknown: The organization never saw it.
    """
    return store.read(
        organization,
        lambda transaction: show_contact(transaction, organization, contact),
    )


def create_contact(
    store: Store, organization: str, value: dict[str, Any], now: int
) -> Future[Contact]:
    """Create a contact and its signup event.

    The future fails with AlreadyExists if another contact has the id or an identity.

    Raises:
        Invalid: The contact cannot be stored; has every reason.
    """
    new = decoding.convert(value, NewContact)
    wanted, addresses = _checked(new)
    name = new.id or secrets.token_hex(16)
    at = now - now % SECOND

    def work(transaction: Transaction) -> Contact:
        unit = UnitOfWork(transaction, now, None, closing=True)
        if transaction.people.find_contact(name) is not None:
            raise AlreadyExists(f"The contact {name} already exists.")
        context = _event_context(unit, name, new)
        contact = transaction.people.put_contact(name)
        profile = _changed(Profile(at, new.source), wanted)
        _keep(unit, contact, profile)
        unit.add(derived_events.signup(context, organization, name, at, new.source))
        _bind(unit, contact, addresses, at)
        unit.write()
        return show_contact(transaction, organization, name)

    return store.transaction(organization, work)


def change_contact(
    store: Store, organization: str, contact: str, value: dict[str, Any], now: int
) -> Future[Contact]:
    """Change the given fields of a contact.

    Raises:
        Invalid: The contact cannot be stored; has every reason.
    """
    change = decoding.convert(value, ContactChange)
    wanted, addresses = _checked(change)

    def work(transaction: Transaction) -> Contact:
        unit = UnitOfWork(transaction, now, None, closing=True)
        number = transaction.people.find_contact(contact)
        if number is None:
            raise ContactUnknown("This organization has never seen this contact.")
        old = identify.read_profile(transaction, number) or Profile(now, "api")
        _keep(unit, number, _changed(old, wanted))
        _bind(unit, number, addresses, now - now % SECOND)
        unit.write()
        return show_contact(transaction, organization, contact)

    return store.transaction(organization, work)


def show_contact(transaction: Transaction, organization: str, contact: str) -> Contact:
    """Return a contact as it is shown.

    Raises:
        ContactUnknown: The organization never saw it.
    """
    number = transaction.people.find_contact(contact)
    if number is None:
        raise ContactUnknown("This organization has never seen this contact.")
    devices = [
        Device(
            one.device.hex(),
            instants.format_instant(one.since_at) if one.since_at >= 0 else None,
            one.randomised,
        )
        for one in transaction.people.devices(number)
    ]
    profile = identify.read_profile(transaction, number)
    if profile is None:
        return Contact(contact, organization, devices=devices)
    known = {kind: profile.identities.get(kind) for kind in identities.KINDS}
    return Contact(
        contact,
        organization,
        **known,
        first_name=profile.first_name,
        last_name=profile.last_name,
        source=profile.source,
        created_at=instants.format_instant(profile.created_at),
        devices=devices,
    )


Wanted = dict[str, str | None]


def _checked(change: ContactChange) -> tuple[Wanted, list[bytes]]:
    """Return the fields to set, normalised, and the devices' addresses."""
    errors: list[FieldError] = []
    wanted = _wanted(change, errors)
    addresses = []
    for at, text in enumerate(change.devices[: DEVICES_MAX + 1]):
        try:
            addresses.append(observations.parse_mac(text))
        except ValueError as error:
            errors.append(FieldError(f"devices[{at}]", str(error)))
    if len(change.devices) > DEVICES_MAX:
        errors.append(FieldError("devices", f"at most {DEVICES_MAX} are allowed"))
    if isinstance(change, NewContact):
        errors += _wrong_new(change)
    if errors:
        raise Invalid("The contact cannot be stored; see `errors`.", errors)
    return wanted, addresses


def _wanted(change: ContactChange, errors: list[FieldError]) -> Wanted:
    wanted: Wanted = {}
    for name in ("username", "email", "phone", "first_name", "last_name"):
        value = getattr(change, name)
        if value is msgspec.UNSET:
            continue
        try:
            wanted[name] = None if value is None else _form(name, value)
        except ValueError as error:
            errors.append(FieldError(name.replace("_n", "N"), str(error)))
    return wanted


def _form(name: str, value: str) -> str:
    if name in identities.KINDS:
        return identities.normalise(name, value)
    if not value.isprintable() or len(value) > TEXT_LENGTH_MAX:
        raise ValueError(f"is not up to {TEXT_LENGTH_MAX} printable characters")
    return value


def _wrong_new(new: NewContact) -> list[FieldError]:
    errors = []
    if new.id is not None:
        errors += list(bad_id("id", new.id))
    if not 1 <= len(new.source) <= TEXT_LENGTH_MAX or not new.source.isprintable():
        message = f"is not 1 to {TEXT_LENGTH_MAX} printable characters"
        errors.append(FieldError("source", message))
    return errors


def _event_context(unit: UnitOfWork, name: str, new: NewContact) -> EventContext | None:
    if new.location_id is None and new.hotspot_id is None:
        return None
    reference = PlaceReference(hotspot=new.hotspot_id, location=new.location_id)
    found = unit.registry.find(reference)
    if found is None:
        field = "hotspotId" if new.location_id is None else "locationId"
        raise Invalid("The place is unknown.", [FieldError(field, "is not registered")])
    return EventContext(name, unit.registry, *found)


def _changed(profile: Profile, wanted: Wanted) -> Profile:
    kinds = dict(profile.identities)
    for kind in identities.KINDS:
        if kind not in wanted:
            continue
        value = wanted[kind]
        if value is None:
            kinds.pop(kind, None)
        else:
            kinds[kind] = value
    names = {
        name: wanted[name] for name in ("first_name", "last_name") if name in wanted
    }
    return msgspec.structs.replace(profile, identities=kinds, **names)


def _keep(unit: UnitOfWork, contact: int, profile: Profile) -> None:
    for kind, value in profile.identities.items():
        if identify.find_contact(unit, ((kind, value),)) not in (None, contact):
            raise AlreadyExists(
                f"Another contact has this {kind}.",
                [FieldError(kind, "belongs to another contact")],
            )
    identify.write_profile(unit, contact, profile)


def _bind(unit: UnitOfWork, contact: int, addresses: list[bytes], at: int) -> None:
    for address in addresses:
        device = observations.digest(unit.registry.device_key, address)
        randomised = observations.is_randomised(address)
        log_in.bind(unit, contact, Ownership(device, at, contact, randomised))
