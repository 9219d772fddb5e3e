"""Identify: find the contact of an identity, and keep its profile."""

import msgspec

from footfall.core import observations
from footfall.core.places import Registry
from footfall.flows.presence.change_stays import UnitOfWork
from footfall.store.transaction import Transaction

# Kinds whose value may be a contact's id: a portal can give it to the equipment.
_OPAQUE = frozenset({"contact", "class", "cui"})


class Profile(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What is kept of a contact.

    Attributes:
        created_at: The instant when the contact was created.
        source: What created it: wifi, api, kiosk and so on.
        identities: By kind, each normalised; see `core.identities`.
        first_name: As it was sent.
        last_name: As it was sent.
    """

    created_at: int
    source: str
    identities: dict[str, str] = {}
    first_name: str | None = None
    last_name: str | None = None


def identity_key(registry: Registry, kind: str, value: str) -> bytes:
    """Return the digest that finds an identity."""
    return observations.digest(registry.identity_key, f"{kind}:{value}".encode())


def read_profile(transaction: Transaction, contact: int) -> Profile | None:
    """Return what is kept of a contact."""
    body = transaction.people.profile(contact)
    return None if body is None else msgspec.json.decode(body, type=Profile)


def write_profile(unit: UnitOfWork, contact: int, profile: Profile) -> None:
    """Store the profile of a contact, and make its identities find it."""
    transaction, registry = unit.transaction, unit.registry
    transaction.people.put_profile(contact, msgspec.json.encode(profile))
    keys = [identity_key(registry, *one) for one in profile.identities.items()]
    transaction.people.put_identities(contact, keys)


def find_contact(
    unit: UnitOfWork, identities: tuple[tuple[str, str], ...]
) -> int | None:
    """Return the contact of the first of these identities that is known."""
    for kind, value in identities:
        found = unit.transaction.people.find_contact(value) if kind in _OPAQUE else None
        if found is None:
            key = identity_key(unit.registry, kind, value)
            found = unit.transaction.people.identity(key)
        if found is not None:
            return found
    return None
