"""Workers count in the same buckets."""

import asyncio
from contextlib import closing

import pytest

from footfall.core.instants import SECOND
from footfall.core.rates import Rate
from footfall.runtime import worker_limits
from footfall.runtime.worker_limits import WorkerBuckets

TWO = Rate(1, burst=2)


class Clock:
    """A clock that stands still until it is set."""

    now = 1_000 * SECOND

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def two(tmp_path, clock):
    """The buckets as two workers see them."""
    with (
        closing(WorkerBuckets(tmp_path / "limits", clock)) as one,
        closing(WorkerBuckets(tmp_path / "limits", clock)) as other,
    ):
        yield one, other


def take(buckets, name="a", rate=TWO):
    return asyncio.run(buckets.take(name, rate))


def test_what_one_worker_takes_the_other_has_no_more(two):
    one, other = two
    assert [take(one), take(other)] == [0, 0]
    assert [take(one), take(other)] == [SECOND, SECOND]


def test_a_bucket_fills_again_with_time(two, clock):
    one, other = two
    take(one), take(one)
    clock.now += SECOND
    assert [take(other), take(one)] == [0, SECOND]


def test_what_is_given_back_can_be_taken_by_another(two):
    one, other = two
    take(one), take(one)
    asyncio.run(one.give_back("a", TWO))
    assert [take(other), take(other)] == [0, SECOND]


def test_the_emptiest_bucket_of_a_full_set_is_remembered(two, monkeypatch):
    one, _ = two
    monkeypatch.setattr(worker_limits, "SETS", 1)
    take(one, "empty"), take(one, "empty")
    for number in range(worker_limits.PLACES * 2):
        take(one, f"name {number}")
    assert take(one, "empty") == SECOND
