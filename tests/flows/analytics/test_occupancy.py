"""Who is there now is in the history too, until now."""

import pytest

from footfall.core.analytics import parse_question
from footfall.core.instants import MINUTE, format_instant
from footfall.flows.analytics import report, update
from tests.flows.world import ANN, BOB, START, World


@pytest.fixture
def world(store):
    return World(store)


def history(world, minute, only=None, **parameters):
    now = START + minute * MINUTE
    asked = {name: [value] for name, value in parameters.items()}
    rows = report.occupancy_history(
        world.store,
        "org",
        parse_question({"timezone": ["UTC"]} | asked, now),
        only,
        now,
    ).rows
    return [(row["time"], row["location"], row["visitors"]) for row in rows]


def quarter(number):
    return format_instant(START + number * 15 * MINUTE)


def test_an_open_stay_goes_on_until_now(world):
    world.log_in("ann", ANN, 0, now=START)
    world.hear(ANN, 10, 20, now=START + 20 * MINUTE)
    there = [(quarter(n), "cafe", 1) for n in range(2)]
    assert history(world, 20) == there
    assert history(world, 31) == [*there, (quarter(2), "cafe", 1)]


def test_a_stay_that_ends_is_counted_once(world):
    world.log_in("ann", ANN, 0, now=START)
    world.log_in("bob", BOB, 0, now=START)
    world.hear(BOB, 10, 20, now=START + 20 * MINUTE)
    world.close(START + 25 * MINUTE)
    world.hear(ANN, 10, 20)
    world.close()
    update.update(world.store, "org")
    assert history(world, 60) == [(quarter(n), "cafe", 2) for n in range(2)]


def test_open_stays_are_of_the_locations_that_are_asked_for_and_allowed(world):
    world.log_in("ann", ANN, 0, now=START)
    world.log_in("bob", BOB, 0, at="shop", now=START)
    world.hear(ANN, 10, now=START + 10 * MINUTE)
    world.hear(BOB, 10, at="shop", now=START + 10 * MINUTE)
    assert [one[1] for one in history(world, 10)] == ["cafe", "shop"]
    assert [one[1] for one in history(world, 10, locations="shop")] == ["shop"]
    assert [one[1] for one in history(world, 10, frozenset({"cafe"}))] == ["cafe"]
