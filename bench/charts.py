"""A year's chart of the Analytics API, beside a plain scan of the same events."""

import collections
import json
import statistics
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec
from measuring import Connection, timed

from footfall import clock, service
from footfall.core.queries import EventQuery, Sort
from footfall.flows.accounts import tenants
from footfall.flows.analytics import update
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


def chart(connection: Connection, **more: str) -> tuple[float, list[dict[str, Any]]]:
    """Return the median seconds of a year's chart by day, and its rows."""
    asked = {"from": _FIRST, "to": _LAST, "metrics": "visits,visitors"} | more
    path = f"/v1/organizations/{ORG}/analytics/timeseries?{urlencode(asked)}"
    [took] = timed(ROUNDS, lambda: connection.request(path))
    return statistics.median(took), json.loads(connection.request(path))


def check(rows: list[dict[str, Any]], scanned: dict[str, list[str]]) -> None:
    """Compare a chart in UTC with a scan."""
    for row in rows:
        day = scanned[row["time"][:10]]
        assert (row["visits"], row["visitors"]) == (len(day), len(set(day))), row


def scan(chosen: Settings) -> dict[str, list[str]]:
    """Return the visitors of each visit by day, from a scroll through all events."""
    store = service.open_store(chosen)
    try:
        return _scan(store)
    finally:
        store.close()


def _scan(store: Store) -> dict[str, list[str]]:
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
