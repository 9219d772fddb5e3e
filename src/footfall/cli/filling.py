"""`footfall import` and `footfall simulate`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from footfall import clock
from footfall.cli.printing import opened, print_json
from footfall.errors import Invalid, NothingAccepted

if TYPE_CHECKING:
    from rich.progress import Progress

    from footfall.flows.load import Loaded
    from footfall.store import Store

DAYS = 60


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
    from footfall.cli.progress import file_bar

    if not files:
        raise Invalid("Name at least one file to import.")
    with opened(store) as data, file_bar() as bar:
        results = [_load(data, organization, file, bar) for file in files]
    if json:
        print_json(results)
    else:
        for result in results:
            sys.stdout.write(_sentence(result) + "\n")
    if all(result.rejected and not result.accepted for result in results):
        raise NothingAccepted("Nothing was imported; see the reasons in the files.")


def _load(data: "Store", organization: str, file: Path, bar: "Progress") -> "Loaded":
    from footfall.flows.load import load_file

    task = bar.add_task(file.name, total=file.stat().st_size, events=0)

    def progress(at: int, events: int) -> None:
        bar.update(task, completed=at, events=events)

    return load_file(data, organization, file, clock.now(), progress)


def _sentence(result: "Loaded") -> str:
    text = f"{result.file}: {result.accepted} stored, {result.duplicates} there already"
    if result.rejected_file:
        text += f", {result.rejected} rejected: see {result.rejected_file}"
    return text


def simulate_chain(
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
    from footfall.cli.progress import event_bar
    from footfall.flows.simulate import simulate

    if events < 1 or days < 1:
        raise Invalid("--events and --days must be at least 1.")
    with opened(store) as data, event_bar() as bar:
        task = bar.add_task("simulate", total=events)
        made = simulate(
            data, organization, events, seed, days, lambda n: bar.advance(task, n)
        )
    if json:
        print_json({"accepted": made.accepted, "duplicates": made.duplicates})
    else:
        sys.stdout.write(f"{made.accepted} stored, {made.duplicates} there already\n")
