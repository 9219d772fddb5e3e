"""A year's chart of the Analytics API, beside a plain scan of the same events."""

import collections
import statistics
import time
from datetime import timedelta

import msgspec

from footfall import clock, service
from footfall.core.analytics import parse_question
from footfall.core.queries import EventQuery, Sort
from footfall.flows.accounts import tenants
from footfall.flows.analytics import report, update
from footfall.settings import Settings
from footfall.simulation import chain, history
from footfall.store import Store

ORG = "bench"
DAYS = 365
ROUNDS = 15
_FIRST = chain.CLOCK_CHANGE - timedelta(days=DAYS // 2)
_LAST = _FIRST + timedelta(days=DAYS - 1)


class _Event(msgspec.Struct):
    event: dict[str, object]
    customerId: str  # noqa: N815  the API's name
    when: dict[str, str]


def prepare(chosen: Settings, events: int) -> None:
    """Make a store with a year's events, and count them."""
    store = service.open_store(chosen)
    try:
        tenants.create_organization(store, "Bench", ORG, clock.now())
        history.simulate(store, ORG, events, 1, DAYS, lambda _: None)
        update.update(store, ORG)
    finally:
        store.close()


def chart(chosen: Settings) -> tuple[float, float, float]:
    """Return the median seconds of a year's chart by day: in one zone, in each venue's
    own; and the seconds of a scan.
    """
    store = service.open_store(chosen)
    try:
        own, _ = _timed(store)
        one, rows = _timed(store, timezone=["UTC"])
        began = time.perf_counter()
        scanned = scan(store)
        long = time.perf_counter() - began
        for row in rows:
            day = scanned[row["time"][:10]]
            assert (row["visits"], row["visitors"]) == (len(day), len(set(day))), row
        return one, own, long
    finally:
        store.close()


def _timed(store: Store, **more: list[str]) -> tuple[float, list[report.Row]]:
    parameters = {"from": [str(_FIRST)], "to": [str(_LAST)]}
    parameters |= {"metrics": ["visits,visitors"]} | more
    question = parse_question(parameters, clock.now())
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        rows = report.timeseries(store, ORG, question, None).rows
        took.append(time.perf_counter() - began)
    return statistics.median(took), rows


def scan(store: Store) -> dict[str, list[str]]:
    """Return the visitors of each visit by day, from a scroll through all events."""
    found: dict[str, list[str]] = collections.defaultdict(list)
    decoder = msgspec.json.Decoder(list[_Event])
    query, place = EventQuery(ORG, sort=Sort.UTC_TIME, size=10_000), None
    while True:
        page = store.page(query, place)
        for one in decoder.decode(b"[" + page.body + b"]"):
            if one.event["type"] == "visit":
                found[one.when["createdAt"][:10]].append(one.customerId)
        if not page.has_more:
            return found
        place = page.last
