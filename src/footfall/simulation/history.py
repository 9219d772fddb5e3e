"""Simulate: fill an organization with a realistic history of events."""

from collections.abc import Callable, Iterator
from datetime import date

from footfall.core.events.structs import NewEvent
from footfall.flows.write_window import WriteWindow
from footfall.simulation import chain
from footfall.store import Appended, Store

# Few, large commits: 10,000 rows per commit are stored twice as fast as 500.
_BATCH = 20_000
_WRITES_MAX = 2


def simulate(  # noqa: PLR0913  the command has as many
    store: Store,
    organization: str,
    count: int,
    seed: int,
    days: int,
    progress: Callable[[int], None],
    *,
    until: date | None = None,
) -> Appended:
    """Store a simulation; `progress` gets the number of events of each commit.

    The same arguments make the same events, so a second run makes only duplicates.
    See `chain.simulate` for `until`.
    """
    results: list[Appended] = []

    def note(result: Appended) -> None:
        results.append(result)
        progress(result.accepted + result.duplicates)

    window = WriteWindow[Appended](_WRITES_MAX)
    for batch in _batches(chain.simulate(organization, count, seed, days, until)):
        window.add(store.append(organization, batch), note)
    window.drain()
    return Appended(
        accepted=sum(result.accepted for result in results),
        duplicates=sum(result.duplicates for result in results),
    )


def _batches(days: Iterator[list[NewEvent]]) -> Iterator[list[NewEvent]]:
    batch: list[NewEvent] = []
    for day in days:
        batch.extend(day)
        while len(batch) >= _BATCH:
            yield batch[:_BATCH]
            del batch[:_BATCH]
    if batch:
        yield batch
