"""`footfall replay` and `footfall presence …`."""

from pathlib import Path
from typing import TYPE_CHECKING

from footfall import clock
from footfall.cli.output import opened, print_json, say
from footfall.errors import Invalid

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from footfall.core.stays import Rules


def replay(  # noqa: PLR0913  each is a flag
    file: Path,
    *,
    organization: str,
    location: str,
    time_column: str,
    device_column: str,
    timezone: str | None = None,
    session_timeout: int | None = None,
    minimum_dwell: int | None = None,
    pseudonymous: bool = False,
    store: str | None = None,
    json: bool = False,
) -> None:
    """Make visits from a history of observations: a CSV file, also .gz.

    The times in the file count, not the present time. You may interrupt and repeat it.
    Rejected lines go to FILE.rejected.ndjson with the reasons.

    Example: footfall replay history.csv.gz --organization ID --location ID
    --time-column local_time --device-column device --timezone Asia/Tokyo

    Args:
        file: The file.
        organization: The organization's id.
        location: The id of the location of all observations in the file.
        time_column: The column of times: ISO 8601, or seconds or ms since 1970.
        device_column: The column of devices: MAC addresses, or other names.
        timezone: The zone of times without an offset; by default the location's.
        session_timeout: Minutes of silence that end a stay; by default the
            location's.
        minimum_dwell: Minutes that a visit must last; by default the location's.
        pseudonymous: Make a contact for each unknown device.
        store: Where the events go: sqlite:PATH (FOOTFALL_STORE).
        json: Print JSON.
    """
    import msgspec

    from footfall.cli.progress import file_bar
    from footfall.flows.presence.observe import PresenceOptions
    from footfall.flows.presence.replay import Columns, rules_for
    from footfall.flows.presence.replay import replay as run

    zone = _zone(timezone)
    changes = {
        name: value
        for name, value in (
            ("session_timeout", session_timeout),
            ("minimum_dwell", minimum_dwell),
        )
        if value is not None
    }
    with opened(store) as data, file_bar("observations") as bar:
        rules: Rules = rules_for(data, organization, location)
        options = PresenceOptions(
            msgspec.structs.replace(rules, **changes),
            pseudonymous or None,
            closing=False,
        )
        task = bar.add_task(file.name, total=file.stat().st_size, events=0)
        done = run(
            data,
            organization,
            location,
            file,
            columns=Columns(time_column, device_column, zone),
            options=options,
            now=clock.now(),
            progress=lambda at, count: bar.update(task, completed=at, events=count),
        )
    if json:
        print_json(done)
        return
    text = f"{done.file}: {done.observed} observations, {done.events} events made"
    if done.rejected_file:
        text += f", {done.rejected} rejected: see {done.rejected_file}"
    say(text)


def _zone(name: str | None) -> "ZoneInfo | None":
    from footfall.core.instants import zone_of

    try:
        return None if name is None else zone_of(name)
    except ValueError as error:
        raise Invalid(f"--timezone {error}.") from None


def recompute(
    *,
    organization: str,
    since: str,
    until: str,
    location: str | None = None,
    store: str | None = None,
    json: bool = False,
) -> None:
    """Make visits again from the kept observations, by the present settings.

    Events that no longer hold are withdrawn, and announced as such in the order of
    arrival. You may interrupt and repeat it.

    Example: footfall presence recompute --organization ID --since 2026-11-01
    --until 2026-11-07

    Args:
        organization: The organization's id.
        since: The first instant, or day in UTC.
        until: The last instant, or day in UTC.
        location: Only at this location.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
        json: Print JSON.
    """
    from footfall.cli.progress import span_bar
    from footfall.core.instants import parse_bound
    from footfall.flows.presence.recompute import recompute as run

    try:
        first, last = parse_bound(since, last=False), parse_bound(until, last=True)
    except ValueError as error:
        raise Invalid(f"{error}.") from None
    with opened(store) as data, span_bar() as bar:
        task = bar.add_task("recompute", total=last - first + 1)
        done = run(
            data,
            organization,
            location,
            since=first,
            until=last,
            now=clock.now(),
            progress=lambda at, _all: bar.update(task, completed=at),
        )
    if json:
        print_json(done)
    else:
        say(f"{done.events} events made, {done.withdrawn} withdrawn")


def forget_devices(*, organization: str, store: str | None = None) -> None:
    """Delete the key of an organization's devices, so that all of them are unknown.

    After that, no stored digest can be traced to an address. Every device counts as
    new, and belongs to a contact again from the contact's next login.

    Example: footfall presence forget-devices --organization ID

    Args:
        organization: The organization's id.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
    """
    with opened(store) as data:
        data.transaction(
            organization, lambda transaction: transaction.registry.delete_device_key()
        ).result()
        waits = data.purge()
    say(f"The device key of {organization} is deleted.")
    if waits:
        say("A long read keeps its bytes in the WAL: run this again when it has ended.")
