"""The rules of visits, by example and by property."""

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core import stays
from footfall.core.instants import MINUTE
from footfall.core.stays import Rules, Stay, absorb, close_if_due, runs
from footfall.errors import Invalid
from tests.shared import heard_at

RULES = Rules()
LATER = 10**18


def points(*minutes, rssi=None):
    return [heard_at(minute * MINUTE, rssi) for minute in minutes]


def visits(some, rules=RULES, now=LATER):
    closed = [close_if_due(stay, rules, now) for stay in runs(some, rules)]
    return [
        (s.start_at // MINUTE, s.visit_at // MINUTE)
        for s in closed
        if s.start_at is not None and s.visit_at is not None
    ]


def fold(some, rules=RULES, now=None):
    """Absorb one after another, as they come."""
    known: list[Stay] = []
    for point in some:
        for heard in runs([point], rules):
            change = absorb(known, heard, rules, now)
            if change is not None:
                known = [stay for stay in known if stay not in change.replaced]
                known.append(change.stay)
    return sorted(known, key=lambda stay: stay.first_at)


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        ([0, 5], [(0, 5)]),
        ([0, 4], []),
        ([0], []),
        ([0, 15], [(0, 15)]),
        ([0, 10, 26, 36], [(0, 10), (26, 36)]),
        ([0, 14, 28, 42], [(0, 42)]),
        ([0, 10, 25], [(0, 25)]),
    ],
)
def test_a_visit_is_a_stay_of_the_minimum_dwell_without_a_pause(minutes, expected):
    assert visits(points(*minutes)) == expected


def test_a_pause_of_a_microsecond_more_than_the_timeout_ends_a_stay():
    start, end = 0, RULES.timeout
    assert len(runs([heard_at(start), heard_at(end)], RULES)) == 1
    assert len(runs([heard_at(start), heard_at(end + 1)], RULES)) == 2


def test_a_stay_is_open_until_nothing_was_heard_for_the_timeout():
    [stay] = runs(points(0, 10), RULES)
    assert close_if_due(stay, RULES, 25 * MINUTE).open
    closed = close_if_due(stay, RULES, 25 * MINUTE + 1)
    assert not closed.open
    assert closed.visit_at == 10 * MINUTE


def test_only_a_strong_observation_opens_a_stay_and_any_extends_it():
    rules = Rules(minimum_signal=-70)
    heard = [heard_at(0, -80), *points(3, rssi=-70), heard_at(9 * MINUTE, -90)]
    assert visits(heard, rules) == [(3, 9)]
    assert visits([heard_at(m * MINUTE, -80) for m in (0, 9)], rules) == []
    assert visits(points(0, 9), rules) == [(0, 9)]


def test_a_stay_longer_than_the_maximum_ends_there_and_makes_no_second_visit():
    rules = Rules(maximum_visit=30)
    heard = points(*range(0, 100, 10))
    assert visits(heard, rules) == [(0, 30)]
    [stay] = runs(heard, rules)
    assert close_if_due(stay, rules, None).visit_at == 30 * MINUTE
    assert close_if_due(stay, rules, None).open


def test_of_two_hotspots_in_one_second_the_lower_known_one_counts_in_any_order():
    for order in ([0, 7, 3], [3, 0, 7], [7, 3, 0]):
        assert fold([heard_at(0, None, hotspot) for hotspot in order])[0].hotspot == 3


def test_a_late_observation_joins_two_stays():
    [stay] = fold(points(0, 30, 15))
    assert (stay.first_at, stay.last_at) == (0, 30 * MINUTE)


def test_a_late_observation_reopens_only_the_stay_that_it_belongs_to():
    known = [close_if_due(Stay(0, 5 * MINUTE, 0), RULES, LATER)]
    after = Stay(40 * MINUTE, 40 * MINUTE, 40 * MINUTE)
    change = absorb(known, after, RULES, LATER)
    assert change is not None
    assert change.replaced == ()
    within = Stay(12 * MINUTE, 12 * MINUTE, 12 * MINUTE)
    change = absorb(known, within, RULES, LATER)
    assert change is not None
    assert change.replaced == tuple(known)
    assert change.stay.visit_at == 12 * MINUTE


def test_a_repeated_observation_changes_nothing():
    [stay] = fold(points(0, 5, 10))
    for minute in (0, 3, 5, 10):
        [again] = runs(points(minute), RULES)
        assert absorb([stay], again, RULES, None) is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"minimum_dwell": 1}, "minimumDwell"),
        ({"minimum_dwell": 31}, "minimumDwell"),
        ({"session_timeout": 14}, "sessionTimeout"),
        ({"session_timeout": 1441}, "sessionTimeout"),
        ({"minimum_signal": 1}, "minimumSignal"),
        ({"maximum_visit": 1}, "maximumVisit"),
    ],
)
def test_rules_outside_their_range_are_refused_by_name(changes, field):
    with pytest.raises(Invalid) as refused:
        stays.check(msgspec.structs.replace(RULES, **changes))
    assert [error.field for error in refused.value.errors] == [field]


def test_the_ends_of_the_ranges_are_allowed():
    stays.check(Rules(2, 15, -120, 30))
    stays.check(Rules(30, 1440, 0, 43_200))


rules = st.builds(
    Rules,
    minimum_dwell=st.integers(0, 30),
    session_timeout=st.integers(1, 60),
    minimum_signal=st.none() | st.integers(-90, -50),
    maximum_visit=st.none() | st.integers(10, 200),
)
point = st.builds(
    heard_at,
    at=st.integers(0, 60 * 24).map(lambda n: n * MINUTE // 2),
    rssi=st.none() | st.integers(-95, -40),
    hotspot=st.integers(0, 3),
)
heard = st.lists(point, max_size=40)


@given(heard, rules, st.randoms())
def test_any_order_and_repetition_gives_the_same_stays(some, rules, random):
    expected = runs(some, rules)
    again = some + random.sample(some, len(some) // 2)
    random.shuffle(again)
    bare = [msgspec.structs.replace(s, visit_at=None, open=True) for s in expected]
    folded = fold(again, rules)
    assert [
        msgspec.structs.replace(s, visit_at=None, open=True) for s in folded
    ] == bare


@given(heard, rules, st.data())
def test_any_batching_gives_the_same_stays(some, rules, data):
    cut = data.draw(st.integers(0, len(some)))
    known: list[Stay] = []
    for batch in (some[cut:], some[:cut]):
        for run in runs(batch, rules):
            change = absorb(known, run, rules, None)
            if change is not None:
                known = [s for s in known if s not in change.replaced] + [change.stay]
    known = [close_if_due(stay, rules, LATER) for stay in known]
    once = [close_if_due(stay, rules, LATER) for stay in runs(some, rules)]
    assert sorted(known, key=lambda s: s.first_at) == once


@given(heard, rules, st.lists(st.integers(0, 60 * 24), max_size=5))
def test_the_moments_at_which_stays_are_closed_make_no_difference(some, rules, sweeps):
    known: list[Stay] = []
    for number, point in enumerate(some):
        now = None if number >= len(sweeps) else sweeps[number] * MINUTE
        for run in runs([point], rules):
            change = absorb(known, run, rules, now)
            if change is not None:
                known = [s for s in known if s not in change.replaced] + [change.stay]
    closed = sorted(
        (close_if_due(s, rules, LATER) for s in known), key=lambda s: s.first_at
    )
    assert closed == [close_if_due(stay, rules, LATER) for stay in runs(some, rules)]


@given(heard, rules, st.none() | st.integers(0, 60 * 24))
def test_prolonging_a_stay_gives_what_absorbing_gives(some, rules, minute):
    now = None if minute is None else minute * MINUTE
    known: list[Stay] = []
    for run in (run for point in some for run in runs([point], rules)):
        change = absorb(known, run, rules, now)
        if len(known) == 1:
            quick = stays.prolong(known[0], run, rules, now)
            if quick is not None and change is None:
                assert quick is known[0]
            elif quick is not None:
                assert change is not None
                assert quick == change.stay
        if change is not None:
            known = [s for s in known if s not in change.replaced] + [change.stay]


@given(heard, rules)
def test_no_two_visits_overlap_or_lie_within_the_timeout(some, rules):
    closed = [close_if_due(stay, rules, LATER) for stay in runs(some, rules)]
    found = [
        (s.start_at, s.visit_at)
        for s in closed
        if s.start_at is not None and s.visit_at is not None
    ]
    for (_, end), (start, _) in itertools.pairwise(found):
        assert start - end > rules.timeout


@given(heard, rules)
def test_every_visit_starts_and_ends_with_its_observations(some, rules):
    at = {point.at for point in some}
    for stay in (close_if_due(stay, rules, LATER) for stay in runs(some, rules)):
        if stay.visit_at is None or stay.start_at is None:
            continue
        assert stay.start_at in at
        if rules.maximum_visit is None:
            assert stay.visit_at in at
        else:
            assert stay.visit_at - stay.start_at <= rules.maximum_visit * MINUTE
        assert stay.visit_at - stay.start_at >= rules.minimum_dwell * MINUTE
