"""Tenants: organizations and the services that act for them."""

import hashlib
import re
import secrets
import uuid

import msgspec

from footfall.core import access
from footfall.core.access import Role, Service
from footfall.errors import FieldError, Invalid
from footfall.store import Organization, Store

SECRET_BYTES = 24  # 32 characters of URL-safe text
_ORGANIZATION_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
NAME_LENGTH_MAX = 200


class NewService(msgspec.Struct, frozen=True, rename="camel"):
    """A service that was just made; its secret is shown only now."""

    client_key: str
    client_secret: str
    organization_id: str
    role: Role
    scopes: tuple[str, ...]
    locations: tuple[str, ...] = ()


def create_organization(
    store: Store, name: str, organization_id: str | None, now: int
) -> Organization:
    """Make a tenant; without an id it gets a random one.

    Raises:
        Invalid: The id or the name cannot be used.
        AlreadyExists: The id is taken.
    """
    organization_id = organization_id or secrets.token_hex(16)
    if not _ORGANIZATION_ID.fullmatch(organization_id):
        allowed = "1 to 64 letters, digits, - and _"
        raise Invalid(
            f"The id {organization_id[:64]!r} cannot be used; allowed: {allowed}.",
            [FieldError("id", f"allowed: {allowed}")],
        )
    if not name.strip() or len(name) > NAME_LENGTH_MAX:
        allowed = f"1 to {NAME_LENGTH_MAX} characters"
        raise Invalid(
            f"The name cannot be used; allowed: {allowed}.",
            [FieldError("name", f"allowed: {allowed}")],
        )
    organization = Organization(organization_id, name.strip(), now)
    store.create_organization(organization).result()
    return organization


def create_service(
    store: Store,
    organization_id: str,
    role: Role,
    scopes: tuple[str, ...],
    now: int,
    *,
    locations: tuple[str, ...] = (),
) -> NewService:
    """Make a credential; only the hash of its secret is kept.

    `locations` are the locations of a Location Manager.

    Raises:
        Invalid: A scope does not exist, or the locations are not for the role.
        OrganizationUnknown: There is no such tenant.
    """
    access.check_scopes(scopes)
    scopes = tuple(dict.fromkeys(scopes))
    access.check_locations(role, locations)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    service = Service(
        client_key=f"ck-{uuid.uuid4()}",
        organization=organization_id,
        role=role,
        scopes=scopes,
        created_at=now,
        locations=locations,
    )
    store.create_service(service, hash_secret(secret)).result()
    return NewService(
        service.client_key, secret, organization_id, role, scopes, locations
    )


def hash_secret(secret: str) -> bytes:
    """Hash a secret to store it; it is random, so it needs no salt and no slow hash."""
    return hashlib.sha256(secret.encode()).digest()
