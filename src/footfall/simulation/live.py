"""A simulated chain in real time: its equipment reports who comes, is heard and leaves.

Each venue has access points and guests of its own, who come back on the same day of the
next week. The reports go the way of real ones: signed posts to a source's address.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator

import msgspec

from footfall.core.instants import DAY, HOUR, MINUTE, SECOND
from footfall.errors import EquipmentUnheard
from footfall.simulation.devices import Sighting, simulate_devices
from footfall.simulation.vendors import Mist, Setup

GUESTS_A_DAY = 240
# When it starts, the guests of the last hour are there already, in one post: while more
# follow, visits would close that then go on.
BEFORE = HOUR
EVERY_S = 15
_WEEK = 7
_MINUTES = DAY // MINUTE
_POST_MAX = 4_000


def run(
    setups: list[Setup],
    began: int,
    now: Callable[[], int],
    stop: threading.Event,
) -> None:
    """Report until `stop` is set; each of `setups` is a venue's equipment.

    Raises:
        EquipmentUnheard: The server no longer accepts it.
    """
    with contextlib.ExitStack() as closing:
        venues = [
            (
                closing.enter_context(contextlib.closing(Mist(setup))),
                _sightings(number, len(setup.access_points), began - BEFORE),
            )
            for number, setup in enumerate(setups)
        ]
        _report(venues, now, stop)


def _report(
    venues: list[tuple[Mist, Iterator[Sighting]]],
    now: Callable[[], int],
    stop: threading.Event,
) -> None:
    ahead = [next(sightings) for _, sightings in venues]
    while not stop.is_set():
        until = now()
        for number, (equipment, sightings) in enumerate(venues):
            due: list[Sighting] = []
            while ahead[number].at <= until and len(due) < _POST_MAX:
                due.append(ahead[number])
                ahead[number] = next(sightings)
            if due:
                try:
                    equipment.send(0, due)
                except EquipmentUnheard:
                    if stop.is_set():
                        return
                    raise
        if all(one.at > until for one in ahead):
            stop.wait(EVERY_S)


def _sightings(venue: int, access_points: int, since: int) -> Iterator[Sighting]:
    """Yield what a venue's equipment hears from an instant on, at Unix instants."""
    day = since // DAY
    while True:
        for sighting in _day(venue, access_points, day):
            if sighting.at >= since:
                yield sighting
        day += 1


def _day(venue: int, access_points: int, day: int) -> Iterator[Sighting]:
    seed = venue * _WEEK + day % _WEEK
    crowd = simulate_devices(GUESTS_A_DAY, _MINUTES, access_points, seed)
    start = day * DAY // SECOND * SECOND
    for sighting in crowd:
        yield msgspec.structs.replace(
            sighting,
            at=start + sighting.at,
            guest=sighting.guest + seed * GUESTS_A_DAY,
        )
