import itertools

from footfall.core.crowds import Moment, crowd
from footfall.core.instants import MINUTE, SECOND
from footfall.core.observations import is_randomised


def test_the_same_seed_gives_the_same_crowd():
    assert crowd(5, 60, 3, 1) == crowd(5, 60, 3, 1) != crowd(5, 60, 3, 2)


def test_everybody_comes_is_heard_and_leaves_in_order_of_time():
    pings = crowd(20, 60, 3, 1)
    assert [p.at for p in pings] == sorted(p.at for p in pings)
    for guest in range(20):
        mine = [p for p in pings if p.guest == guest]
        assert mine[0].moment is Moment.CAME
        assert mine[-1].moment is Moment.LEFT
        assert {p.moment for p in mine[1:-1]} <= {Moment.HEARD}
        assert len({p.device for p in mine}) == 1
        gaps = [b.at - a.at for a, b in itertools.pairwise(mine)]
        assert max(gaps) <= 45 * SECOND


def test_nobody_is_there_longer_than_the_crowd_nor_made_an_address_up():
    pings = crowd(20, 10, 3, 1)
    assert pings[0].at >= 0
    assert pings[-1].at <= 10 * MINUTE
    assert not any(is_randomised(p.device) for p in pings)
