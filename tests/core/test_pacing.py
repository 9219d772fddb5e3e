"""Steps are as large as they may be, and no larger."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core.pacing import Pace

WITHIN_S = 0.04


@pytest.fixture
def pace():
    return Pace(50, least=10, most=200, within_s=WITHIN_S)


def test_a_step_has_half_as_many_items_after_one_that_took_long(pace):
    pace.take_in(2 * WITHIN_S)
    assert pace.size == 25


def test_a_step_has_a_few_more_items_after_a_quick_one(pace):
    pace.take_in(WITHIN_S / 4)
    assert pace.size == 60


def test_a_step_has_as_many_items_after_one_that_took_as_long_as_it_may(pace):
    pace.take_in(WITHIN_S)
    assert pace.size == 50


@given(st.lists(st.floats(0, 1)))
def test_a_step_has_never_too_many_items_nor_too_few(took):
    pace = Pace(50, least=10, most=200, within_s=WITHIN_S)
    for seconds in took:
        pace.take_in(seconds)
        assert 10 <= pace.size <= 200


@given(st.floats(1e-5, 1e-2))
def test_steps_take_as_long_as_they_may_once_the_pace_is_found(item_s):
    pace = Pace(50, least=10, most=10_000, within_s=WITHIN_S)
    for _ in range(1_000):
        pace.take_in(pace.size * item_s)
    assert pace.size * item_s <= WITHIN_S or pace.size == 10
    assert pace.size * item_s >= WITHIN_S / 2 or pace.size == 10_000
