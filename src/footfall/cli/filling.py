"""`footfall import` and `footfall simulate`."""

import sys
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from footfall import clock
from footfall.cli.printing import opened, print_json
from footfall.errors import Invalid, NothingAccepted
from footfall.flows import load as loading
from footfall.flows import simulate as simulating
from footfall.store import Store

DAYS = 60


class _RateColumn(ProgressColumn):
    """Events a second, over the whole run."""

    def render(self, task: Task) -> Text:
        events = task.fields.get("events", task.completed)
        rate = events / task.elapsed if task.elapsed else 0
        return Text(f"{rate:,.0f} events/s")


def progress_bar(*middle: ProgressColumn) -> Progress:
    """Show how far a long run is: the bar, `middle`, events a second, time left."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        *middle,
        _RateColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


def load(
    *files: Path, organization: str, store: str | None = None, json: bool = False
) -> None:
    """Import events from files: responses of the API, arrays or NDJSON, also .gz.

    Safe to repeat: an event is stored once. What is rejected goes to
    FILE.rejected.ndjson with the reasons.

    Example: footfall import events.json history.ndjson.gz --organization ID

    Args:
        files: The files.
        organization: The id of the organization whose events they are.
        store: Where to: sqlite:PATH (FOOTFALL_STORE).
        json: Print JSON.
    """
    if not files:
        raise Invalid("Name at least one file to import.")
    with opened(store) as data, progress_bar(DownloadColumn()) as bar:
        results = [_load(data, organization, file, bar) for file in files]
    if json:
        print_json(results)
    else:
        for result in results:
            sys.stdout.write(_sentence(result) + "\n")
    if all(result.rejected and not result.accepted for result in results):
        raise NothingAccepted("Nothing was imported; see the reasons in the files.")


def _load(data: Store, organization: str, file: Path, bar: Progress) -> loading.Loaded:
    task = bar.add_task(file.name, total=file.stat().st_size, events=0)

    def progress(at: int, events: int) -> None:
        bar.update(task, completed=at, events=events)

    return loading.load_file(data, organization, file, clock.now(), progress)


def _sentence(result: loading.Loaded) -> str:
    text = f"{result.file}: {result.accepted} stored, {result.duplicates} there already"
    if result.rejected_file:
        text += f", {result.rejected} rejected: see {result.rejected_file}"
    return text


def simulate(
    *,
    organization: str,
    events: int,
    seed: int,
    days: int = DAYS,
    store: str | None = None,
    json: bool = False,
) -> None:
    """Fill an organization with the events of a simulated chain of venues.

    The same seed, days and number give the same events, around 25 October 2026.

    Example: footfall simulate --organization ID --events 100000 --seed 1

    Args:
        organization: The organization's id.
        events: How many events.
        seed: Any number; each makes another history.
        days: Over how many days.
        store: Where to: sqlite:PATH (FOOTFALL_STORE).
        json: Print JSON.
    """
    if events < 1 or days < 1:
        raise Invalid("--events and --days must be at least 1.")
    with opened(store) as data, progress_bar(MofNCompleteColumn()) as bar:
        task = bar.add_task("simulate", total=events)
        made = simulating.simulate(
            data, organization, events, seed, days, lambda n: bar.advance(task, n)
        )
    if json:
        print_json({"accepted": made.accepted, "duplicates": made.duplicates})
    else:
        sys.stdout.write(f"{made.accepted} stored, {made.duplicates} there already\n")
