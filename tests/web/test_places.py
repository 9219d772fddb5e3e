"""Locations, hotspots, contacts and rules, over HTTP."""

import json

import pytest

from footfall.core.access import Role
from tests.conftest import Tenant

HOME = {
    "name": "Ivan Home",
    "timezone": "America/Los_Angeles",
    "lat": 37.77,
    "lng": -122.42,
    "externalId": "L_1",
    "tags": ["home", "west"],
    "address": {"city": "San Francisco", "country": "US"},
}


def locations(tenant: Tenant) -> str:
    return f"/v1/organizations/{tenant.id}/locations"


def hotspots(tenant: Tenant) -> str:
    return f"/v3/hotspots/organizations/{tenant.id}"


def customers(tenant: Tenant, contact: str = "") -> str:
    return f"/v1/organizations/{tenant.id}/customers{contact and '/' + contact}"


def make(tenant: Tenant, **changes):
    answer = tenant.client.post(locations(tenant), json=HOME | changes)
    assert answer.status_code == 201, answer.text
    return answer.json()


def fields(answer) -> list[str]:
    assert answer.status_code == 409, answer.text
    return sorted(error["field"] for error in answer.json()["errors"])


def test_a_location_has_the_shape_of_the_original_and_its_misprint(tenant):
    made = make(tenant)
    assert made == HOME | {
        "id": made["id"],
        "organizationId": tenant.id,
        "organziationId": tenant.id,
        "address": {
            "address": None,
            "city": "San Francisco",
            "state": None,
            "zip": None,
            "country": "US",
        },
    }
    assert tenant.client.get(f"/v1/locations/{made['id']}").json() == made
    page = tenant.client.get(locations(tenant)).json()
    assert list(page) == ["generated", "size", "locations"]
    assert (page["size"], page["locations"]) == (1, [made])


def test_locations_are_listed_by_their_tags(tenant):
    one = make(tenant, tags=["a", "b"])["id"]
    two = make(tenant, tags=["b"], externalId="L_2")["id"]
    for tags, expected in (
        ("b", [one, two]),
        ("a,b", [one]),
        ("a, c", []),
        ("", [one, two]),
    ):
        page = tenant.client.get(locations(tenant), params={"tags": tags}).json()
        assert [found["id"] for found in page["locations"]] == expected


def test_a_patch_changes_only_the_sent_fields_of_a_location(tenant):
    made = make(tenant)
    path = f"/v1/locations/{made['id']}"
    change = {"name": "New", "address": {"zip": "94103"}}
    changed = tenant.client.patch(path, json=change).json()
    assert changed == made | {
        "name": "New",
        "address": made["address"] | {"zip": "94103"},
    }
    same = tenant.client.patch(path, json=changed)
    assert (same.status_code, same.json()) == (200, changed)


def test_a_deleted_location_is_gone_and_its_id_free_again(tenant):
    made = make(tenant, id="one")
    hotspot = {"name": "AP", "venueId": "one", "id": "ap"}
    assert tenant.client.post(hotspots(tenant), json=hotspot).status_code == 201
    assert "hotspots" in tenant.client.delete("/v1/locations/one").json()["detail"]
    assert tenant.client.delete("/v3/hotspots/ap").status_code == 204
    assert tenant.client.delete("/v1/locations/one").status_code == 204
    assert tenant.client.get("/v1/locations/one").status_code == 404
    assert tenant.client.get(locations(tenant)).json()["size"] == 0
    assert make(tenant, id="one") == made


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"name": ""}, ["name"]),
        ({"name": "x" * 201}, ["name"]),
        ({"name": None}, ["name"]),
        ({"timezone": "Mars"}, ["timezone"]),
        ({"lat": 91, "lng": -181}, ["lat", "lng"]),
        ({"tags": "home"}, ["tags"]),
        ({"id": "a b"}, ["id"]),
        ({"address": {"zip": 5}}, ["address.zip"]),
        ({"externalId": "x" * 201}, ["externalId"]),
    ],
)
def test_an_invalid_location_is_refused_with_its_wrong_fields(
    tenant, changes, expected
):
    assert (
        fields(tenant.client.post(locations(tenant), json=HOME | changes)) == expected
    )


def test_a_taken_id_is_reported(tenant):
    make(tenant, id="one")
    answer = tenant.client.post(locations(tenant), json=HOME | {"id": "one"})
    assert answer.json()["type"].endswith("already-exists")


def test_a_body_that_is_not_an_object_is_refused(tenant):
    for body in (b"", b"[]", b"{", b'"x"', b"\xff"):
        answer = tenant.client.post(locations(tenant), content=body)
        assert answer.json()["type"].endswith("body-invalid")


def test_a_hotspot_has_the_shape_of_the_original(tenant):
    venue = make(tenant)["id"]
    sent = {"name": "Bar", "venueId": venue, "macAddress": "E0-55-3D-C0-76-F4"}
    sent |= {"vendor": "Meraki", "nasIdentifier": "nas"}
    page = tenant.client.post(hotspots(tenant), json=sent).json()
    assert list(page) == ["status", "generated", "count", "hotspots"]
    [made] = page["hotspots"]
    assert made == sent | {"id": made["id"], "macAddress": "e0:55:3d:c0:76:f4"}
    read = tenant.client.get(f"/v3/hotspots/{made['id']}").json()
    assert (read["count"], read["hotspots"]) == (1, [made])
    assert tenant.client.get(hotspots(tenant)).json()["hotspots"] == [made]
    changed = tenant.client.patch(f"/v3/hotspots/{made['id']}", json={"name": "B"})
    assert changed.json()["hotspots"] == [made | {"name": "B"}]


def test_an_invalid_hotspot_is_refused(tenant):
    venue = make(tenant)["id"]
    good = {"name": "A", "venueId": venue, "macAddress": "e0:55:3d:c0:76:f4"}
    assert tenant.client.post(hotspots(tenant), json=good).status_code == 201
    bad = good | {"macAddress": "x"}
    assert fields(tenant.client.post(hotspots(tenant), json=bad)) == ["macAddress"]
    assert fields(tenant.client.post(hotspots(tenant), json=good)) == ["macAddress"]
    nowhere = good | {"venueId": "nowhere", "macAddress": None}
    answer = tenant.client.post(hotspots(tenant), json=nowhere)
    assert answer.json()["type"].endswith("location-unknown")


def test_a_location_manager_has_only_its_locations(tenant):
    mine = make(tenant, id="mine")["id"]
    other = make(tenant, id="other", externalId="L_2")["id"]
    for place in (mine, other):
        tenant.client.post(
            hotspots(tenant), json={"id": place, "name": "A", "venueId": place}
        )
    scopes = ("location_read", "location_write", "hotspot_read", "hotspot_write")
    client = tenant.login(Role.LOCATION_MANAGER, scopes, locations=(mine,))
    assert [x["id"] for x in client.get(locations(tenant)).json()["locations"]] == [
        mine
    ]
    assert [x["id"] for x in client.get(hotspots(tenant)).json()["hotspots"]] == [mine]
    assert client.get(f"/v1/locations/{mine}").status_code == 200
    assert client.patch(f"/v1/locations/{mine}", json={"name": "B"}).status_code == 200
    for path in (
        f"/v1/locations/{other}",
        "/v1/locations/none",
        f"/v3/hotspots/{other}",
    ):
        assert client.get(path).status_code == 403
        assert client.patch(path, json={"name": "B"}).status_code == 403
    moved = {"venueId": other}
    assert client.patch(f"/v3/hotspots/{mine}", json=moved).status_code == 403
    assert client.post(locations(tenant), json=HOME).status_code == 403
    assert client.delete(f"/v1/locations/{mine}").status_code == 403
    rules = f"/v1/locations/{mine}/presence"
    assert client.patch(rules, json={"minimumDwell": 9}).status_code == 200
    assert client.get(f"/v1/locations/{other}/presence").status_code == 403
    assert client.get(f"/v1/organizations/{tenant.id}/presence").status_code == 403
    client.close()


def test_another_tenants_places_answer_as_unknown_ones_do(tenant, other_tenant):
    make(tenant, id="one")
    hotspot = {"id": "ap", "name": "A", "venueId": "one"}
    tenant.client.post(hotspots(tenant), json=hotspot)
    for path in ("/v1/locations/one", "/v3/hotspots/ap", "/v1/locations/one/presence"):
        for method in ("GET", "PATCH"):
            there = other_tenant.client.request(method, path, json={})
            nowhere = other_tenant.client.request(
                method, path.replace("one", "two").replace("ap", "bp"), json={}
            )
            assert (there.status_code, nowhere.status_code) == (404, 404)
            assert there.json()["title"] == nowhere.json()["title"]
    assert other_tenant.client.get(locations(tenant)).status_code == 403
    make(other_tenant, id="one")  # the same id in another organization


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/v1/organizations/{cid}/locations", "location_read"),
        ("POST", "/v1/organizations/{cid}/locations", "organization_write"),
        ("GET", "/v1/locations/x", "location_read"),
        ("PATCH", "/v1/locations/x", "location_write"),
        ("DELETE", "/v1/locations/x", "organization_write"),
        ("GET", "/v3/hotspots/organizations/{cid}", "hotspot_read"),
        ("POST", "/v3/hotspots/organizations/{cid}", "hotspot_write"),
        ("PATCH", "/v3/hotspots/x", "hotspot_write"),
        ("DELETE", "/v3/hotspots/x", "hotspot_write"),
        ("POST", "/v1/organizations/{cid}/customers", "customer_write"),
        ("GET", "/v1/organizations/{cid}/customers/x", "customer_read"),
        ("PATCH", "/v1/organizations/{cid}/customers/x", "customer_write"),
        ("POST", "/v1/organizations/{cid}/observations", "events_write"),
        ("POST", "/v1/organizations/{cid}/logins", "events_write"),
        ("GET", "/v1/organizations/{cid}/presence", "organization_read"),
        ("PATCH", "/v1/organizations/{cid}/presence", "organization_write"),
    ],
)
def test_each_operation_demands_its_scope(tenant, method, path, scope):
    path = path.replace("{cid}", tenant.id)
    for scopes, allowed in (((scope,), True), (("events_read",), False)):
        client = tenant.login(Role.ORGANIZATION_MANAGER, scopes)
        status = client.request(method, path, json={}).status_code
        assert (status != 403) == allowed, status
        client.close()


# Rules.


def test_rules_are_set_for_all_and_for_one_location(tenant):
    make(tenant, id="one")
    everywhere = f"/v1/organizations/{tenant.id}/presence"
    here = "/v1/locations/one/presence"
    assert tenant.client.get(here).json() == {
        "minimumDwell": 5,
        "sessionTimeout": 15,
        "minimumSignal": None,
        "maximumVisit": None,
        "pseudonymous": False,
        "setHere": [],
    }
    change = {"sessionTimeout": 30, "minimumSignal": -70}
    assert tenant.client.patch(everywhere, json=change).status_code == 200
    shown = tenant.client.patch(here, json={"minimumSignal": None, "minimumDwell": 10})
    assert shown.json() == {
        "minimumDwell": 10,
        "sessionTimeout": 30,
        "minimumSignal": None,
        "maximumVisit": None,
        "pseudonymous": False,
        "setHere": ["minimumDwell", "minimumSignal"],
    }
    # Null turns the signal off here; of the dwell it takes back what was set.
    reset = tenant.client.patch(here, json={"minimumDwell": None}).json()
    assert (reset["minimumDwell"], reset["setHere"]) == (5, ["minimumSignal"])


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"minimumDwell": 1}, "minimumDwell"),
        ({"minimumDwell": "5"}, "minimumDwell"),
        ({"sessionTimeout": 1441}, "sessionTimeout"),
        ({"minimumSignal": 5}, "minimumSignal"),
        ({"timeout": 15}, "timeout"),
        ({"pseudonymous": 1}, "pseudonymous"),
    ],
)
def test_a_rule_that_is_not_allowed_is_refused_by_name(tenant, change, field):
    path = f"/v1/organizations/{tenant.id}/presence"
    assert fields(tenant.client.patch(path, json=change)) == [field]


def test_pseudonyms_are_an_organizations_choice(tenant):
    make(tenant, id="one")
    answer = tenant.client.patch(
        "/v1/locations/one/presence", json={"pseudonymous": True}
    )
    assert fields(answer) == ["pseudonymous"]


# Contacts.

ANN = {
    "username": "ann",
    "email": "Ann@Example.com",
    "phone": "+39 050 221 2345",
    "firstName": "Ann",
    "devices": ["0c:8d:db:00:11:22"],
    "source": "kiosk",
}


def test_making_a_contact_makes_its_signup(tenant):
    make(tenant, id="one")
    sent = ANN | {"id": "c1", "locationId": "one"}
    answer = tenant.client.post(customers(tenant), json=sent)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["email"] == "ann@example.com"
    assert made["phone"] == "+390502212345"
    assert "0c:8d" not in answer.text
    assert len(made["devices"][0]["id"]) == 32
    assert tenant.client.get(customers(tenant, "c1")).json() == made
    [signup] = tenant.read().json()["events"]
    assert signup["customerId"] == "c1"
    assert signup["event"]["signup"] == {"source": "kiosk"}
    assert signup["where"]["locationId"] == "one"
    assert signup["when"]["timezone"] == "America/Los_Angeles"


def test_a_contacts_device_is_its_own_from_then_on(tenant):
    make(tenant, id="one")
    tenant.client.post(customers(tenant), json=ANN | {"id": "c1"})
    seen = {"device": ANN["devices"][0], "location": "one"}
    path = f"/v1/organizations/{tenant.id}/observations"
    assert tenant.client.post(path, json=seen).status_code == 201
    kinds = [e["event"]["type"] for e in tenant.read(sortBy="utcTime").json()["events"]]
    assert kinds == ["signup", "arriving"]


def test_a_known_person_who_logs_in_is_the_same_contact(tenant):
    make(tenant, id="one")
    tenant.client.post(customers(tenant), json=ANN | {"id": "c1", "devices": []})
    login = {"phone": "+390502212345", "location": "one", "device": "0c8ddb001122"}
    path = f"/v1/organizations/{tenant.id}/logins"
    assert tenant.client.post(path, json=login).status_code == 201
    events = tenant.read().json()["events"]
    assert {e["customerId"] for e in events} == {"c1"}
    assert len(events) == 3


def test_an_identity_belongs_to_one_contact(tenant):
    tenant.client.post(customers(tenant), json=ANN | {"id": "c1"})
    again = tenant.client.post(customers(tenant), json={"email": ANN["email"]})
    assert again.json()["type"].endswith("already-exists")
    assert tenant.client.get(customers(tenant, "c1")).status_code == 200
    same = tenant.client.post(customers(tenant), json={"id": "c1"})
    assert same.json()["type"].endswith("already-exists")


def test_a_patch_changes_the_sent_fields_of_a_contact_and_null_removes_one(tenant):
    tenant.client.post(customers(tenant), json=ANN | {"id": "c1"})
    change = {"email": None, "lastName": "Bee", "devices": ["0e:8d:db:00:11:23"]}
    changed = tenant.client.patch(customers(tenant, "c1"), json=change).json()
    assert (changed["email"], changed["username"]) == (None, "ann")
    assert (changed["firstName"], changed["lastName"]) == ("Ann", "Bee")
    assert sorted(d["randomised"] for d in changed["devices"]) == [False, True]
    other = tenant.client.post(customers(tenant), json={"email": ANN["email"]})
    assert other.status_code == 201  # it is free again


def test_a_contact_known_from_events_has_nothing_more_to_show(tenant):
    tenant.send([{"customerId": "c1", "event": {"type": "login"}}])
    shown = tenant.client.get(customers(tenant, "c1")).json()
    assert shown["id"] == "c1"
    assert shown["devices"] == []
    assert shown["source"] is None
    assert tenant.client.get(customers(tenant, "c2")).status_code == 404
    assert tenant.client.patch(customers(tenant, "c2"), json={}).status_code == 404


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"email": "ann"}, ["email"]),
        ({"phone": "0502212345"}, ["phone"]),
        ({"username": ""}, ["username"]),
        ({"devices": ["x"]}, ["devices[0]"]),
        ({"email": 5}, ["email"]),
        ({"source": ""}, ["source"]),
        ({"firstName": "a\nb"}, ["firstName"]),
        ({"id": "a\nb"}, ["id"]),
        ({"locationId": "nowhere"}, ["locationId"]),
        ({"email": "x", "phone": "y"}, ["email", "phone"]),
    ],
)
def test_an_invalid_contact_is_refused_with_its_wrong_fields(tenant, changes, expected):
    assert fields(tenant.client.post(customers(tenant), json=ANN | changes)) == expected


def test_an_erased_contact_is_not_found_and_its_identities_are_free(tenant):
    tenant.client.post(customers(tenant), json=ANN | {"id": "c1"})
    assert tenant.client.delete(customers(tenant, "c1")).json()["count"] == 1
    assert tenant.client.get(customers(tenant, "c1")).status_code == 404
    assert tenant.client.post(customers(tenant), json=ANN).status_code == 201


def test_an_event_without_a_zone_has_that_of_its_location(tenant):
    make(tenant, id="one")
    event = {
        "customerId": "c",
        "event": {"type": "login"},
        "where": {"locationId": "one"},
        "when": {"createdAt": "2022-07-21T18:41:09Z"},
    }
    local = json.loads(json.dumps(event))
    local["when"] = {"createdAtLocal": "2022-07-21T11:41:09Z"}
    assert tenant.send([event, local]).json()["accepted"] == 2
    when = {
        "createdAt": "2022-07-21T18:41:09Z",
        "createdAtLocal": "2022-07-21T11:41:09Z",
        "timezone": "America/Los_Angeles",
    }
    first, second = (found["when"] for found in tenant.read().json()["events"])
    assert first == when | {"utcOffset": "-07:00"}
    assert second == when
