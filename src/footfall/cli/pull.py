"""`footfall pull`: an account's history, from the original or another footfall."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from footfall import clock, settings
from footfall.cli.login import Login, client_of, find_login
from footfall.cli.output import opened, print_json, say
from footfall.cli.private_files import read_private, state_file, write_private
from footfall.core.instants import SECOND, parse_instant
from footfall.errors import Invalid, OrganizationUnknown

if TYPE_CHECKING:
    from rich.progress import Progress

    from footfall.client import Client
    from footfall.client.readers import HistoryPosition
    from footfall.flows.events.pull import PulledEvents
    from footfall.store import Organization, Store

PAGE_SIZE = 5_000
# A long run gets over a server's bad quarter of an hour.
ATTEMPTS = 30
PATIENCE_S = 15 * 60
Note = Callable[["HistoryPosition", "PulledEvents"], None]


class PullState(msgspec.Struct):
    """How far a history is pulled.

    Attributes:
        arrivals: The organization's newest arrival number then.
        since: The date of the last event.
        scroll_id: The scroll to go on with.
    """

    arrivals: int
    since: str | None = None
    scroll_id: str | None = None


def pull(  # noqa: PLR0913  each is a flag
    *,
    from_: str,
    organization: str,
    date_start: str | None = None,
    page_size: int = PAGE_SIZE,
    output: Path | None = None,
    store: str | None = None,
    json: bool = False,
) -> None:
    """Store an account's whole history, from the original or another footfall.

    Log in to it first: `footfall login --url BASE_URL --organization ID …`. An
    interrupted pull goes on where it was; you may also repeat it: each event is stored
    once. Events that cannot be stored go to pull-ID.rejected.ndjson with the reasons.
    With --output the history goes to a file instead, a line for each event.

    Example: footfall pull --from https://explore.cloud4wi.com --organization ID

    Args:
        from_: The address of the other server.
        organization: The organization's id, there and here.
        date_start: Only events from this instant or date on.
        page_size: How many events in one request, up to 10,000.
        output: A file for the events (NDJSON); it appears only once it is whole.
        store: Where the events go: sqlite:PATH (FOOTFALL_STORE).
        json: Print JSON.
    """
    if output is not None and store is not None:
        raise Invalid(
            "--output writes a file and needs no --store: leave one of them out."
        )
    login = find_login(organization, from_)
    if output is not None:
        _pull_output(login, output, (date_start, page_size), json=json)
        return
    with (
        opened(store) as data,
        client_of(login, attempts=ATTEMPTS, patience_s=PATIENCE_S) as client,
    ):
        made = _organization(data, organization)
        # A position is that of one organization in one store: one that was made anew
        # has nothing of what was pulled before.
        about = (organization, str(made.created_at), _address(store), date_start or "")
        file = state_file("pull", login.url, *about)
        position = _position_to_go_on(file, data, organization)
        to = (data, organization, position)
        done = _pull(client, to, file, (date_start, page_size))
        file.unlink(missing_ok=True)
    _say(done, json=json)


def _pull_output(
    login: Login, target: Path, asked: tuple[str | None, int], *, json: bool
) -> None:
    from footfall.cli.progress import history_bar
    from footfall.cli.pull_output import pull_output

    about = login.url, login.organization
    with (
        client_of(login, attempts=ATTEMPTS, patience_s=PATIENCE_S) as client,
        history_bar() as bar,
    ):
        count = pull_output(client, about, target, asked, _shown(bar))
    if json:
        print_json({"count": count, "file": str(target)})
    else:
        say(f"{count} events in {target}")


def _say(done: "PulledEvents", *, json: bool) -> None:
    if json:
        print_json(done)
        return
    text = f"{done.accepted} stored, {done.duplicates} already there"
    if done.rejected_file:
        text += f", {done.rejected} rejected: see {done.rejected_file}"
    say(text)


def _organization(data: "Store", organization: str) -> "Organization":
    for one in data.organizations():
        if one.id == organization:
            return one
    raise OrganizationUnknown(
        f"There is no organization {organization} here: make it first with `footfall "
        f"organization create --name NAME --id {organization}`."
    )


def _address(store: str | None) -> str:
    chosen = settings.load(os.environ, store=store)
    return chosen.store if chosen.is_postgres else str(chosen.path.resolve())


def _position_to_go_on(
    file: Path, data: "Store", target: str
) -> "HistoryPosition | None":
    """Return where an interrupted pull was; None to begin.

    Not where the store has fewer arrivals than then: an older backup was restored, and
    lacks what was pulled.
    """
    from footfall.client.readers import HistoryPosition

    kept = read_private(file, PullState)
    if kept is None or kept.arrivals > data.newest_arrivals([target])[target]:
        return None
    return HistoryPosition(kept.since, kept.scroll_id)


def _pull(
    client: "Client",
    to: "tuple[Store, str, HistoryPosition | None]",
    file: Path,
    asked: tuple[str | None, int],
) -> "PulledEvents":
    from footfall.cli.progress import history_bar
    from footfall.flows.events import pull as flow
    from footfall.flows.files import RejectsFile

    data, target, position = to
    date_start, page_size = asked

    def pages() -> Iterator[tuple[list[bytes], "HistoryPosition"]]:
        for part in client.events.history(
            position, date_start=date_start, page_size=page_size
        ):
            yield [event.raw for event in part.events], part.position

    rejects = RejectsFile(
        Path(f"pull-{quote(target, safe='')}"), goes_on=position is not None
    )
    with history_bar() as bar:
        show = _shown(bar)

        def note(at: "HistoryPosition", done: "PulledEvents") -> None:
            arrivals = data.newest_arrivals([target])[target]
            write_private(file, PullState(arrivals, at.since, at.scroll_id))
            show(at, done.count)

        done = flow.pull(data, target, pages(), clock.now(), rejects, note)
        for task in bar.tasks:
            bar.update(task.id, completed=task.total)
        return done


def _shown(bar: "Progress") -> Callable[["HistoryPosition", int], None]:
    """Show how far the dates have come, from the first one to now."""
    task = bar.add_task("pull", total=None, events=0)
    first: int | None = None

    def show(at: "HistoryPosition", count: int) -> None:
        nonlocal first
        if at.since is not None:
            date = parse_instant(at.since) // SECOND
            first = date if first is None else first
            span = clock.now() // SECOND - first
            bar.update(task, total=max(1, span), completed=date - first)
        bar.update(task, events=count)

    return show
