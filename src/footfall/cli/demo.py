"""`footfall demo`: example data and a chain that is alive, served by one command."""

import contextlib
import os
import sys
import threading
from datetime import date, timedelta
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from footfall import clock, settings
from footfall.cli.imports import DAYS
from footfall.cli.output import warn
from footfall.errors import AlreadyExists, EquipmentUnheard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from footfall.flows.accounts.tenants import NewService
    from footfall.settings import Settings
    from footfall.simulation.chain import Venue
    from footfall.store import Store
    from footfall.store.transaction import Source

ORGANIZATION = "155d60f21dc1938562900a0e201d54f6"
EMAIL = "demo@example.com"
EVENTS = 20_000
SEED = 1
# Of equipment, locally administered, so nobody's.
_ACCESS_POINT = 0x0200_0000_0000


def demo(
    *, folder: Path = Path("demo"), host: str | None = None, port: int | None = None
) -> None:
    """Load the example and a simulated chain of venues, and serve them.

    While it serves, guests of the chain come and go in real time. The second run is
    quick, because the data is already there.

    Example: footfall demo --port 8001

    Args:
        folder: The folder of the demo's database.
        host: The address to listen on (FOOTFALL_HOST).
        port: The port to listen on; 0 finds a free one (FOOTFALL_PORT).
    """
    from footfall import server, service
    from footfall.runtime.http import bind_port
    from footfall.simulation.chain import venues

    folder.mkdir(exist_ok=True)
    chosen = settings.load(
        os.environ, store=f"sqlite:{folder / 'footfall.db'}", host=host, port=port
    )
    bind_port(chosen.host, chosen.port)
    store = service.open_store(chosen)
    chain = venues(EVENTS, SEED, DAYS)
    try:
        made = fill(store)
        source, secret = _equipment(store, chosen, chain)
        link = _sign_in_link(store)
    finally:
        store.close()
    log = folder / "footfall.log"
    # Lines of requests would push the link out of sight.
    with log.open("a") as file, _alive(chain, source.id, secret) as begin:

        def ready(address: str, **_: object) -> None:
            _say(address, made, link, log)
            begin(address)

        with contextlib.redirect_stderr(file):
            server.serve(chosen, ready)


@contextlib.contextmanager
def _alive(
    chain: "list[Venue]", source: str, secret: str
) -> "Iterator[Callable[[str], None]]":
    """Lend what begins the chain's life at a server's address; it ends with this."""
    stop = threading.Event()
    threads: list[threading.Thread] = []

    def begin(address: str) -> None:
        url = f"{address}/v1/sources/{source}"
        live = threading.Thread(target=_live, args=(chain, url, secret, stop))
        live.start()
        threads.append(live)

    try:
        yield begin
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def fill(store: "Store") -> "NewService":
    """Make the demo's organization and events, and a service that may read them."""
    from footfall.cli.progress import event_bar
    from footfall.core.access import Role
    from footfall.core.instants import DAY
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
    [began] = [one for one in store.organizations() if one.id == ORGANIZATION]
    with event_bar() as bar:
        task = bar.add_task("simulating a chain of venues", total=EVENTS)
        history.simulate(
            store,
            ORGANIZATION,
            EVENTS,
            SEED,
            DAYS,
            lambda n: bar.advance(task, n),
            until=date(1970, 1, 1) + timedelta(days=began.created_at // DAY),
        )
    scopes = ("organization_read", "organization_write")
    return tenants.create_service(
        store, ORGANIZATION, Role.ORGANIZATION_MANAGER, scopes, now
    )


def _equipment(
    store: "Store", chosen: "Settings", chain: "list[Venue]"
) -> "tuple[Source, str]":
    """Register the chain's places; return their source and its secret."""
    from footfall import service
    from footfall.flows.places import manage

    def registered(create: "Callable[..., Future[Any]]", *args: object) -> None:
        with contextlib.suppress(AlreadyExists):
            create(store, ORGANIZATION, *args).result()

    for number, venue in enumerate(chain):
        location = {
            "id": venue.id,
            "name": venue.name,
            "timezone": venue.zone,
            "lat": venue.lat,
            "lng": venue.lng,
        }
        registered(manage.create_location, location)
        for point, mac in enumerate(access_points_of(number, venue)):
            hotspot = {
                "id": venue.hotspots[point],
                "name": f"{venue.name} {point + 1}",
                "venueId": venue.id,
                "vendor": "mist",
                "macAddress": mac.hex(":"),
            }
            registered(manage.create_hotspot, hotspot, None)
    sources = service.source_secrets(store, settings.signing_secret(chosen))
    for source in store.sources(ORGANIZATION):
        if source.kind == "mist":
            return source, sources.open(source)
    made = sources.create(ORGANIZATION, "mist", clock.now())
    return made.source, made.secret


def access_points_of(number: int, venue: "Venue") -> tuple[bytes, ...]:
    """Return the addresses of a venue's access points."""
    first = _ACCESS_POINT + number * 256
    return tuple((first + n).to_bytes(6) for n in range(len(venue.hotspots)))


def _sign_in_link(store: "Store") -> str:
    from footfall.flows.accounts import users

    now = clock.now()
    with contextlib.suppress(AlreadyExists):
        users.create_user(store, users.Person(ORGANIZATION, EMAIL, "Demo"), now)
    return users.make_link(store, users.find_user(store, EMAIL, ORGANIZATION), now)


def _live(chain: "list[Venue]", url: str, secret: str, stop: threading.Event) -> None:
    """Be the chain's equipment until the demo ends."""
    from footfall.simulation import live
    from footfall.simulation.vendors import Setup

    setups = [
        Setup(url, secret, access_points_of(number, venue), venue.id)
        for number, venue in enumerate(chain)
    ]
    try:
        live.run(setups, clock.now(), clock.now, stop)
    except EquipmentUnheard as error:
        warn(f"The simulated chain stands still: {error.detail}")


def _say(address: str, made: "NewService", link: str, log: Path) -> None:
    login = f'{{"clientKey":"{made.client_key}","clientSecret":"{made.client_secret}"}}'
    sys.stdout.write(
        f"""
The console, for your browser, once and within an hour:

  {address}/console/sign-in#{link}

footfall serves {address}. Paste into another terminal, first for a token:

  TOKEN=$(curl -s {address}/v1/sts/login/services -H 'Content-Type: application/json' \\
    -d '{login}' | sed 's/.*"token":"\\([^"]*\\)".*/\\1/')

then for events:

  curl -s -H "Authorization: Bearer $TOKEN" \\
    '{address}//v1/organizations/{ORGANIZATION}/events?size=3&sortReverse=true'

The API's docs: {address}/docs        The log: {log}        Ctrl-C ends the demo.
"""
    )
    sys.stdout.flush()
