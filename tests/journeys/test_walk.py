"""A scroll walks 100,000 events exactly once; at size 1 the last 2,000 of them."""

import json
import secrets

import msgspec
import pytest

from footfall.core.events.ids import key_of
from footfall.core.events.structs import NewEvent
from footfall.core.queries import EventQuery, Position, Sort
from footfall.core.scrolls import Scroll, ScrollSeal
from footfall.flows.events.read import read_events
from footfall.store import Organization

COUNT = 100_000
SEAL = ScrollSeal(bytes(64))


@pytest.fixture(scope="module")
def walked(server_store):
    """An organization: one contact with 100,000 events, fifty a second."""
    organization = secrets.token_hex(8)
    server_store.create_organization(Organization(organization, "Org", 0)).result()
    batch = [
        NewEvent(
            key=key_of(f"{number:032x}l"),
            contact="guest",
            type=number % 13,
            created_at=number // 50 * 1_000_000,
            local_at=number // 70 * 1_000_000,
            body=b'{"event":{"id":"%d"}}' % number,
            sent=b"",
        )
        for number in range(COUNT)
    ]
    for start in range(0, COUNT, 20_000):
        server_store.append(organization, batch[start : start + 20_000]).result()
    return organization


@pytest.mark.parametrize("size", [pytest.param(1, marks=pytest.mark.long), 999, 10_000])
@pytest.mark.parametrize(
    ("contact", "sort"),
    [(None, "businessTime"), ("guest", "businessTime"), (None, "receivedTime")],
)
def test_a_scroll_walks_all_events_exactly_once(
    server_store, walked, contact, sort, size
):
    parameters = {"size": [str(size)], "enableScroll": ["true"], "sortBy": [sort]}
    skipped = 0
    if size == 1:
        skipped = COUNT - COUNT // 50
        query = EventQuery(walked, contact, sort=Sort(sort), size=2_000)
        place: Position | None = None
        for _ in range(skipped // query.size):
            place = server_store.page(query, place).last
        assert place is not None
        query = msgspec.structs.replace(query, size=1)
        parameters = {"scrollId": [SEAL.seal(Scroll(query, place, COUNT))]}
    seen: list[int] = []
    while True:
        raw = read_events(server_store, SEAL, walked, contact, parameters, 0)
        page = json.loads(raw)
        if not page["count"]:
            break
        seen += [int(e["event"]["id"]) for e in page["events"]]
        parameters = {"scrollId": [page["scrollId"]]}
    assert seen == list(range(skipped, COUNT))
