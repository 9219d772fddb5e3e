"""Who may do what.

A *permission* names roles and scopes; a service needs one of each. A *grant* is what a
verified token allows: to act as one service of one organization.
"""

from collections.abc import Iterator
from enum import StrEnum

import msgspec

from footfall.errors import FieldError, Invalid, NotAllowed


class Role(StrEnum):
    """What kind of user a service acts as."""

    ORGANIZATION_MANAGER = "Organization Manager"
    LOCATION_MANAGER = "Location Manager"
    PUBLIC_APP = "Public app"


RESOURCES = (
    "organization",
    "events",
    "customer",
    "location",
    "hotspot",
    "webhooks",
    "sources",
    "services",
    "analytics",
)
SCOPES = tuple(f"{name}_{kind}" for name in RESOURCES for kind in ("read", "write"))


# The ids of the locations that a caller may use; None means all.
LocationScope = frozenset[str] | None


class Permission(msgspec.Struct, frozen=True):
    """What an operation needs: one of `roles`, and `scope` or the wider scope."""

    scope: str
    roles: frozenset[Role]

    @property
    def scopes(self) -> frozenset[str]:
        """The scopes, of which one is enough: organization_* contains all others."""
        return frozenset({self.scope, f"organization_{self.scope.rsplit('_')[-1]}"})


_MANAGER = frozenset({Role.ORGANIZATION_MANAGER})
READ_EVENTS = Permission("events_read", _MANAGER)
SEND_EVENTS = Permission("events_write", _MANAGER | {Role.PUBLIC_APP})
ERASE_CONTACT = Permission("customer_write", _MANAGER)
READ_CONTACT = Permission("customer_read", _MANAGER)
CREATE_CONTACT = Permission("customer_write", _MANAGER | {Role.PUBLIC_APP})
CHANGE_CONTACT = Permission("customer_write", _MANAGER)
SEND_OBSERVATIONS = Permission("events_write", _MANAGER | {Role.PUBLIC_APP})
# The flows restrict a Location Manager to its locations.
_LOCAL = _MANAGER | {Role.LOCATION_MANAGER}
READ_LOCATIONS = Permission("location_read", _LOCAL)
CHANGE_LOCATION = Permission("location_write", _LOCAL)
MANAGE_LOCATIONS = Permission("organization_write", _MANAGER)
READ_HOTSPOTS = Permission("hotspot_read", _LOCAL)
WRITE_HOTSPOTS = Permission("hotspot_write", _LOCAL)
READ_WEBHOOKS = Permission("webhooks_read", _MANAGER)
WRITE_WEBHOOKS = Permission("webhooks_write", _MANAGER)
READ_SOURCES = Permission("sources_read", _LOCAL)
# A source may send for any hotspot of the organization.
WRITE_SOURCES = Permission("sources_write", _MANAGER)
READ_SERVICES = Permission("services_read", _LOCAL)
WRITE_SERVICES = Permission("services_write", _LOCAL)
READ_ANALYTICS = Permission("analytics_read", _LOCAL)
READ_SETTINGS = Permission("organization_read", _MANAGER)
CHANGE_SETTINGS = Permission("organization_write", _MANAGER)


class Service(msgspec.Struct, frozen=True):
    """An API credential, without its secret.

    `locations` are the locations of a Location Manager.
    """

    client_key: str
    organization: str
    role: Role
    scopes: tuple[str, ...]
    created_at: int
    revoked_at: int | None = None
    locations: tuple[str, ...] = ()

    @property
    def location_scope(self) -> LocationScope:
        """The locations that it may see; None if all."""
        if self.role is Role.LOCATION_MANAGER:
            return frozenset(self.locations)
        return None


class User(msgspec.Struct, frozen=True):
    """A person who signs in to the console; role, scopes and locations as a service's.

    Attributes:
        id: Its id.
        organization: The organization that it belongs to.
        email: By which it signs in, in lower case; unique in its organization.
        name: What people call it.
    """

    id: str
    organization: str
    email: str
    name: str
    role: Role
    scopes: tuple[str, ...]
    created_at: int
    revoked_at: int | None = None
    locations: tuple[str, ...] = ()


class Grant(msgspec.Struct, frozen=True):
    """What a verified token allows, and until when."""

    service: Service
    token_id: str
    expires_at: int


def check(grant: Grant, permission: Permission, organization: str) -> None:
    """Check that a grant has a permission for an organization.

    The answer for another organization is the same whether it exists or not.

    Raises:
        NotAllowed: It is another organization, or the role or scope does not suffice.
    """
    service = grant.service
    if service.organization != organization:
        raise NotAllowed("This token is not for the organization of this path.")
    if service.role not in permission.roles:
        allowed = ", ".join(sorted(permission.roles))
        raise NotAllowed(
            f"The role {service.role} may not do this; allowed: {allowed}."
        )
    if permission.scopes.isdisjoint(service.scopes):
        allowed = " or ".join(sorted(permission.scopes))
        raise NotAllowed(f"This token lacks a scope; needed: {allowed}.")


def wrong_grants(
    holder: Service, role: Role, scopes: tuple[str, ...], locations: tuple[str, ...]
) -> Iterator[FieldError]:
    """Yield what a service would grant another one beyond what it holds itself."""
    beyond = [
        scope
        for scope in scopes
        if scope in SCOPES
        and Permission(scope, _LOCAL).scopes.isdisjoint(holder.scopes)
    ]
    if beyond:
        message = f"this token does not hold {', '.join(beyond)}"
        yield FieldError("scopes", f"{message}; nobody grants more than they hold")
    only = holder.location_scope
    if only is None:
        return
    if role is not Role.LOCATION_MANAGER:
        message = f"a {Role.LOCATION_MANAGER} grants only the role {holder.role}"
        yield FieldError("role", message)
    if not only.issuperset(locations):
        yield FieldError("locations", "this token is not for all of these locations")


def is_within(service: Service, only: LocationScope) -> bool:
    """Tell whether a service acts at these locations alone; None means all."""
    own = service.location_scope
    return only is None or (own is not None and own <= only)


def check_locations(role: Role, locations: tuple[str, ...]) -> None:
    """Check that only a Location Manager is given locations.

    Raises:
        Invalid: Another role is.
    """
    if locations and role is not Role.LOCATION_MANAGER:
        raise Invalid(f"Only the role {Role.LOCATION_MANAGER} takes locations.")


def parse_role(text: str) -> Role:
    """Read a role's name.

    Raises:
        Invalid: There is no such role; names those that exist.
    """
    try:
        return Role(text)
    except ValueError:
        allowed = f"allowed: {', '.join(Role)}"
        raise Invalid(
            f"The role {text[:64]!r} does not exist; {allowed}.",
            [FieldError("role", allowed)],
        ) from None


def check_scopes(scopes: tuple[str, ...]) -> None:
    """Accept only scopes that exist.

    Raises:
        Invalid: One does not exist; names those that do.
    """
    wrong = [scope for scope in scopes if scope not in SCOPES]
    if wrong or not scopes:
        allowed = f"allowed: {', '.join(SCOPES)}"
        raise Invalid(
            f"{', '.join(wrong) or 'No scope'} cannot be granted; {allowed}.",
            [FieldError("scopes", allowed)],
        )
