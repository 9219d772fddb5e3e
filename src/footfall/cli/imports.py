"""`footfall import` and `footfall simulate`."""

from pathlib import Path
from typing import TYPE_CHECKING

from footfall import clock
from footfall.cli.output import opened, print_json, say
from footfall.errors import Invalid, NothingAccepted

if TYPE_CHECKING:
    from rich.progress import Progress

    from footfall.flows.events.import_file import ImportedEvents
    from footfall.store import Store

DAYS = 60
# Defaults for simulated equipment: addresses, venue, number of people, minutes.
ACCESS_POINTS = ("0c:8d:db:00:00:01", "0c:8d:db:00:00:02", "0c:8d:db:00:00:03")
NETWORK = "simulated-venue"
GUESTS = 50
MINUTES = 180


def load(
    *files: Path, organization: str, store: str | None = None, json: bool = False
) -> None:
    """Import events from files: responses of the API, arrays or NDJSON, also .gz.

    You may repeat it: each event is stored once. Rejected events go to
    FILE.rejected.ndjson with the reasons.

    Example: footfall import events.json history.ndjson.gz --organization ID

    Args:
        files: The files.
        organization: The id of the organization that gets the events.
        store: Where the events go: sqlite:PATH (FOOTFALL_STORE).
        json: Print JSON.
    """
    from footfall.cli.progress import file_bar

    if not files:
        raise Invalid("Name at least one file to import.")
    with opened(store) as data, file_bar() as bar:
        results = [_load(data, organization, file, bar) for file in files]
    if json:
        print_json(results)
    else:
        for result in results:
            say(_sentence(result))
    if all(result.rejected and not result.accepted for result in results):
        raise NothingAccepted("Nothing was imported; see the reasons in the files.")


def _load(
    data: "Store", organization: str, file: Path, bar: "Progress"
) -> "ImportedEvents":
    from footfall.flows.events.import_file import import_file

    task = bar.add_task(file.name, total=file.stat().st_size, events=0)

    def progress(at: int, events: int) -> None:
        bar.update(task, completed=at, events=events)

    return import_file(data, organization, file, clock.now(), progress)


def _sentence(result: "ImportedEvents") -> str:
    text = f"{result.file}: {result.accepted} stored, {result.duplicates} already there"
    if result.rejected_file:
        text += f", {result.rejected} rejected: see {result.rejected_file}"
    return text


def simulate(  # noqa: PLR0913  each is a flag
    *,
    organization: str | None = None,
    events: int | None = None,
    seed: int = 1,
    days: int = DAYS,
    as_: str | None = None,
    to: str | None = None,
    secret: str | None = None,
    access_point: list[str] | None = None,
    network: str = NETWORK,
    guests: int = GUESTS,
    minutes: int = MINUTES,
    speed: float = 1.0,
    store: str | None = None,
    json: bool = False,
) -> None:
    """Fill an organization with a simulated chain of venues, or act as equipment.

    With --events, store the events of a chain; the same seed, days and number give the
    same events, around 25 October 2026. With --as, act as access points that hear
    guests' devices and report them to a running server, in real or accelerated time.

    Example: footfall simulate --organization ID --events 100000 --seed 1

    Example: footfall simulate --as mist --to http://127.0.0.1:8000/v1/sources/ID
    --secret SECRET --speed 60

    Args:
        organization: The organization's id.
        events: How many events.
        seed: Any number; each gives a different history.
        days: Over how many days.
        as_: Act as this equipment: radius, meraki or mist.
        to: The source's address; udp://HOST:PORT for radius.
        secret: The source's secret.
        access_point: The MAC address of an access point; repeatable.
        network: The venue's name in the equipment: externalId, or NAS-Identifier.
        guests: How many people come.
        minutes: For how long these people are observed.
        speed: Simulated seconds per second; 60 makes an hour pass in a minute.
        store: Where the events go: sqlite:PATH (FOOTFALL_STORE).
        json: Print JSON.
    """
    if as_ is not None:
        if (
            to is None
            or secret is None
            or not all((guests > 0, minutes > 0, speed > 0))
        ):
            raise Invalid(
                "--as needs --to and --secret; --guests, --minutes and --speed must be "
                "over 0."
            )
        points = tuple(access_point or ACCESS_POINTS)
        _simulate_equipment(
            as_, (to, secret, points, network), (guests, minutes, seed), speed
        )
        return
    if organization is None or events is None:
        raise Invalid("Give --organization and --events, or --as and --to.")
    _simulate_chain(organization, events, seed, days, store, json=json)


def _simulate_equipment(
    kind: str,
    place: tuple[str, str, tuple[str, ...], str],
    size: tuple[int, int, int],
    speed: float,
) -> None:
    from footfall.cli.progress import event_bar
    from footfall.core.observations import parse_mac
    from footfall.simulation import vendors
    from footfall.simulation.devices import simulate_devices

    if kind not in vendors.VENDORS:
        raise Invalid(
            f"--as {kind!r} is not known; allowed: {', '.join(vendors.VENDORS)}."
        )
    url, secret, points, network = place
    try:
        addresses = tuple(parse_mac(point) for point in points)
    except ValueError as error:
        raise Invalid(f"--access-point {error}.") from None
    guests, minutes, seed = size
    sightings = simulate_devices(guests, minutes, len(addresses), seed)
    setup = vendors.Setup(url, secret, addresses, network)
    with event_bar("observations") as bar:
        task = bar.add_task(kind, total=len(sightings))
        vendors.play(
            vendors.VENDORS[kind](setup),
            sightings,
            clock.now(),
            speed,
            lambda count: bar.advance(task, count),
        )
    say(f"{guests} guests, {len(sightings)} observations")


def _simulate_chain(
    organization: str,
    events: int,
    seed: int,
    days: int,
    store: str | None,
    *,
    json: bool,
) -> None:
    from footfall.cli.progress import event_bar
    from footfall.simulation.history import simulate as run

    if events < 1 or days < 1:
        raise Invalid("--events and --days must be at least 1.")
    with opened(store) as data, event_bar() as bar:
        task = bar.add_task("simulate", total=events)
        made = run(
            data, organization, events, seed, days, lambda n: bar.advance(task, n)
        )
    if json:
        print_json({"accepted": made.accepted, "duplicates": made.duplicates})
    else:
        say(f"{made.accepted} stored, {made.duplicates} already there")
