"""Sources over HTTP: made, seen, deleted, and what of them went wrong."""

import json
from contextlib import closing

import httpx2
import pytest

from footfall import clock
from footfall.core.access import Role
from footfall.core.instants import HOUR, MINUTE
from footfall.flows.accounts import sources
from footfall.flows.accounts.source_secrets import SourceSecrets
from footfall.sources import mist
from footfall.store.transaction import HeardKind
from tests.conftest import Tenant

# The store's part has tests on both engines; this is about HTTP.
pytestmark = pytest.mark.parametrize("server", ["sqlite"], indirect=True)

AP = "00:10:a4:23:19:c0"
GUEST = "0c:8d:db:00:11:22"


def path(tenant: Tenant, *parts: str) -> str:
    return "/".join([f"/v1/organizations/{tenant.id}/sources", *parts])


@pytest.fixture
def venue(tenant: Tenant):
    """A tenant with two locations, and a hotspot in one of them."""
    for name in ("cafe", "shop"):
        place = {"id": name, "name": name.title()}
        locations = f"/v1/organizations/{tenant.id}/locations"
        assert tenant.client.post(locations, json=place).status_code == 201
    hotspot = {"id": "h1", "name": "Bar", "venueId": "cafe", "macAddress": AP}
    hotspots = f"/v3/hotspots/organizations/{tenant.id}"
    assert tenant.client.post(hotspots, json=hotspot).status_code == 201
    return tenant


def make(tenant, kind="mist", **more):
    answer = tenant.client.post(path(tenant), json={"kind": kind} | more)
    assert answer.status_code == 201, answer.text
    return answer.json()


def read(tenant, made):
    return tenant.client.get(path(tenant, made["id"])).json()


def post(tenant, made, topic="location-client", **event):
    """Send what Mist would send."""
    body = json.dumps({"topic": topic, "events": [event]}).encode()
    headers = {mist.SIGNATURE: mist.sign(made["secret"], body)}
    answer = httpx2.post(
        tenant.server.address + made["path"], content=body, headers=headers
    )
    assert answer.status_code == 204, answer.text


def heard(**more):
    return {"mac": GUEST, "ap": AP, "timestamp": clock.now() // 1_000_000} | more


def test_a_source_that_was_made_receives_with_its_secret_which_is_shown_once(venue):
    made = make(venue, name="Harbour", location="cafe")
    assert (made["state"], made["lastHeardAt"], made["problemCount"]) == (
        "waiting",
        None,
        0,
    )
    post(venue, made, **heard())
    secret = made.pop("secret")
    now = read(venue, made)
    assert now["state"] == "receiving"
    assert now["lastHeardAt"] >= made["createdAt"]
    assert now | {"state": "waiting", "lastHeardAt": None} == made
    listed = venue.client.get(path(venue))
    assert listed.json()["sources"] == [now]
    assert secret not in listed.text


def test_a_post_without_the_secret_is_not_heard(venue):
    made = make(venue)
    url = venue.server.address + made["path"]
    headers = {mist.SIGNATURE: "0" * 64}
    assert httpx2.post(url, content=b"{}", headers=headers).status_code == 401
    assert read(venue, made)["state"] == "waiting"


def test_a_deleted_source_receives_nothing_and_is_unknown(venue):
    made = make(venue)
    post(venue, made, **heard())
    assert venue.client.delete(path(venue, made["id"])).status_code == 204
    left = venue.store.read(venue.id, lambda t: t.last_heard.all_of(HeardKind.SOURCE))
    assert left == {}
    for method, more in (("GET", ()), ("DELETE", ()), ("GET", ("problems",))):
        answer = venue.client.request(method, path(venue, made["id"], *more))
        assert answer.status_code == 404, method
        assert answer.json()["type"].endswith("source-unknown")
    url = venue.server.address + made["path"]
    headers = {mist.SIGNATURE: "0" * 64}
    assert httpx2.post(url, content=b"{}", headers=headers).status_code == 404
    assert venue.client.get(path(venue)).json()["sources"] == []


def test_problems_are_paged_newest_first_in_masked_words(venue):
    made, other = make(venue), make(venue)
    for wrong in ("one@example.com", "two", "three"):
        post(venue, made, **heard(mac=wrong))
    post(venue, other, topic="nothing")
    assert read(venue, made)["problemCount"] == 3
    problems = path(venue, made["id"], "problems")
    first = venue.client.get(problems, params={"size": 2}).json()
    before = {"before": first["problems"][-1]["id"]}
    rest = venue.client.get(problems, params=before).json()
    assert (first["count"], rest["count"]) == (2, 1)
    both = first["problems"] + rest["problems"]
    assert sorted({one["id"] for one in both}, key=int, reverse=True) == [
        one["id"] for one in both
    ]
    assert {one["source"] for one in both} == {made["id"]}
    assert all("events[0]" in one["reason"] for one in both)
    assert "example.com" not in str(both)


@pytest.mark.parametrize(
    ("query", "field"),
    [("size=0", "size"), ("size=101", "size"), ("before=x", "before")]
    + [("size=1&size=2", "size")],
)
def test_a_page_of_problems_that_cannot_be_is_refused(venue, query, field):
    made = make(venue)
    answer = venue.client.get(f"{path(venue, made['id'], 'problems')}?{query}")
    assert answer.status_code == 409
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({}, "kind"),
        ({"kind": "fax"}, "kind"),
        ({"kind": "radius", "secret": "x"}, "secret"),
        ({"kind": "meraki"}, "validator"),
        ({"kind": "meraki", "validator": "x" * 201}, "validator"),
        ({"kind": "radius", "name": "x" * 201}, "name"),
        ({"kind": "radius", "addresses": ["10.0.0.0/99"]}, "addresses"),
        ({"kind": "radius", "addresses": ["10.0.0.0/8"] * 101}, "addresses"),
        ({"kind": "radius", "addresses": "10.0.0.0/8"}, "addresses"),
    ],
)
def test_a_source_that_cannot_be_made_is_refused_by_its_field(tenant, value, field):
    answer = tenant.client.post(path(tenant), json=value)
    assert answer.status_code == 409, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_a_source_at_an_unknown_location_is_refused(tenant):
    answer = tenant.client.post(path(tenant), json={"kind": "mist", "location": "x"})
    assert answer.status_code == 404
    assert answer.json()["type"].endswith("location-unknown")


def test_a_location_manager_sees_only_sources_of_its_locations(venue):
    own, other = make(venue, location="cafe"), make(venue, location="shop")
    everywhere = make(venue)
    scopes = ("sources_read", "sources_write")
    with closing(venue.login(Role.LOCATION_MANAGER, scopes, ("cafe",))) as client:
        listed = client.get(path(venue)).json()["sources"]
        assert [one["id"] for one in listed] == [own["id"]]
        for name in (other["id"], everywhere["id"], "nothing"):
            for more in ((), ("problems",)):
                assert client.get(path(venue, name, *more)).status_code == 403
        assert client.get(path(venue, own["id"], "problems")).status_code == 200
        one = path(venue, own["id"])
        for method, url in (
            ("POST", path(venue)),
            ("DELETE", one),
            ("POST", f"{one}/test"),
        ):
            answer = client.request(method, url, json={"kind": "mist"})
            assert answer.status_code == 403


def test_another_organizations_source_is_unknown_here(tenant, other_tenant):
    theirs = make(other_tenant)
    for method, more in (("GET", ()), ("DELETE", ()), ("GET", ("problems",))):
        for name in (theirs["id"], "nothing"):
            answer = tenant.client.request(method, path(tenant, name, *more))
            assert answer.status_code == 404
    assert tenant.client.get(path(other_tenant)).status_code == 403
    assert read(other_tenant, theirs)["id"] == theirs["id"]


@pytest.mark.parametrize(
    ("method", "more", "scope"),
    [
        ("GET", (), "sources_read"),
        ("POST", (), "sources_write"),
        ("GET", ("x",), "sources_read"),
        ("DELETE", ("x",), "sources_write"),
        ("GET", ("x", "problems"), "sources_read"),
        ("POST", ("x", "test"), "sources_write"),
    ],
)
def test_sources_need_their_own_scope_and_no_public_app_has_them(
    tenant, method, more, scope
):
    allowed = {scope, f"organization_{scope.rsplit('_')[-1]}"}
    for given in (*sorted(allowed), "services_write", "services_read"):
        with closing(tenant.login(Role.ORGANIZATION_MANAGER, (given,))) as client:
            status = client.request(method, path(tenant, *more), json={}).status_code
            assert (status != 403) == (given in allowed), given
    with closing(tenant.login(Role.PUBLIC_APP, (scope,))) as client:
        assert client.request(method, path(tenant, *more), json={}).status_code == 403


# -- trying one ----------------------------------------------------------------------


def try_out(tenant, made, body):
    answer = tenant.client.post(path(tenant, made["id"], "test"), content=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def sample(*events, topic="location-client"):
    return json.dumps({"topic": topic, "events": list(events)})


def test_a_test_says_what_would_be_understood_and_stores_nothing(venue):
    made = make(venue)
    seen = try_out(venue, made, sample(heard(rssi=-60), heard(ap="00:00:00:00:00:09")))
    [item] = seen["items"]
    assert (item["type"], item["locationName"], item["hotspotId"], item["rssi"]) == (
        "observation",
        "Cafe",
        "h1",
        -60,
    )
    assert item["randomised"] is False
    [rejected] = seen["rejected"]
    assert rejected["index"] == 1
    assert "is not registered" in rejected["errors"][0]["message"]
    assert (seen["observations"], seen["logins"], seen["rejections"]) == (1, 0, 1)
    now = clock.now() // 1_000_000
    guest = {"client": GUEST, "ap": AP, "email": "ann@example.com"} | {
        "authorized_time": now
    }
    login = try_out(venue, made, sample(guest, topic="guest-authorizations"))
    assert [one["identities"] for one in login["items"]] == [["email"]]
    assert read(venue, made) == {k: v for k, v in made.items() if k != "secret"}
    assert venue.ids() == []
    kept = venue.store.read(venue.id, lambda t: t.observations.any_since(0))
    assert not kept


def test_a_test_uses_the_sources_own_decoder_and_location(venue):
    attributes = {
        "Acct-Status-Type": "Start",
        "User-Name": "ann",
        "Calling-Station-Id": GUEST,
        "NAS-Identifier": "nowhere",
    }
    body = json.dumps(attributes)
    for kind in ("radius", "freeradius"):
        [item] = try_out(venue, make(venue, kind, location="shop"), body)["items"]
        assert (item["type"], item["locationId"]) == ("login", "shop")
        assert item["hotspotId"] is None
    restart = json.dumps({"Acct-Status-Type": "Accounting-On", "NAS-Identifier": "n"})
    assert try_out(venue, make(venue, "radius"), restart)["restarts"] == 1
    unread = try_out(venue, make(venue, "meraki", validator="v"), body)
    assert (unread["items"], unread["rejections"]) == ([], 1)


@pytest.mark.parametrize("body", ["", "{", "[]", '{"topic":"none"}', "\0"])
def test_what_cannot_be_read_is_a_rejection_of_the_test(venue, body):
    seen = try_out(venue, make(venue), body)
    assert (seen["items"], seen["rejections"]) == ([], 1)


def test_a_test_lists_a_hundred_items_and_takes_no_large_body(venue):
    made = make(venue)
    seen = try_out(venue, made, sample(*[heard()] * 101))
    assert (len(seen["items"]), seen["observations"]) == (100, 101)
    large = venue.client.post(path(venue, made["id"], "test"), content=" " * 300_000)
    assert large.status_code == 413


def test_another_organizations_source_cannot_be_tested(tenant, other_tenant):
    theirs = make(other_tenant)
    answer = tenant.client.post(path(tenant, theirs["id"], "test"), content="{}")
    assert answer.status_code == 404


def test_a_source_is_silent_an_hour_after_it_was_heard(tenant, server):
    secrets = server.source_secrets(tenant.store)
    made = secrets.create(tenant.id, "mist", 0).source
    note = {(HeardKind.SOURCE, made.id): 5 * MINUTE}
    tenant.store.transaction(tenant.id, lambda t: t.last_heard.note(note)).result()

    def state(now, opened=secrets):
        [shown] = sources.list_sources(opened, tenant.id, now)
        return shown.state

    assert state(5 * MINUTE + HOUR - 1) == "receiving"
    assert state(5 * MINUTE + HOUR) == "silent"
    assert state(5 * MINUTE, SourceSecrets(tenant.store, bytes(64))) == "sealed"
