import itertools
import json
from collections import Counter

import pytest

from footfall.core.events.acceptance import accept
from footfall.core.events.types import TYPES
from footfall.simulation import chain


def make(count=4_000, seed=1, days=20):
    made = chain.simulate("org", count, seed, days)
    return list(itertools.chain.from_iterable(made))


@pytest.fixture(scope="module")
def bodies():
    return [json.loads(event.body) for event in make()]


def test_the_number_is_exact():
    for count, days in ((1, 1), (137, 3), (4_000, 20)):
        assert len(make(count, days=days)) == count


def test_the_same_seed_gives_the_same_events_and_another_others():
    assert make(500) == make(500)
    assert make(500) != make(500, seed=2)


def test_ids_are_unique():
    made = make()
    assert len({event.key for event in made}) == len(made)


def test_accepting_a_simulated_event_changes_nothing():
    for event in make(1_000):
        assert accept(event.body, "org", 0, str) == event


def test_all_types_occur_and_presence_prevails(bodies):
    counts = Counter(body["event"]["type"] for body in bodies)
    assert set(counts) == set(TYPES)
    assert sum(counts[t] for t in ("arriving", "login", "visit")) > len(bodies) / 2


def test_zones_have_a_half_hour_and_a_clock_change(bodies):
    offsets = {(body["when"]["timezone"], body["when"]["utcOffset"]) for body in bodies}
    assert ("Asia/Kolkata", "+05:30") in offsets
    assert {("Europe/Rome", "+02:00"), ("Europe/Rome", "+01:00")} <= offsets


@pytest.mark.parametrize(
    ("first", "then"),
    [("arriving", "login"), ("signup", "login"), ("send_email", "open_email")]
    + [("open_email", "click_email"), ("send_sms", "click_sms")]
    + [("geo_arriving", "geo_visit"), ("arriving", "visit")],
)
def test_a_contact_has_one_before_the_other(bodies, first, then):
    seen: dict[str, set[str]] = {}
    for body in sorted(bodies, key=lambda b: b["when"]["createdAt"]):
        kinds = seen.setdefault(body["customerId"], set())
        kinds.add(body["event"]["type"])
        if body["event"]["type"] == then:
            assert first in kinds


def test_people_come_within_opening_hours(bodies):
    for body in bodies:
        if body["event"]["type"] == "arriving":
            hour = int(body["when"]["createdAtLocal"][11:13])
            assert 7 <= hour <= 23


def test_nobody_is_in_two_places_at_once(bodies):
    stays: dict[str, list[tuple[str, str]]] = {}
    for body in bodies:
        if body["event"]["type"] == "visit":
            span = (body["event"]["visit"]["startAt"], body["when"]["createdAt"])
            stays.setdefault(body["customerId"], []).append(span)
    for spans in stays.values():
        spans.sort()
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))
