"""Users: people who sign in to the console of an organization.

A user has a role, scopes and locations as a service has. It signs in with a password,
which it chooses itself after its first sign-in, or with a link, which an operator
makes and which holds once.
"""

import contextlib
import secrets
import uuid

import msgspec

from footfall.core import access, identities
from footfall.core.access import Role, User
from footfall.core.instants import SECOND
from footfall.errors import AlreadyExists, FieldError, Invalid, NotFound
from footfall.flows.accounts import passwords
from footfall.flows.accounts.tenants import hash_secret
from footfall.store import Store

LINK_S = 60 * 60
LINK_BYTES = 32
NAME_LENGTH_MAX = 200
EVERYTHING = ("organization_read", "organization_write")
FIRST_EMAIL = "admin@example.com"
_ROLES = (Role.ORGANIZATION_MANAGER, Role.LOCATION_MANAGER)


class Person(msgspec.Struct, frozen=True):
    """Who is to be a user, and what of; see `core.access.User`."""

    organization: str
    email: str
    name: str = ""
    role: Role = Role.ORGANIZATION_MANAGER
    scopes: tuple[str, ...] = EVERYTHING
    locations: tuple[str, ...] = ()


def create_user(store: Store, person: Person, now: int) -> User:
    """Make a user, which has no password yet.

    Raises:
        Invalid: The e-mail, the name, the role, a scope or a location cannot be used.
        AlreadyExists: The organization has a user of this e-mail.
        OrganizationUnknown: There is no such tenant.
    """
    access.check_scopes(person.scopes)
    if person.role not in _ROLES:
        raise Invalid(f"A person's role is one of: {', '.join(_ROLES)}.")
    access.check_locations(person.role, person.locations)
    user = User(
        id=f"user-{uuid.uuid4()}",
        organization=person.organization,
        email=normal_email(person.email),
        name=_name(person.name or person.email),
        role=person.role,
        scopes=tuple(dict.fromkeys(person.scopes)),
        created_at=now,
        locations=person.locations,
    )
    return msgspec.structs.replace(user, id=store.users.add(user).result())


def normal_email(text: str) -> str:
    """Return an e-mail in the spelling by which users are found.

    Raises:
        Invalid: It cannot be one.
    """
    try:
        return identities.normalise("email", text)
    except ValueError as error:
        raise Invalid(
            f"The e-mail cannot be used: it {error}", [FieldError("email", str(error))]
        ) from None


def _name(text: str) -> str:
    name = text.strip()
    if not name or len(name) > NAME_LENGTH_MAX or not name.isprintable():
        allowed = f"1 to {NAME_LENGTH_MAX} characters"
        raise Invalid(
            f"The name cannot be used; allowed: {allowed}.",
            [FieldError("name", f"allowed: {allowed}")],
        )
    return name


def find_user(store: Store, user: str, organization: str | None = None) -> User:
    """Return the user of an id or an e-mail that has not been revoked.

    Raises:
        NotFound: There is none.
        Invalid: Several organizations have one of this e-mail.
    """
    email = identities.sought_email(user)
    found = [
        one
        for one in store.users.all(organization)
        if (one.id == user or one.email == email) and one.revoked_at is None
    ]
    if not found:
        raise NotFound(f"There is no user {user}.")
    if len(found) > 1:
        raise Invalid(
            f"Several organizations have a user {user}: name the organization too."
        )
    return found[0]


def set_password(store: Store, user: User, password: str, now: int) -> None:
    """Set a user's password and end its sessions.

    Raises:
        Invalid: The password is too short or too long.
        NotFound: The user has been revoked.
    """
    if not store.users.change_password(
        user.id, passwords.hash_password(password), now
    ).result():
        raise NotFound(f"There is no user {user.email}.")


def make_link(store: Store, user: User, now: int) -> str:
    """Return the token of a link that signs a user in once, within an hour."""
    token = secrets.token_urlsafe(LINK_BYTES)
    store.users.add_link(hash_secret(token), user.id, now + LINK_S * SECOND).result()
    return token


def first_link(store: Store, now: int) -> str | None:
    """Return a sign-in link for a new installation: one organization and no user.

    Its first user is made for it, and gets a link until it has a password. Elsewhere
    there is none, as nobody gets access that the operator has not given.
    """
    users = store.users.all()
    if any(one.email != FIRST_EMAIL for one in users):
        return None
    if not users:
        organizations = store.organizations()
        if len(organizations) != 1:
            return None
        person = Person(organizations[0].id, FIRST_EMAIL, "Administrator")
        # Another server may start at the same moment.
        with contextlib.suppress(AlreadyExists):
            create_user(store, person, now)
    waiting = [
        one.user for one in store.users.of_email(FIRST_EMAIL) if not one.password_hash
    ]
    return make_link(store, waiting[0], now) if waiting else None


def lacks_users(store: Store) -> bool:
    """Tell whether there are organizations, but nobody who could sign in to one."""
    return bool(store.organizations()) and not store.users.all()
