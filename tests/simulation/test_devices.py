import itertools

from footfall.core.instants import MINUTE, SECOND
from footfall.core.observations import is_randomised
from footfall.simulation.devices import SightingKind, simulate_devices


def test_the_same_seed_gives_the_same_crowd():
    assert (
        simulate_devices(5, 60, 3, 1)
        == simulate_devices(5, 60, 3, 1)
        != simulate_devices(5, 60, 3, 2)
    )


def test_everybody_comes_is_heard_and_leaves_in_order_of_time():
    sightings = simulate_devices(20, 60, 3, 1)
    assert [p.at for p in sightings] == sorted(p.at for p in sightings)
    for guest in range(20):
        mine = [p for p in sightings if p.guest == guest]
        assert mine[0].moment is SightingKind.CAME
        assert mine[-1].moment is SightingKind.LEFT
        assert {p.moment for p in mine[1:-1]} <= {SightingKind.HEARD}
        assert len({p.device for p in mine}) == 1
        gaps = [b.at - a.at for a, b in itertools.pairwise(mine)]
        assert max(gaps) <= 45 * SECOND


def test_nobody_stays_beyond_the_end_or_uses_a_randomised_address():
    sightings = simulate_devices(20, 10, 3, 1)
    assert sightings[0].at >= 0
    assert sightings[-1].at <= 10 * MINUTE
    assert not any(is_randomised(p.device) for p in sightings)
