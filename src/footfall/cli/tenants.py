"""`footfall organization …` and `footfall service …`."""

import sys
from typing import TYPE_CHECKING

import msgspec

from footfall import clock
from footfall.cli.output import opened, print_json, print_list, say
from footfall.core.instants import format_instant
from footfall.errors import ServiceUnknown

if TYPE_CHECKING:
    from footfall.store import Organization


def create_organization(
    *,
    name: str,
    id: str | None = None,  # noqa: A002  the flag's name
    store: str | None = None,
    json: bool = False,
) -> None:
    """Make an organization, the tenant that everything belongs to.

    Example: footfall organization create --name "Harbour Cafes"

    Args:
        name: What people call it.
        id: Its id in the API's paths; random by default.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
        json: Print JSON.
    """
    from footfall.flows.accounts import tenants

    with opened(store, creates=True) as data:
        made = tenants.create_organization(data, name, id, clock.now())
    if json:
        print_json(_organization(made))
    else:
        say(f"{made.id}")


def list_organizations(*, store: str | None = None, json: bool = False) -> None:
    """List the organizations.

    Example: footfall organization list --json

    Args:
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
        json: Print JSON.
    """
    with opened(store) as data:
        found = [_organization(item) for item in data.organizations()]
    print_list(found, ("id", "name", "createdAt"), json=json)


def create_service(
    *,
    organization: str,
    role: str,
    scope: list[str],
    location: list[str] | None = None,
    store: str | None = None,
    json: bool = False,
) -> None:
    """Make an API credential; its secret is shown only once.

    Example: footfall service create --organization ID
    --role "Organization Manager" --scope events_read

    Args:
        organization: The organization's id.
        role: "Organization Manager", "Location Manager" or "Public app".
        scope: What it may do, such as events_read; repeatable.
        location: The id of a Location Manager's location; repeatable.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
        json: Print JSON.
    """
    from footfall.core.access import parse_role
    from footfall.flows.accounts import tenants

    with opened(store) as data:
        made = tenants.create_service(
            data,
            organization,
            parse_role(role),
            tuple(scope),
            clock.now(),
            locations=tuple(location or ()),
        )
    if json:
        print_json(made)
    else:
        sys.stdout.write(
            f"clientKey     {made.client_key}\n"
            f"clientSecret  {made.client_secret}\n"
            "The secret is not shown again: write it down now.\n"
        )


def list_services(
    *, organization: str | None = None, store: str | None = None, json: bool = False
) -> None:
    """List the API credentials, without their secrets.

    Example: footfall service list --organization ID

    Args:
        organization: Only the services of this organization.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
        json: Print JSON.
    """
    from footfall.flows.accounts import services

    with opened(store) as data:
        found = [
            msgspec.to_builtins(service)
            for service in services.list_services(data, organization)
        ]
    columns = ("clientKey", "organizationId", "role", "scopes", "revokedAt")
    print_list(found, columns, json=json)


def revoke_service(client_key: str, *, store: str | None = None) -> None:
    """End an API credential and all its tokens, at once.

    Example: footfall service revoke ck-0b6ac9a5-6ee7-4a1b-9f0e-7c2f0d3c1a55

    Args:
        client_key: The clientKey.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
    """
    with opened(store) as data:
        if not data.revoke_service(client_key, clock.now()).result():
            raise ServiceUnknown(f"There is no service {client_key}.")
    say(f"{client_key} is revoked.")


def _organization(organization: "Organization") -> dict[str, str]:
    return {
        "id": organization.id,
        "name": organization.name,
        "createdAt": format_instant(organization.created_at),
    }
