"""`footfall source …`."""

import os
from typing import TYPE_CHECKING

import msgspec

from footfall import clock, settings
from footfall.cli.output import opened, print_json, print_list, say
from footfall.core.paging import Paging
from footfall.errors import SourceUnknown

if TYPE_CHECKING:
    from footfall.flows.accounts.source_secrets import NewSource

SHOWN = 100


def create(  # noqa: PLR0913  each is a flag
    *,
    kind: str,
    organization: str,
    secret: str | None = None,
    validator: str | None = None,
    location: str | None = None,
    address: list[str] | None = None,
    name: str | None = None,
    url: str = "https://footfall.example.com",
    store: str | None = None,
    json: bool = False,
) -> None:
    """Make an address for equipment, and print what to enter at the vendor.

    Example: footfall source create --kind meraki --validator V --organization ID

    Args:
        kind: radius, freeradius, meraki or mist.
        organization: The organization's id.
        secret: The secret to share with the equipment; random by default.
        validator: The validator that Meraki's dashboard shows.
        location: The id of the location for access points that are not registered.
        address: A network that sends RADIUS packets, such as 192.0.2.0/24; repeatable.
        name: What people call it.
        url: The URL at which the equipment reaches footfall.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
        json: Print JSON.
    """
    from footfall import service

    chosen = settings.load(os.environ, store=store)
    with opened(store) as data:
        source_secrets = service.source_secrets(data, settings.signing_secret(chosen))
        made = source_secrets.create(
            organization,
            kind,
            clock.now(),
            secret=secret,
            validator=validator,
            location=location,
            networks=tuple(address or ()),
            name=name,
        )
    post_to = f"{url.rstrip('/')}/v1/sources/{made.source.id}"
    if json:
        print_json(
            {
                "id": made.source.id,
                "kind": kind,
                "organizationId": organization,
                "url": post_to if kind != "radius" else None,
                "secret": made.secret,
            }
        )
    else:
        say(_instructions(made, post_to, chosen.radius_port).rstrip("\n"))


def _instructions(made: "NewSource", post_to: str, radius_port: int | None) -> str:
    """Say what to enter at the vendor; the secret is shown only here."""
    radius_port = settings.RADIUS_PORT if radius_port is None else radius_port
    host = post_to.split("/")[2].partition(":")[0]
    lines = {
        "radius": [
            "Enter this accounting server at the access points or their controller:",
            f"  server         {host}, UDP port {radius_port}",
            f"  shared secret  {made.secret}",
            "  interim updates every 5 minutes or less",
            "and register each access point: footfall hotspot import",
        ],
        "freeradius": [
            "In your FreeRADIUS, enter in the section accounting of mods-enabled/rest:",
            f'  uri      = "{post_to}"',
            '  method   = "post"',
            '  body     = "json"',
            '  auth     = "basic"',
            '  username = "footfall"',
            f'  password = "{made.secret}"',
            "and add `rest` to the section accounting of sites-enabled/default.",
        ],
        "meraki": [
            "Enter in Meraki's dashboard, Network-wide > General > Scanning API:",
            f"  Post URL  {post_to}",
            f"  Secret    {made.secret}",
            "  API version 3 (or 2), radio types WiFi and Bluetooth; then Validate",
        ],
        "mist": [
            "Enter in Mist, Organization > Settings > Webhooks:",
            f"  URL     {post_to}",
            f"  Secret  {made.secret}",
            "  Topics  location-client, zone, client-join, client-sessions and",
            "          guest-authorizations",
        ],
    }[made.source.kind]
    head = f"source {made.source.id}\n\n"
    return (
        head
        + "\n".join(lines)
        + "\n\nThe secret is not shown again: write it down now.\n"
    )


def list_sources(
    *, organization: str | None = None, store: str | None = None, json: bool = False
) -> None:
    """List the sources, how they stand, and when they were last heard.

    Example: footfall source list --organization ID

    Args:
        organization: Only the sources of this organization.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
        json: Print JSON.
    """
    from footfall import service
    from footfall.flows.accounts import sources

    chosen = settings.load(os.environ, store=store)
    with opened(store) as data:
        names = [organization] if organization else [o.id for o in data.organizations()]
        secrets = service.source_secrets(data, settings.signing_secret(chosen))
        found = [
            msgspec.to_builtins(source)
            for name in names
            for source in sources.list_sources(secrets, name, clock.now())
        ]
    columns = ("id", "name", "kind", "organizationId", "state", "lastHeardAt")
    print_list(found, columns, json=json)


def delete(source: str, *, store: str | None = None) -> None:
    """Delete a source; footfall receives nothing there any more.

    Example: footfall source delete 0b6ac9a56ee74a1b9f0e7c2f0d3c1a55

    Args:
        source: The source's id.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
    """
    from footfall.flows.accounts import sources

    with opened(store) as data:
        found = data.source(source)
        if found is None:
            raise SourceUnknown(f"There is no source {source}.")
        sources.delete_source(data, found.organization, source).result()
    say(f"{source} is deleted.")


def problems(
    *,
    organization: str,
    limit: int = SHOWN,
    store: str | None = None,
    json: bool = False,
) -> None:
    """List what sources sent that was not understood, in the last 7 days, newest first.

    Example: footfall source problems --organization ID

    Args:
        organization: The organization's id.
        limit: How many to list at most.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
        json: Print JSON, with what was sent.
    """
    from footfall.flows.accounts import sources

    with opened(store) as data:
        kept = sources.read_problems(data, organization, Paging(limit))
    found = [msgspec.to_builtins(one) for one in kept]
    print_list(found, ("at", "source", "reason"), json=json)
