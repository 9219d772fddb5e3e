import itertools
import json
import secrets

import pytest

from footfall.core.events.types import TYPES
from footfall.core.queries import Sort
from tests.conftest import (
    EXAMPLE,
    SEED_ORGANIZATION,
    Tenant,
    event,
    start_server,
    stop_server,
)


@pytest.fixture(scope="module")
def seeded(server, server_store):
    """The organization of the seed, with its 19 events imported."""
    made = Tenant(server, server_store, SEED_ORGANIZATION)
    assert made.send({"events": EXAMPLE}).json()["accepted"] == 19
    yield made
    made.client.close()


KEYS = {
    Sort.BUSINESS_TIME: lambda e: e["when"]["createdAtLocal"],
    Sort.UTC_TIME: lambda e: e["when"]["createdAt"],
    Sort.RECEIVED_TIME: lambda _: 0,
}


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("size", [1, 2, 5, 19, 20, 10_000])
def test_the_example_comes_back_equal_in_every_order_and_page_size(
    seeded, sort, reverse, size
):
    expected = sorted(EXAMPLE, key=KEYS[sort])
    if reverse:
        expected.reverse()
    got, parameters = [], {"enableScroll": "true"}
    for _ in range(25):
        page = seeded.read(size=size, sortBy=sort, sortReverse=reverse, **parameters)
        got += page.json()["events"]
        parameters = {"scrollId": page.json().get("scrollId")}
        if not page.json()["count"]:
            break
    assert got == expected


@pytest.mark.parametrize("kind", TYPES)
def test_filtering_by_a_type_gives_exactly_its_events(seeded, kind):
    expected = [e for e in EXAMPLE if e["event"]["type"] == kind]
    expected.sort(key=KEYS[Sort.BUSINESS_TIME])
    assert seeded.read(events=kind).json()["events"] == expected


@pytest.mark.parametrize("contact", sorted({e["customerId"] for e in EXAMPLE}))
def test_a_contacts_endpoint_gives_its_events(seeded, contact):
    path = f"/v1/organizations/{SEED_ORGANIZATION}/customers/{contact}/events"
    got = seeded.client.get(path, params={"sortBy": "receivedTime"}).json()["events"]
    assert got == [e for e in EXAMPLE if e["customerId"] == contact]


def test_the_originals_urls_work(seeded):
    for slashes in ("/", "//", "///"):
        url = f"{seeded.server.address}{slashes}v1/organizations/{seeded.id}/events"
        assert seeded.client.get(url).json()["count"] == 19


def test_a_response_has_the_fields_of_the_original_and_our_own(seeded):
    answer = seeded.read(size=1)
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert list(body) == ["status", "generated", "count", "hasMore", "events"]
    assert (body["status"], body["count"], body["hasMore"]) == ("OK", 1, True)
    assert len(body["generated"]) == len("2022-11-15T15:50:54Z")


def test_both_ends_of_a_span_are_inclusive(tenant):
    for second in range(5):
        when = {"createdAt": f"2026-05-01T10:00:0{second}Z"}
        tenant.send(event(f"id-{second}", when=when))
    span = {"dateStart": "2026-05-01T10:00:01Z", "dateEnd": "2026-05-01T10:00:03Z"}
    assert tenant.ids(**span) == ["id-1", "id-2", "id-3"]
    assert tenant.ids(dateStart="2026-05-01", dateEnd="2026-05-01") == [
        f"id-{n}" for n in range(5)
    ]
    assert tenant.ids(dateEnd="2026-04-30") == []


def test_a_plus_that_arrived_as_a_space_is_a_plus(tenant):
    tenant.send(event("id"))
    for raw in ("2026-05-01T12:00:00+02:00", "2026-05-01T12:00:00%2B02:00"):
        path = f"{tenant.events_path}?dateStart={raw}&dateEnd={raw}"
        assert tenant.client.get(path).json()["count"] == 1


def test_a_contact_never_seen_is_404_and_one_without_such_events_is_empty(tenant):
    tenant.send(event())
    base = f"/v1/organizations/{tenant.id}/customers"
    unknown = tenant.client.get(f"{base}/nobody/events")
    assert (unknown.status_code, unknown.json()["status"]) == (404, 404)
    assert tenant.client.get(f"{base}/guest/events?events=promo").json()["count"] == 0


def test_an_invalid_parameter_is_a_409_that_names_it(tenant):
    answer = tenant.read(size=0, sortBy="when")
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert {"type", "title", "status", "detail", "instance"} <= set(problem)
    assert [e["field"] for e in problem["errors"]] == ["size", "sortBy"]


# -- scrolling -------------------------------------------------------------------


def scroll(tenant, scroll_id, **parameters):
    return tenant.read(scrollId=scroll_id, **parameters)


def test_a_scroll_sees_what_was_stored_when_it_began(tenant):
    tenant.send([event(f"id-{n}") for n in range(4)])
    first = tenant.read(size=2, enableScroll="true").json()
    tenant.send([event("late")])
    second = scroll(tenant, first["scrollId"]).json()
    ids = [e["event"]["id"] for e in first["events"] + second["events"]]
    assert ids == [f"id-{n}" for n in range(4)]
    assert not second["hasMore"]
    last = scroll(tenant, second["scrollId"]).json()
    assert (last["count"], "scrollId" in last) == (0, False)


def test_an_erased_event_just_disappears_from_a_scroll(tenant):
    tenant.send([event(f"id-{n}", customerId=f"c-{n}") for n in range(6)])
    first = tenant.read(size=2, enableScroll="true").json()
    tenant.client.delete(f"/v1/organizations/{tenant.id}/customers/c-3")
    second = scroll(tenant, first["scrollId"]).json()
    assert [e["event"]["id"] for e in second["events"]] == ["id-2", "id-4"]


def test_the_same_scroll_id_gives_the_same_page(tenant):
    tenant.send([event() for _ in range(5)])
    first = tenant.read(size=2, enableScroll="true").json()
    pages = [scroll(tenant, first["scrollId"]).json()["events"] for _ in range(3)]
    assert pages[0] == pages[1] == pages[2]


def test_the_size_cannot_change_but_may_be_repeated(tenant):
    tenant.send([event() for _ in range(5)])
    token = tenant.read(size=2, enableScroll="true").json()["scrollId"]
    assert scroll(tenant, token, size=2).json()["count"] == 2
    changed = scroll(tenant, token, size=3)
    assert changed.status_code == 409
    assert changed.json()["errors"][0]["field"] == "size"
    assert scroll(tenant, token, events="login").status_code == 409


def test_another_organizations_scroll_id_is_403(tenant, other_tenant):
    tenant.send([event() for _ in range(3)])
    token = tenant.read(size=1, enableScroll="true").json()["scrollId"]
    assert scroll(other_tenant, token).status_code == 403


def test_every_bit_of_a_scroll_id_counts(tenant):
    tenant.send([event() for _ in range(3)])
    token = tenant.read(size=1, enableScroll="true").json()["scrollId"]
    for position in range(len(token)):
        changed = bytearray(token.encode())
        changed[position] ^= 1 << (position % 7)
        if chr(changed[position]) in "&#":
            continue
        answer = scroll(tenant, changed.decode("latin-1"))
        assert answer.status_code == 409, changed
        assert answer.json()["type"].endswith("scroll-tampered")


def test_received_time_has_no_end_and_gives_late_events(tenant):
    first = tenant.read(sortBy="receivedTime", enableScroll="true").json()
    token, got = first["scrollId"], []
    for batch in range(3):
        when = {"createdAt": f"202{5 - batch}-01-01T00:00:00Z"}
        tenant.send([event(f"{batch}-{n}", when=when) for n in range(30)])
        while True:
            page = scroll(tenant, token).json()
            got += [e["event"]["id"] for e in page["events"]]
            token = page["scrollId"]
            if not page["hasMore"]:
                break
        assert scroll(tenant, token).json()["count"] == 0
        token = scroll(tenant, token).json()["scrollId"]
    assert got == [f"{b}-{n}" for b, n in itertools.product(range(3), range(30))]


def test_a_page_of_received_time_is_the_same_when_asked_again(tenant):
    tenant.send([event() for _ in range(5)])
    parameters = {"sortBy": "receivedTime", "enableScroll": "true", "size": 3}
    token = tenant.read(**parameters).json()["scrollId"]
    before = scroll(tenant, token).json()
    tenant.send([event()])
    again = scroll(tenant, token).json()
    assert again["events"] == before["events"]
    assert (before["hasMore"], again["hasMore"]) == (False, True)


@pytest.mark.long
def test_a_scroll_survives_a_restart(chosen, store):
    first = start_server(chosen)
    made = Tenant(first, store, secrets.token_hex(8))
    made.send([event(f"id-{n}") for n in range(4)])
    token = made.read(size=2, enableScroll="true").json()["scrollId"]
    assert stop_server(first) == 0
    second = start_server(chosen)
    url = f"{second.address}{made.events_path}"
    page = made.client.get(url, params={"scrollId": token}).json()
    assert [e["event"]["id"] for e in page["events"]] == ["id-2", "id-3"]
    made.client.close()
    stop_server(second)


def test_events_are_served_as_the_bytes_that_were_sent(tenant):
    raw = json.dumps(event("id", organizationId=tenant.id, n=1), separators=(",", ":"))
    raw = raw.replace('"n":1', '"n":1.10,"big":123456789012345678901234567890')
    tenant.client.post(tenant.events_path, content=raw.encode())
    assert raw in tenant.read().text
