"""What is found of contacts and of where they are, over HTTP."""

from contextlib import closing

import pytest

from footfall import clock
from footfall.core.access import Role
from footfall.core.instants import HOUR, MINUTE, SECOND, format_instant, parse_instant
from tests.conftest import Tenant, event

GUEST, MADE_UP = "0c:8d:db:00:11:22", "0e:8d:db:00:11:22"


def path(tenant: Tenant, *parts: str) -> str:
    return "/".join([f"/v1/organizations/{tenant.id}/customers", *parts])


@pytest.fixture
def venue(tenant: Tenant):
    """A tenant with two locations, and a hotspot in one of them."""
    for name in ("cafe", "shop"):
        place = {"id": name, "name": name.title()}
        locations = f"/v1/organizations/{tenant.id}/locations"
        assert tenant.client.post(locations, json=place).status_code == 201
    hotspot = {"id": "h1", "name": "Bar", "venueId": "cafe"}
    hotspots = f"/v3/hotspots/organizations/{tenant.id}"
    assert tenant.client.post(hotspots, json=hotspot).status_code == 201
    return tenant


def send(tenant, what, *items):
    answer = tenant.client.post(f"/v1/organizations/{tenant.id}/{what}", json=items)
    assert answer.status_code == 201, answer.text


def ago(minutes):
    return format_instant((clock.now() - minutes * MINUTE) // SECOND * SECOND)


def make(tenant, **more):
    answer = tenant.client.post(path(tenant), json=more)
    assert answer.status_code == 201, answer.text
    return answer.json()


def found(tenant, sought):
    answer = tenant.client.get(path(tenant), params={"q": sought})
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["customers"]]


def test_a_contact_is_found_by_its_id_and_by_each_identity(tenant, other_tenant):
    known = {"username": "Ann", "email": "ann@example.com", "phone": "+390502212345"}
    made = make(tenant, id="c1", **known)
    make(tenant, id="Ann")
    tenant.send(event(customerId="seen only"))
    for sought in ("c1", " ANN@example.com ", "+39 050 2212345"):
        assert found(tenant, sought) == ["c1"], sought
    assert found(tenant, "Ann") == ["Ann", "c1"]
    assert found(tenant, "seen only") == ["seen only"]
    assert found(tenant, "ann@example") == []
    assert found(other_tenant, "c1") == []
    answer = tenant.client.get(path(tenant), params={"q": "c1"})
    assert answer.json()["customers"] == [made]
    tenant.client.delete(path(tenant, "c1"))
    assert found(tenant, "ann@example.com") == []


@pytest.mark.parametrize("query", ["", "?q=", "?q=%20", f"?q={'x' * 255}", "?q=a&q=b"])
@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_nothing_is_sought_without_one_text(tenant, query):
    answer = tenant.client.get(path(tenant) + query)
    assert answer.status_code == 409
    assert [error["field"] for error in answer.json()["errors"]] == ["q"]


def test_devices_are_listed_with_whose_they_became(venue):
    first, second, third = ago(60), ago(50), ago(40)
    login = {"at": first, "device": GUEST, "location": "cafe", "username": "ann"}
    send(venue, "logins", login, login | {"at": second, "device": MADE_UP})
    send(venue, "logins", login | {"at": third, "username": "bob"})
    [ann], [bob] = found(venue, "ann"), found(venue, "bob")
    newest, oldest = venue.client.get(path(venue, ann, "devices")).json()["devices"]
    assert (newest["randomised"], newest["until"]) == (True, None)
    assert oldest["randomised"] is False
    [his] = venue.client.get(path(venue, bob, "devices")).json()["devices"]
    assert (his["id"], his["since"], his["until"]) == (
        oldest["id"],
        oldest["until"],
        None,
    )
    assert parse_instant(his["since"]) - parse_instant(oldest["since"]) == 20 * MINUTE
    assert GUEST not in str(oldest)


def test_only_stays_that_are_not_over_are_listed(venue):
    login = {"at": ago(600), "device": GUEST, "location": "shop", "username": "ann"}
    send(venue, "logins", login)
    began, last = ago(8), ago(1)
    heard = {"device": GUEST, "hotspot": "h1"}
    send(venue, "observations", heard | {"at": began}, heard | {"at": last})
    [ann] = found(venue, "ann")
    assert venue.client.get(path(venue, ann, "stays")).json()["stays"] == [
        {
            "locationId": "cafe",
            "locationName": "Cafe",
            "hotspotId": "h1",
            "arrivedAt": began,
            "lastHeardAt": last,
        }
    ]


def test_places_tell_when_they_last_heard_somebody_only_if_asked(venue):
    heard, early = ago(3), ago(90)
    seen = {"device": GUEST}
    send(venue, "observations", seen | {"at": heard, "hotspot": "h1"})
    send(venue, "observations", seen | {"at": early, "location": "cafe"})
    send(venue, "observations", seen | {"at": early, "location": "shop"})
    asked = {"fields": "lastHeardAt"}
    locations = f"/v1/organizations/{venue.id}/locations"
    hotspots = f"/v3/hotspots/organizations/{venue.id}"
    listed = venue.client.get(locations, params=asked).json()["locations"]
    assert {one["id"]: one["lastHeardAt"] for one in listed} == {
        "cafe": heard,
        "shop": early,
    }
    [hotspot] = venue.client.get(hotspots, params=asked).json()["hotspots"]
    assert hotspot["lastHeardAt"] == heard
    for url in (locations, hotspots):
        assert "lastHeardAt" not in venue.client.get(url).text
        wrong = venue.client.get(url, params={"fields": "all"})
        assert [error["field"] for error in wrong.json()["errors"]] == ["fields"]
    assert parse_instant(heard) - parse_instant(early) > HOUR
    with closing(
        venue.login(Role.LOCATION_MANAGER, ("location_read",), ("shop",))
    ) as client:
        [own] = client.get(locations, params=asked).json()["locations"]
        assert (own["id"], own["lastHeardAt"]) == ("shop", early)


@pytest.mark.parametrize("what", ["devices", "stays"])
@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_of_an_unknown_contact_nothing_is_told(tenant, other_tenant, what):
    make(other_tenant, id="theirs")
    for name in ("theirs", "nobody"):
        answer = tenant.client.get(path(tenant, name, what))
        assert answer.status_code == 404
        assert answer.json()["type"].endswith("contact-unknown")
    assert tenant.client.get(path(other_tenant, "theirs", what)).status_code == 403


@pytest.mark.parametrize("more", [(), ("x", "devices"), ("x", "stays")])
@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_finding_needs_the_scope_and_the_role_of_reading_contacts(tenant, more):
    for role, scope, allowed in (
        (Role.ORGANIZATION_MANAGER, "customer_read", True),
        (Role.ORGANIZATION_MANAGER, "organization_read", True),
        (Role.ORGANIZATION_MANAGER, "customer_write", False),
        (Role.LOCATION_MANAGER, "customer_read", False),
        (Role.PUBLIC_APP, "customer_read", False),
    ):
        with closing(tenant.login(role, (scope,))) as client:
            status = client.get(path(tenant, *more)).status_code
            assert (status != 403) == allowed, (role, scope)
