"""Services over HTTP: who may make, see and end which."""

from contextlib import closing

import httpx2
import pytest

from footfall.core.access import Role
from tests.conftest import Tenant

MANAGER, LOCAL, APP = map(str, Role)

# Services are stored alike on both engines; this is about HTTP.
pytestmark = pytest.mark.parametrize("server", ["sqlite"], indirect=True)


def path(tenant: Tenant, *parts: str) -> str:
    return "/".join([f"/v1/organizations/{tenant.id}/services", *parts])


def venue(tenant: Tenant, name: str) -> None:
    place = {"id": name, "name": name}
    answer = tenant.client.post(f"/v1/organizations/{tenant.id}/locations", json=place)
    assert answer.status_code == 201


def ask(client, tenant, role=MANAGER, scopes=("events_read",), **more):
    value = {"role": role, "scopes": list(scopes)} | more
    return client.post(path(tenant), json=value)


def make(client, tenant, role=MANAGER, scopes=("events_read",), **more):
    answer = ask(client, tenant, role, scopes, **more)
    assert answer.status_code == 201, answer.text
    return answer.json()


def log_in(tenant, made) -> httpx2.Client:
    client = httpx2.Client(base_url=tenant.server.address)
    sent = {"clientKey": made["clientKey"], "clientSecret": made["secret"]}
    answer = client.post("/v1/sts/login/services", json=sent)
    client.headers["Authorization"] = answer.headers["Authorization"]
    return client


def keys(client, tenant) -> list[str]:
    answer = client.get(path(tenant))
    assert answer.status_code == 200, answer.text
    return [one["clientKey"] for one in answer.json()["services"]]


def fields(answer) -> list[str]:
    assert answer.status_code == 409, answer.text
    return [error["field"] for error in answer.json()["errors"]]


def test_a_service_that_was_made_logs_in_with_its_secret_which_is_shown_once(tenant):
    made = make(tenant.client, tenant)
    assert len(made["secret"]) == 32
    with closing(log_in(tenant, made)) as client:
        assert client.get(tenant.events_path).status_code == 200
    listed = tenant.client.get(path(tenant)).json()["services"]
    assert {**listed[-1], "secret": made["secret"]} == made
    assert made["secret"] not in str(listed)


def test_a_revoked_services_tokens_end_at_once(tenant):
    made = make(tenant.client, tenant)
    with closing(log_in(tenant, made)) as client:
        gone = tenant.client.delete(path(tenant, made["clientKey"]))
        assert gone.status_code == 204
        assert client.get(tenant.events_path).status_code == 403
    last = tenant.client.get(path(tenant)).json()["services"][-1]
    assert last["clientKey"] == made["clientKey"]
    assert last["revokedAt"] is not None


@pytest.mark.parametrize(
    ("held", "asked", "allowed"),
    [
        (("services_write", "events_read"), ("events_read",), True),
        (("services_write", "events_read"), ("services_write",), True),
        (("services_write",), ("events_read",), False),
        (("services_write", "events_read"), ("events_write",), False),
        (("services_write", "events_read"), ("organization_read",), False),
        (("organization_write",), ("sources_write", "organization_write"), True),
        (("organization_write",), ("events_write", "events_read"), False),
    ],
)
def test_nobody_grants_a_scope_that_they_do_not_hold(tenant, held, asked, allowed):
    with closing(tenant.login(Role.ORGANIZATION_MANAGER, held)) as client:
        answer = ask(client, tenant, scopes=asked)
        assert answer.status_code == (201 if allowed else 409), answer.text
        if not allowed:
            assert fields(answer) == ["scopes"]


@pytest.mark.parametrize(
    ("role", "places", "wrong"),
    [
        (LOCAL, ["here"], []),
        (LOCAL, ["here", "there"], ["locations"]),
        (LOCAL, ["nowhere"], ["locations"]),
        (LOCAL, [], ["locations"]),
        (MANAGER, [], ["role"]),
        (APP, [], ["role"]),
    ],
)
def test_a_location_manager_grants_only_its_own_role_and_locations(
    tenant, role, places, wrong
):
    venue(tenant, "here")
    venue(tenant, "there")
    scopes = ("services_write", "location_read")
    with closing(tenant.login(Role.LOCATION_MANAGER, scopes, ("here",))) as client:
        answer = ask(client, tenant, role, ("location_read",), locations=places)
        assert (answer.status_code == 201) == (not wrong), answer.text
        if wrong:
            assert fields(answer) == wrong


def test_a_location_manager_sees_and_revokes_only_those_of_its_locations(tenant):
    venue(tenant, "here")
    venue(tenant, "there")
    local = {"role": LOCAL, "scopes": ("location_read",)}
    own = make(tenant.client, tenant, **local, locations=["here"])
    both = make(tenant.client, tenant, **local, locations=["here", "there"])
    everywhere = make(tenant.client, tenant)
    scopes = ("services_write", "services_read")
    with closing(tenant.login(Role.LOCATION_MANAGER, scopes, ("here",))) as client:
        assert own["clientKey"] in keys(client, tenant)
        assert not {both["clientKey"], everywhere["clientKey"]} & set(
            keys(client, tenant)
        )
        refused = [
            client.delete(path(tenant, one))
            for one in (both["clientKey"], everywhere["clientKey"], "ck-nobody")
        ]
        assert [answer.status_code for answer in refused] == [403] * 3
        assert len({answer.json()["detail"] for answer in refused}) == 1
        assert client.delete(path(tenant, own["clientKey"])).status_code == 204


def test_another_organizations_service_is_unknown_here(tenant, other_tenant):
    theirs = make(other_tenant.client, other_tenant)
    answers = [
        tenant.client.delete(path(tenant, one))
        for one in (theirs["clientKey"], "ck-nobody")
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert {answer.json()["type"] for answer in answers} == {
        "urn:footfall:problem:service-unknown"
    }
    assert tenant.client.get(path(other_tenant)).status_code == 403
    assert theirs["clientKey"] not in keys(tenant.client, tenant)
    log_in(other_tenant, theirs).close()


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({}, "role"),
        ({"role": "Boss", "scopes": ["events_read"]}, "role"),
        ({"role": MANAGER, "scopes": []}, "scopes"),
        ({"role": MANAGER, "scopes": ["all"]}, "scopes"),
        ({"role": MANAGER, "scopes": "events_read"}, "scopes"),
        ({"role": MANAGER, "scopes": ["events_read"], "locations": ["x"]}, "locations"),
        ({"role": LOCAL, "scopes": ["events_read"], "locations": ["a b"]}, "locations"),
        ({"role": LOCAL, "scopes": ["events_read"]}, "locations"),
    ],
)
def test_a_service_that_cannot_be_made_is_refused_by_its_field(tenant, value, field):
    answer = tenant.client.post(path(tenant), json=value)
    assert field in fields(answer)


@pytest.mark.parametrize(
    ("method", "more", "scope"),
    [("GET", (), "services_read"), ("POST", (), "services_write")]
    + [("DELETE", ("ck-nobody",), "services_write")],
)
def test_services_need_their_own_scope_and_no_public_app_has_them(
    tenant, method, more, scope
):
    allowed = {scope, f"organization_{scope.rsplit('_')[-1]}"}
    for given in (*sorted(allowed), "sources_write", "events_read"):
        with closing(tenant.login(Role.ORGANIZATION_MANAGER, (given,))) as client:
            status = client.request(method, path(tenant, *more), json={}).status_code
            assert (status != 403) == (given in allowed), given
    with closing(tenant.login(Role.PUBLIC_APP, (scope,))) as client:
        assert client.request(method, path(tenant, *more), json={}).status_code == 403
