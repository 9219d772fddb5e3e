"""Find contacts, and what is known of where they are: devices and open stays."""

from collections.abc import Iterator

import msgspec

from footfall.core import identities
from footfall.core.instants import format_instant
from footfall.core.places import PlaceKind, Registry
from footfall.errors import ContactUnknown, FieldError, ParameterInvalid
from footfall.flows.contacts.manage import Contact, show_contact
from footfall.flows.presence.identify import identity_key
from footfall.store import Store
from footfall.store.transaction import Ownership, StoredStay, Transaction

SOUGHT_LENGTH_MAX = identities.LENGTH_MAX
# The newest of a contact whose phone makes up an address every day.
DEVICES_MAX = 1_000
STAYS_MAX = 100
# What equipment names people by; see `sources.accounting`.
_RAW = ("class", "cui")


class OwnedDevice(msgspec.Struct, frozen=True):
    """A device that is or was a contact's.

    Attributes:
        id: Its digest.
        since: From when on; null for the device of a pseudonym.
        until: From when on it was another contact's; null if it still is this one's.
        randomised: Whether its address is made up.
        pseudonym: Whether the contact was made for this device.
    """

    id: str
    since: str | None
    until: str | None
    randomised: bool
    pseudonym: bool


class OpenStay(msgspec.Struct, frozen=True, rename="camel"):
    """A stay that is not over.

    Attributes:
        location_id: Where.
        location_name: The name of that.
        hotspot_id: The hotspot at which the contact arrived, if it is known.
        arrived_at: Since when; null where no signal was strong enough yet.
        last_heard_at: When the contact was last heard there.
    """

    location_id: str
    location_name: str
    hotspot_id: str | None
    arrived_at: str | None
    last_heard_at: str


def find_contacts(store: Store, organization: str, sought: str) -> list[Contact]:
    """Return the contacts with this id, username, email or phone, each once.

    Raises:
        ParameterInvalid: Nothing can be sought by this text.
    """
    if not 1 <= len(sought.strip()) <= SOUGHT_LENGTH_MAX:
        message = (
            "give an id, a username, an email or a phone, of up to "
            f"{SOUGHT_LENGTH_MAX} characters"
        )
        raise ParameterInvalid.of(FieldError("q", message))

    def work(transaction: Transaction) -> list[Contact]:
        people = transaction.people
        registry = transaction.registry.load()
        numbers = [people.find_contact(sought), people.find_contact(sought.strip())]
        numbers += [people.identity(key) for key in _keys(registry, sought)]
        known = people.contact_ids({one for one in numbers if one is not None})
        found = dict.fromkeys(known[one] for one in numbers if one in known)
        return [show_contact(transaction, organization, name) for name in found]

    return store.read(organization, work)


def _keys(registry: Registry, sought: str) -> Iterator[bytes]:
    for kind in (*identities.KINDS, *_RAW):
        try:
            value = sought if kind in _RAW else identities.normalise(kind, sought)
        except ValueError:
            continue  # it is not of this kind
        yield identity_key(registry, kind, value)


def list_devices(store: Store, organization: str, contact: str) -> list[OwnedDevice]:
    """Return the devices that are or were a contact's, the newest first.

    Raises:
        ContactUnknown: The organization never saw it.
    """

    def work(transaction: Transaction) -> list[OwnedDevice]:
        number = _number(transaction, contact)
        owned = sorted(
            transaction.people.devices(number),
            key=lambda one: one.since_at,
            reverse=True,
        )
        return [_device(transaction, one) for one in owned[:DEVICES_MAX]]

    return store.read(organization, work)


def _device(transaction: Transaction, one: Ownership) -> OwnedDevice:
    later = [
        other.since_at
        for other in transaction.people.ownerships(one.device)
        if other.since_at > one.since_at
    ]
    return OwnedDevice(
        id=one.device.hex(),
        since=format_instant(one.since_at) if one.since_at >= 0 else None,
        until=format_instant(min(later)) if later else None,
        randomised=one.randomised,
        pseudonym=one.pseudonym,
    )


def list_open_stays(store: Store, organization: str, contact: str) -> list[OpenStay]:
    """Return the stays of a contact that are not over, the last heard first.

    Raises:
        ContactUnknown: The organization never saw it.
    """

    def work(transaction: Transaction) -> list[OpenStay]:
        registry = transaction.registry.load()
        found = transaction.stays.open_of(_number(transaction, contact), STAYS_MAX)
        found.sort(key=lambda one: one.stay.last_at, reverse=True)
        return [
            _stay(registry, one)
            for one in found
            if one.place.kind == PlaceKind.LOCATION
        ]

    return store.read(organization, work)


def _stay(registry: Registry, one: StoredStay) -> OpenStay:
    location = registry.locations[one.place.number].location
    hotspot = registry.hotspots.get(one.stay.hotspot)
    start_at = one.stay.start_at
    return OpenStay(
        location_id=location.id,
        location_name=location.name,
        hotspot_id=None if hotspot is None else hotspot[0].id,
        arrived_at=None if start_at is None else format_instant(start_at),
        last_heard_at=format_instant(one.stay.last_at),
    )


def _number(transaction: Transaction, contact: str) -> int:
    number = transaction.people.find_contact(contact)
    if number is None:
        raise ContactUnknown("This organization has never seen this contact.")
    return number
