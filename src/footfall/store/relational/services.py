"""Services as rows."""

from collections.abc import Sequence
from typing import Any

import msgspec

from footfall.core import access
from footfall.core.access import Service
from footfall.store import Credential


def values_of(service: Service) -> dict[str, Any]:
    """Return a service as a row's values by name."""
    return msgspec.structs.asdict(service) | {
        "scopes": " ".join(service.scopes),
        "locations": " ".join(service.locations),
        "role": str(service.role),
    }


def service_of(row: Sequence[Any]) -> Service:
    """Return the service of a row."""
    key, organization, role, scopes, locations, created_at, revoked_at = row
    return Service(
        client_key=key,
        organization=organization,
        role=access.Role(role),
        scopes=tuple(scopes.split()),
        locations=tuple(locations.split()),
        created_at=created_at,
        revoked_at=revoked_at,
    )


def credential_of(row: Sequence[Any]) -> Credential:
    """Return a service, its secret's hash, and how the token stands."""
    *service, secret_hash, revoked = row
    return Credential(service_of(service), bytes(secret_hash), bool(revoked))
