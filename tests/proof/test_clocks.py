"""Clocks that are set back and forward an hour while serving."""

import json

import pytest

from footfall.core.instants import HOUR
from footfall.core.queries import Sort
from footfall.core.scrolls import ScrollSeal
from footfall.flows.events import ingest
from footfall.flows.events.read import read_events
from footfall.store import Organization

SEAL = ScrollSeal(bytes(64))
NOON = 1_780_000_000_000_000
JUMPS = (0, -HOUR, HOUR, 0, -HOUR)


def send(store, now, count=5):
    raw = [b'{"customerId":"c","event":{"type":"login"}}'] * count
    batch = ingest.read(raw, "org", now)
    assert store.append("org", batch.events).result().accepted == count


def read(store, now, **parameters):
    raw = {name: [str(value)] for name, value in parameters.items()}
    return json.loads(read_events(store, SEAL, "org", None, raw, now))


def ids(page):
    return [e["event"]["id"] for e in page["events"]]


@pytest.fixture(autouse=True)
def organization(store):
    store.create_organization(Organization("org", "Org", 0)).result()


def test_arrivals_stay_in_order_and_ids_stay_unique(store):
    token = read(store, NOON, sortBy="receivedTime", enableScroll="true")["scrollId"]
    seen = []
    for jump in JUMPS:
        send(store, NOON + jump)
        page = read(store, NOON + jump, scrollId=token)
        seen += ids(page)
        token = page["scrollId"]
    everything = read(store, NOON, sortBy="receivedTime", size=100)
    assert seen == ids(everything)
    assert len(set(seen)) == len(JUMPS) * 5


@pytest.mark.parametrize("sort", [Sort.BUSINESS_TIME, Sort.UTC_TIME])
def test_a_scroll_that_lives_through_the_jumps_gives_each_event_once(store, sort):
    for jump in JUMPS:
        send(store, NOON + jump)
    expected = ids(read(store, NOON, sortBy=sort, size=100))
    page = read(store, NOON, sortBy=sort, size=4, enableScroll="true")
    seen = ids(page)
    for jump in JUMPS * 2:
        send(store, NOON + jump)
        if "scrollId" not in page:
            break
        page = read(store, NOON + jump, scrollId=page["scrollId"])
        seen += ids(page)
    assert seen == expected
