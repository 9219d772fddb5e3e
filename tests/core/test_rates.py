"""A rate allows exactly what it says, whenever the requests come."""

from hypothesis import example, given
from hypothesis import strategies as st

from footfall.core.instants import MINUTE, SECOND
from footfall.core.rates import Buckets, Rate

RATES = st.builds(
    Rate,
    amount=st.integers(1, 1_000_000),
    burst=st.integers(1, 200),
    per=st.sampled_from([SECOND, MINUTE]),
)
PAUSES = st.lists(
    st.one_of(st.just(0), st.integers(0, 50), st.integers(0, 3 * SECOND)), max_size=300
)
START = 1_700_000_000 * SECOND


@given(rate=RATES, pauses=PAUSES)
@example(rate=Rate(1000, 100), pauses=[0] * 150 + [SECOND // 10] * 50)
def test_no_span_allows_more_than_the_burst_and_the_rate(rate, pauses):
    buckets, now, allowed = Buckets(rate), START, []
    for pause in pauses:
        now += pause
        if buckets.take("one", now):
            allowed.append(now)
    for first, since in enumerate(allowed):
        for count, until in enumerate(allowed[first:], start=1):
            assert (count - rate.burst) * rate.per <= rate.amount * (until - since)


@given(rate=RATES, pauses=PAUSES)
def test_a_sender_that_keeps_to_the_rate_is_never_refused(rate, pauses):
    buckets, now = Buckets(rate), START
    steady = -(-rate.per // rate.amount)
    for pause in pauses:
        now += steady + pause
        assert buckets.take("one", now)


@given(rate=RATES, pauses=PAUSES)
def test_a_request_is_allowed_after_the_stated_wait_and_not_before(rate, pauses):
    buckets, now = Buckets(rate), START
    for pause in pauses:
        now += pause
        wait = buckets.wait("one", now)
        if wait:
            assert not buckets.take("one", now + wait - 1)
            now += wait
        assert buckets.take("one", now)


def test_a_thousand_a_second_with_a_burst_of_a_hundred_are_a_thousand_a_second():
    buckets = Buckets(Rate(1000, 100))
    times = range(START, START + 10 * SECOND, SECOND // 5000)
    assert sum(buckets.take("one", now) for now in times) == 100 + 10_000 - 1


def test_a_burst_is_available_at_once_and_each_key_has_its_own():
    buckets = Buckets(Rate(1, 30))
    for key in ("one", "two"):
        assert [buckets.take(key, START) for _ in range(31)] == [True] * 30 + [False]


def test_returned_tokens_can_be_taken_again_up_to_the_burst():
    buckets = Buckets(Rate(1, 2))
    for _ in range(50):
        assert buckets.take("one", START)
        buckets.give_back("one")
    buckets.give_back("one")
    buckets.give_back("nobody")
    assert [buckets.take("one", START) for _ in range(3)] == [True, True, False]


def test_a_clock_set_back_refuses_nobody_for_longer_than_a_refill():
    buckets = Buckets(Rate(1, 2))
    assert buckets.take("one", START, 2)
    earlier = START - 3600 * SECOND
    assert buckets.wait("one", earlier, 2) == 2 * SECOND


def test_the_longest_unused_keys_are_forgotten_first():
    buckets = Buckets(Rate(1, 1), keys_max=3)
    for key in ("a", "b", "c"):
        assert buckets.take(key, START)
    assert buckets.take("a", START + SECOND)
    assert buckets.take("d", START + SECOND)
    assert len(buckets) == 3
    assert not buckets.take("a", START + SECOND)
    assert buckets.take("b", START)
    for number in range(1000):
        buckets.take(str(number), START)
    assert len(buckets) == 3


def test_rates_are_described_in_words():
    assert str(Rate(200, 2000)) == "200 a second, 2000 at once"
    assert str(Rate(20, 20, MINUTE)) == "20 in 60 s, 20 at once"
    assert str(Rate(5, 5)) == "5 a second"
