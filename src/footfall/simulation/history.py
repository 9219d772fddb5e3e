"""Simulate: fill an organization with a believable history."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future

from footfall.core.events import NewEvent
from footfall.simulation import chain
from footfall.store import Appended, Store

# Few and large commits: 10,000 rows a commit are stored twice as fast as 500.
_BATCH = 20_000
_AHEAD = 2


def simulate(
    store: Store,
    organization: str,
    count: int,
    seed: int,
    days: int,
    progress: Callable[[int], None],
) -> Appended:
    """Store a simulation; `progress` is told how many events each commit had.

    The same arguments make the same events, so a second time all are duplicates.
    """
    waiting: deque[Future[Appended]] = deque()
    results: list[Appended] = []

    def close_if_due() -> None:
        result = waiting.popleft().result()
        results.append(result)
        progress(result.accepted + result.duplicates)

    def send(batch: list[NewEvent]) -> None:
        waiting.append(store.append(organization, batch))
        if len(waiting) > _AHEAD:
            close_if_due()

    batch: list[NewEvent] = []
    for day in chain.simulate(organization, count, seed, days):
        batch.extend(day)
        while len(batch) >= _BATCH:
            send(batch[:_BATCH])
            del batch[:_BATCH]
    if batch:
        send(batch)
    while waiting:
        close_if_due()
    return Appended(
        accepted=sum(result.accepted for result in results),
        duplicates=sum(result.duplicates for result in results),
    )
