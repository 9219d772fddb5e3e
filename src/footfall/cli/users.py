"""`footfall user …`."""

import os
import sys
from typing import TYPE_CHECKING

from footfall import clock, settings
from footfall.cli.output import opened, print_json, print_list, say
from footfall.core.instants import format_instant

if TYPE_CHECKING:
    from footfall.core.access import User


def create(  # noqa: PLR0913  the flags
    *,
    organization: str,
    email: str,
    name: str = "",
    role: str = "Organization Manager",
    scope: list[str] | None = None,
    location: list[str] | None = None,
    address: str | None = None,
    store: str | None = None,
    json: bool = False,
) -> None:
    """Make a person who signs in to the console; prints a link that does so once.

    Example: footfall user create --organization ID --email ann@example.com

    Args:
        organization: The organization's id.
        email: By which the person signs in.
        name: What people call it; the e-mail by default.
        role: "Organization Manager" or "Location Manager".
        scope: What it may do, such as events_read; repeatable; everything by default.
        location: The id of a Location Manager's location; repeatable.
        address: The address of the console, for the link (FOOTFALL_ADDRESS).
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
        json: Print JSON.
    """
    from footfall.core.access import parse_role
    from footfall.flows.accounts import users

    with opened(store) as data:
        person = users.Person(
            organization,
            email,
            name,
            parse_role(role),
            tuple(scope or users.EVERYTHING),
            tuple(location or ()),
        )
        made = users.create_user(data, person, clock.now())
        link = link_of(address, users.make_link(data, made, clock.now()))
    if json:
        print_json(_described(made) | {"link": link})
    else:
        sys.stdout.write(f"{made.id}\n{link}\n{ONCE}\n")


ONCE = "The link signs in once, within an hour; a password can be set then."


def list_users(
    *, organization: str | None = None, store: str | None = None, json: bool = False
) -> None:
    """List the people who may sign in to the console, and those who no longer may.

    Example: footfall user list --organization ID

    Args:
        organization: Only the users of this organization.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
        json: Print JSON.
    """
    with opened(store) as data:
        found = [_described(one) for one in data.users.all(organization)]
    columns = ("id", "organizationId", "email", "role", "revokedAt")
    print_list(found, columns, json=json)


def link(
    user: str,
    *,
    organization: str | None = None,
    address: str | None = None,
    store: str | None = None,
) -> None:
    """Make a link that signs a person in once, within an hour.

    Example: footfall user link ann@example.com

    Args:
        user: The user's id or e-mail.
        organization: Its organization, where several have one of this e-mail.
        address: The address of the console, for the link (FOOTFALL_ADDRESS).
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
    """
    from footfall.flows.accounts import users

    with opened(store) as data:
        found = users.find_user(data, user, organization)
        say(link_of(address, users.make_link(data, found, clock.now())))


def password(
    user: str, *, organization: str | None = None, store: str | None = None
) -> None:
    """Set a person's password, read from the terminal or the first line of stdin.

    It ends all sessions of the person.

    Example: footfall user password ann@example.com

    Args:
        user: The user's id or e-mail.
        organization: Its organization, where several have one of this e-mail.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
    """
    import getpass

    from footfall.flows.accounts import users

    with opened(store) as data:
        found = users.find_user(data, user, organization)
        if sys.stdin.isatty():
            new = getpass.getpass("New password: ")
        else:
            new = sys.stdin.readline().rstrip("\n")
        users.set_password(data, found, new, clock.now())
    say(f"{found.email} has a new password; all its sessions have ended.")


def revoke(
    user: str, *, organization: str | None = None, store: str | None = None
) -> None:
    """End a person's access, and all its sessions and tokens, at once.

    Example: footfall user revoke ann@example.com

    Args:
        user: The user's id or e-mail.
        organization: Its organization, where several have one of this e-mail.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
    """
    from footfall.flows.accounts import users

    with opened(store) as data:
        found = users.find_user(data, user, organization)
        data.users.revoke(found.id, clock.now()).result()
    say(f"{found.email} is revoked.")


def link_of(address: str | None, token: str) -> str:
    """Return the link of a token; it is a fragment, so no server ever logs it."""
    if address is None:
        chosen = settings.load(os.environ)
        address = chosen.address or f"http://{chosen.host}:{chosen.port}"
    return f"{address.rstrip('/')}/console/sign-in#{token}"


def _described(user: "User") -> dict[str, object]:
    return {
        "id": user.id,
        "organizationId": user.organization,
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "scopes": user.scopes,
        "locations": user.locations,
        "createdAt": format_instant(user.created_at),
        "revokedAt": user.revoked_at and format_instant(user.revoked_at),
    }
