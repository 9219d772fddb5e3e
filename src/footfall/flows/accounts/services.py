"""Services as the API manages them: list, create and revoke.

`holder` is the service that asks: it sees and grants no more than it holds itself.
"""

from concurrent.futures import Future
from typing import Any

import msgspec

from footfall.core import access, decoding
from footfall.core.access import LocationScope, Role, Service
from footfall.core.instants import format_instant
from footfall.errors import FieldError, Invalid, NotAllowed, ServiceUnknown
from footfall.flows.accounts import tenants
from footfall.store import Store

# Revoked ones count too: they stay in the list.
SERVICES_MAX = 10_000
LOCATIONS_MAX = 1_000


class ServiceRequest(msgspec.Struct, frozen=True):
    """What a service is made of; `locations` are those of a Location Manager."""

    role: str
    scopes: tuple[str, ...]
    locations: tuple[str, ...] = ()


class ServiceView(msgspec.Struct, frozen=True, rename="camel"):
    """A service as the API shows it; the secret only when it is made.

    Attributes:
        client_key: What it logs in with.
        organization_id: Whose it is.
        role: What kind of user it acts as.
        scopes: What it may do.
        locations: The locations of a Location Manager.
        created_at: When it was made.
        revoked_at: When it was ended, if it was.
        secret: The `clientSecret` that it logs in with.
    """

    client_key: str
    organization_id: str
    role: str
    scopes: tuple[str, ...]
    locations: tuple[str, ...]
    created_at: str
    revoked_at: str | None
    secret: str | msgspec.UnsetType = msgspec.UNSET


def list_services(
    store: Store, organization: str | None, only: LocationScope = None
) -> list[ServiceView]:
    """Return the services, oldest first; `only` keeps those of these locations."""
    return [
        _shown(service)
        for service in store.services(organization)
        if access.is_within(service, only)
    ]


def create_service(
    store: Store, holder: Service, value: dict[str, Any], now: int
) -> ServiceView:
    """Make a service in the holder's organization; return when it is on disk.

    Raises:
        Invalid: It cannot be made, or would hold more than its maker; has every reason.
    """
    sent = decoding.convert(value, ServiceRequest)
    role, scopes = access.parse_role(sent.role), tuple(dict.fromkeys(sent.scopes))
    locations = tuple(dict.fromkeys(sent.locations))
    access.check_scopes(scopes)
    errors = list(access.wrong_grants(holder, role, scopes, locations))
    if not errors:
        errors = _wrong_locations(store, holder.organization, role, locations)
    if errors:
        text = "; ".join(map(str, errors))
        raise Invalid(f"The service cannot be made: {text}.", errors)
    if len(store.services(holder.organization)) >= SERVICES_MAX:
        raise Invalid(
            f"This organization has {SERVICES_MAX} services, revoked ones included, "
            "which is the most that is allowed."
        )
    made = tenants.create_service(
        store, holder.organization, role, scopes, now, locations=locations
    )
    service = Service(
        made.client_key, holder.organization, role, scopes, now, locations=locations
    )
    return msgspec.structs.replace(_shown(service), secret=made.client_secret)


def revoke_service(
    store: Store, holder: Service, client_key: str, now: int
) -> Future[bool]:
    """End a service of the holder's organization and all its tokens, at once.

    Raises:
        ServiceUnknown: The organization has none with this key.
        NotAllowed: The holder may not see it.
    """
    found = store.credential(client_key)
    if found is None or found.service.organization != holder.organization:
        service = None
    else:
        service = found.service
    only = holder.location_scope
    if only is not None and (service is None or not access.is_within(service, only)):
        raise NotAllowed("This token may not revoke this service.")
    if service is None:
        raise ServiceUnknown(f"There is no service {client_key[:64]}.")
    return store.revoke_service(client_key, now)


def _wrong_locations(
    store: Store, organization: str, role: Role, locations: tuple[str, ...]
) -> list[FieldError]:
    if role is not Role.LOCATION_MANAGER:
        if not locations:
            return []
        return [FieldError("locations", f"only a {Role.LOCATION_MANAGER} has them")]
    if not 1 <= len(locations) <= LOCATIONS_MAX:
        return [FieldError("locations", f"1 to {LOCATIONS_MAX} are needed")]
    registry = store.read(organization, lambda transaction: transaction.registry.load())
    return [
        FieldError("locations", f"there is no location {location[:64]}")
        for location in locations
        if registry.location(location) is None
    ]


def _shown(service: Service) -> ServiceView:
    return ServiceView(
        client_key=service.client_key,
        organization_id=service.organization,
        role=str(service.role),
        scopes=service.scopes,
        locations=service.locations,
        created_at=format_instant(service.created_at),
        revoked_at=None
        if service.revoked_at is None
        else format_instant(service.revoked_at),
    )
