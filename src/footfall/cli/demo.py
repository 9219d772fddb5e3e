"""`footfall demo`: example data, served by one command."""

import os
import sys
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from footfall import clock, settings
from footfall.cli.imports import DAYS
from footfall.errors import AlreadyExists

if TYPE_CHECKING:
    from footfall.flows.accounts.tenants import NewService
    from footfall.store import Store

ORGANIZATION = "155d60f21dc1938562900a0e201d54f6"
EVENTS = 20_000
SEED = 1


def demo(
    *, folder: Path = Path("demo"), host: str | None = None, port: int | None = None
) -> None:
    """Load the example and a simulated chain of venues, and serve them.

    The second run is quick, because the data is already there.

    Example: footfall demo --port 8001

    Args:
        folder: The folder of the demo's database.
        host: The address to listen on (FOOTFALL_HOST).
        port: The port to listen on (FOOTFALL_PORT).
    """
    from footfall import server, service
    from footfall.runtime.http import bind_port

    folder.mkdir(exist_ok=True)
    chosen = settings.load(
        os.environ, store=f"sqlite:{folder / 'footfall.db'}", host=host, port=port
    )
    bind_port(chosen.host, chosen.port)
    store = service.open_store(chosen)
    try:
        made = fill(store)
    finally:
        store.close()
    server.serve(chosen, lambda address, **_: _say(address, made))


def fill(store: "Store") -> "NewService":
    """Make the demo's organization and events, and a service that may read them."""
    from footfall.cli.progress import event_bar
    from footfall.core.access import Role
    from footfall.flows.accounts import tenants
    from footfall.flows.events import import_file
    from footfall.simulation import history

    now = clock.now()
    try:
        tenants.create_organization(store, "Demo", ORGANIZATION, now)
    except AlreadyExists:
        for old in store.services(ORGANIZATION):
            store.revoke_service(old.client_key, now).result()
    example = resources.files("footfall").joinpath("data/events-example.json")
    with resources.as_file(example) as path:
        import_file.import_file(store, ORGANIZATION, path, now, lambda *_: None)
    with event_bar() as bar:
        task = bar.add_task("simulating a chain of venues", total=EVENTS)
        history.simulate(
            store, ORGANIZATION, EVENTS, SEED, DAYS, lambda n: bar.advance(task, n)
        )
    scopes = ("organization_read", "organization_write")
    return tenants.create_service(
        store, ORGANIZATION, Role.ORGANIZATION_MANAGER, scopes, now
    )


def _say(address: str, made: "NewService") -> None:
    login = f'{{"clientKey":"{made.client_key}","clientSecret":"{made.client_secret}"}}'
    sys.stdout.write(
        f"""
footfall serves {address}. Paste into another terminal, first for a token:

  TOKEN=$(curl -s {address}/v1/sts/login/services -H 'Content-Type: application/json' \\
    -d '{login}' | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')

then for events:

  curl -s -H "Authorization: Bearer $TOKEN" \\
    '{address}//v1/organizations/{ORGANIZATION}/events?size=3&sortReverse=true'

The API's docs: {address}/docs        Ctrl-C ends the demo.
"""
    )
    sys.stdout.flush()
