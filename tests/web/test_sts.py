import uuid

import httpx2
import jwt
import pytest

from footfall import clock
from footfall.core.access import SCOPES, Role
from footfall.flows.accounts import tenants
from tests.conftest import ALL_SCOPES, event


@pytest.fixture
def anybody(server):
    with httpx2.Client(base_url=server.address, timeout=30) as client:
        yield client


@pytest.fixture
def made(tenant):
    return tenants.create_service(
        tenant.store, tenant.id, Role.ORGANIZATION_MANAGER, ALL_SCOPES, clock.now()
    )


def login(client, key, secret, name="clientKey"):
    body = {name: key, "clientSecret": secret}
    return client.post(f"{client.base_url}//v1/sts/login/services", json=body)


@pytest.mark.parametrize("name", ["clientKey", "clietKey"])
def test_login_gives_the_token_in_body_and_header(anybody, made, name):
    answer = login(anybody, made.client_key, made.client_secret, name)
    assert answer.status_code == 200
    token = answer.json()["token"]
    assert answer.headers["Authorization"] == f"Bearer {token}"
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 86_400


def test_keys_and_secrets_have_the_form_of_the_original(made):
    assert made.client_key.startswith("ck-")
    uuid.UUID(made.client_key[3:])
    assert len(made.client_secret) == 32


def test_a_wrong_key_or_secret_is_the_same_401(anybody, made):
    answers = [
        login(anybody, made.client_key, "x" * 32),
        login(anybody, f"ck-{uuid.uuid4()}", made.client_secret),
    ]
    assert [a.status_code for a in answers] == [401, 401]
    one, other = ({**a.json(), "requestId": ""} for a in answers)
    assert one == other


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"clientKey":1}', b'{"clientKey":"a"}', b"\xff"]
)
def test_credentials_that_cannot_be_read_are_a_409(anybody, body):
    answer = anybody.post("/v1/sts/login/services", content=body)
    assert answer.status_code == 409
    assert "clientSecret" in answer.text


def test_logout_revokes_the_token_for_good(tenant):
    answer = tenant.client.post("/v1/sts/logout")
    assert (answer.status_code, answer.content) == (200, b"")
    assert tenant.read().status_code == 403
    assert tenant.client.post("/v1/sts/logout").status_code == 401


def test_logout_needs_a_token(anybody):
    assert anybody.post("/v1/sts/logout").status_code == 401


def test_a_revoked_services_tokens_end_at_once(tenant, made, anybody):
    token = login(anybody, made.client_key, made.client_secret).json()["token"]
    header = {"Authorization": f"Bearer {token}"}
    assert anybody.get(tenant.events_path, headers=header).status_code == 200
    tenant.store.revoke_service(made.client_key, clock.now()).result()
    assert anybody.get(tenant.events_path, headers=header).status_code == 403
    assert login(anybody, made.client_key, made.client_secret).status_code == 401


def test_without_a_header_it_is_401_with_a_challenge(anybody, tenant):
    answer = anybody.get(tenant.events_path)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("token", ["x", "a.b.c", "é", "x" * 10_000])
def test_a_malformed_token_is_403(anybody, tenant, token):
    header = {b"Authorization": b"Bearer " + token.encode()}
    assert anybody.get(tenant.events_path, headers=header).status_code == 403


def test_every_bit_of_a_token_counts(tenant):
    token = tenant.client.headers["Authorization"].removeprefix("Bearer ")
    for position in range(len(token)):
        changed = bytearray(token.encode())
        changed[position] ^= 1 << (position % 7)
        if changed[position] in b"\n\r\0 \t\x0b\x0c\x7f" or changed[position] < 32:
            continue
        header = {b"Authorization": b"Bearer " + bytes(changed)}
        answer = tenant.client.get(tenant.events_path, headers=header)
        assert answer.status_code == 403, bytes(changed)


OPERATIONS = [
    ("GET", "/v1/organizations/{cid}/events", "events_read"),
    ("GET", "/v1/organizations/{cid}/customers/guest/events", "events_read"),
    ("POST", "/v1/organizations/{cid}/events", "events_write"),
    ("DELETE", "/v1/organizations/{cid}/customers/guest", "customer_write"),
]


@pytest.mark.parametrize(("method", "path", "scope"), OPERATIONS)
def test_an_operation_needs_its_scope_or_the_one_above(tenant, method, path, scope):
    above = f"organization_{scope.rsplit('_')[-1]}"
    for given in SCOPES:
        client = tenant.login(Role.ORGANIZATION_MANAGER, (given,))
        tenant.send(event("again"))
        answer = client.request(method, path.format(cid=tenant.id), json=event())
        assert (answer.status_code != 403) == (given in (scope, above)), given
        client.close()


@pytest.mark.parametrize(("method", "path", "scope"), OPERATIONS)
def test_a_location_manager_may_do_none_of_it(tenant, method, path, scope):
    client = tenant.login(Role.LOCATION_MANAGER, ALL_SCOPES)
    answer = client.request(method, path.format(cid=tenant.id), json=event())
    assert answer.status_code == 403
    client.close()


def test_a_public_app_may_send_but_not_read(tenant):
    client = tenant.login(Role.PUBLIC_APP, ALL_SCOPES)
    assert client.post(tenant.events_path, json=event()).status_code == 201
    assert client.get(tenant.events_path).status_code == 403
    client.close()


@pytest.mark.parametrize(("method", "path", "scope"), OPERATIONS)
@pytest.mark.parametrize("contact", ["guest", "nobody"])
def test_another_tenants_data_answers_as_unknown_data_does(
    tenant, other_tenant, method, path, scope, contact
):
    secret = "their-secret-venue"
    other_tenant.send(event(where={"locationId": secret}))
    path = path.replace("guest", contact)
    answers = [
        tenant.client.request(method, path.format(cid=cid), json=event())
        for cid in (other_tenant.id, "0" * 32)
    ]
    assert [a.status_code for a in answers] == [403, 403]
    bodies = [{**a.json(), "instance": "", "requestId": ""} for a in answers]
    assert bodies[0] == bodies[1]
    assert secret not in answers[0].text
    assert len(other_tenant.ids()) == 1
