"""`footfall source …`."""

import os
from typing import TYPE_CHECKING

from footfall import clock, settings
from footfall.cli.output import opened, print_json, print_table, say
from footfall.core.instants import format_instant
from footfall.errors import NotFound

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
    url: str = "https://footfall.example.com",
    store: str | None = None,
    json: bool = False,
) -> None:
    """Make an address at which equipment is received, and say what to enter there.

    Example: footfall source create --kind meraki --validator V --organization ID

    Args:
        kind: radius, freeradius, meraki or mist.
        organization: The organization's id.
        secret: The secret to share with the equipment; made if not given.
        validator: What Meraki's dashboard shows as validator.
        location: A location's id, for access points that are not registered.
        address: Where RADIUS packets come from, such as 192.0.2.0/24; repeatable.
        url: How the equipment reaches footfall.
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
    """Say what to enter at the vendor; the secret is shown this once."""
    radius_port = settings.RADIUS_PORT if radius_port is None else radius_port
    host = post_to.split("/")[2].partition(":")[0]
    lines = {
        "radius": [
            "Enter at the access points or their controller, as accounting server:",
            f"  server         {host}, UDP port {radius_port}",
            f"  shared secret  {made.secret}",
            "  interim updates every 5 minutes or less",
            "and register each access point: footfall hotspot import",
        ],
        "freeradius": [
            "Enter in mods-enabled/rest of your FreeRADIUS, in its section accounting:",
            f'  uri      = "{post_to}"',
            '  method   = "post"',
            '  body     = "json"',
            '  auth     = "basic"',
            '  username = "footfall"',
            f'  password = "{made.secret}"',
            "and `rest` in the section accounting of sites-enabled/default.",
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
    return head + "\n".join(lines) + "\n\nThe secret is not shown again: note it now.\n"


def list_sources(
    *, organization: str | None = None, store: str | None = None, json: bool = False
) -> None:
    """List the sources, without their secrets.

    Example: footfall source list --organization ID

    Args:
        organization: Only this organization's.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
        json: Print JSON.
    """
    with opened(store) as data:
        found = [
            {
                "id": source.id,
                "kind": source.kind,
                "organizationId": source.organization,
                "location": source.location,
                "addresses": source.networks,
                "createdAt": format_instant(source.created_at),
            }
            for source in data.sources(organization)
        ]
    if json:
        print_json(found)
    else:
        columns = ("id", "kind", "organizationId", "createdAt")
        print_table(columns, [[one[name] for name in columns] for one in found])


def delete(source: str, *, store: str | None = None) -> None:
    """Delete a source: nothing is received there any more.

    Example: footfall source delete 0b6ac9a56ee74a1b9f0e7c2f0d3c1a55

    Args:
        source: The source's id.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
    """
    with opened(store) as data:
        found = data.source(source)
        if found is None:
            raise NotFound(f"There is no source {source}.")
        deleted = data.transaction(
            found.organization, lambda transaction: transaction.sources.delete(source)
        )
        deleted.result()
    say(f"{source} is deleted.")


def problems(
    *,
    organization: str,
    limit: int = SHOWN,
    store: str | None = None,
    json: bool = False,
) -> None:
    """List what sources sent in the last 7 days and nobody understood, newest first.

    Example: footfall source problems --organization ID

    Args:
        organization: The organization's id.
        limit: At most so many.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
        json: Print JSON, with what was sent.
    """
    with opened(store) as data:
        kept = data.read(
            organization, lambda transaction: transaction.sources.rejections(limit)
        )
    found = [
        {
            "at": format_instant(one.at),
            "source": one.source,
            "reason": one.reason,
            "sent": one.body,
        }
        for one in kept
    ]
    if json:
        print_json(found)
    else:
        columns = ("at", "source", "reason")
        print_table(columns, [[one[name] for name in columns] for one in found])
