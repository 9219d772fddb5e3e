"""Several servers on one store are one service, on each engine."""

import httpx2
import pytest

from footfall import clock, service
from footfall.core.access import Role
from footfall.sources import mist
from tests.conftest import Tenant, event, start_server, stop_server


@pytest.fixture(scope="module")
def two(server, server_store):
    """The server of all tests, and another beside it on the same store."""
    other = start_server(server.chosen)
    store = service.open_store(server.chosen)
    both = Tenant(server, server_store), Tenant(other, store)
    yield both
    for one in both:
        one.client.close()
    stop_server(other)
    store.close()


def at(tenant, path, **more):
    """Ask a tenant's server with the credentials that `more` names."""
    return httpx2.get(tenant.server.address + path, **more)


def login(tenant):
    """Log in as a service of its own; returns the header."""
    client = tenant.login(Role.ORGANIZATION_MANAGER, ("organization_read",))
    client.close()
    return {"Authorization": client.headers["Authorization"]}


def test_a_token_of_one_server_holds_on_the_other_until_it_is_revoked_there(two):
    here, there = two
    headers = login(here)
    assert at(there, here.events_path, headers=headers).status_code == 200
    logout = f"{there.server.address}/v1/sts/logout"
    assert httpx2.post(logout, headers=headers).status_code < 300
    for one in two:
        assert at(one, here.events_path, headers=headers).status_code == 403


def test_a_revoked_service_is_refused_by_both_at_once(two):
    here, there = two
    before = {one.client_key for one in here.store.services(here.id)}
    headers = login(here)
    [made] = {one.client_key for one in here.store.services(here.id)} - before
    there.store.revoke_service(made, clock.now()).result()
    for one in two:
        assert at(one, here.events_path, headers=headers).status_code == 403


def test_a_scroll_goes_on_at_the_other_server(two):
    here, there = two
    headers = {"Authorization": here.client.headers["Authorization"]}
    here.send([event(f"id-{n}") for n in range(4)])
    parameters = {"size": 2, "enableScroll": "true"}
    first = here.client.get(here.events_path, params=parameters).json()
    second = at(
        there,
        here.events_path,
        params={"scrollId": first["scrollId"]},
        headers=headers,
    ).json()
    ids = [one["event"]["id"] for one in first["events"] + second["events"]]
    assert ids == [f"id-{n}" for n in range(4)]


def test_what_one_server_changes_of_venues_the_other_knows(two):
    here, there = two
    headers = {"Authorization": here.client.headers["Authorization"]}
    places = f"/v1/organizations/{here.id}/locations"
    for name in ("Old", "New"):
        if name == "Old":
            here.client.post(places, json={"id": "cafe", "name": name})
        else:
            here.client.patch("/v1/locations/cafe", json={"name": name})
        found = at(there, "/v1/locations/cafe", headers=headers).json()
        assert found["name"] == name


def test_a_source_made_beside_one_server_takes_posts_at_the_other(two):
    here, there = two
    made = here.server.source_secrets(here.store).create(
        here.id, "mist", clock.now(), secret="s3cret"
    )
    body = b'{"topic":"zone","events":[]}'
    url = f"{there.server.address}/v1/sources/{made.source.id}"
    headers = {"X-Mist-Signature-v2": mist.sign("s3cret", body)}
    assert httpx2.post(url, content=body, headers=headers).status_code == 204
