import asyncio
import collections
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
import structlog

from footfall import clock, service, settings
from footfall import server as running_service
from footfall.core.access import Role
from footfall.flows.accounts import tenants, tokens
from footfall.flows.accounts.rate_limits import FAILED_LOGINS, Limiter
from footfall.sources import mist
from footfall.web import app
from tests.conftest import Tenant, event, start_server, stop_server
from tests.shared import open_sqlite

SENDING = ("events_write",)


@pytest.fixture(scope="module")
def narrow(tmp_path_factory):
    """A server that allows 30 requests at once and 3 a second."""
    path = tmp_path_factory.mktemp("narrow") / "footfall.db"
    store = service.open_store(settings.Settings(store=f"sqlite:{path}"))
    server = start_server(path, FOOTFALL_RATE="3", FOOTFALL_BURST="30")
    yield server, store
    stop_server(server)
    store.close()


def test_a_request_over_the_limit_is_a_429_with_retry_after(narrow):
    flooding, calm = Tenant(*narrow), Tenant(*narrow)
    answers = [flooding.read()]
    while answers[-1].status_code == 200:  # some more where 30 take longer than 0.3 s
        answers.append(flooding.read())
    assert answers[-1].status_code == 429
    assert len(answers) > 30
    headers = answers[-1].headers
    assert 1 <= int(headers["Retry-After"]) <= 10
    assert headers["RateLimit-Limit"] == "30"
    assert headers["RateLimit-Remaining"] == "0"
    assert headers["RateLimit-Policy"] == "3;w=1;burst=30"
    assert answers[-1].json()["type"].endswith("too-many-requests")
    assert calm.read().status_code == 200
    flooding.client.close()
    calm.client.close()


def test_failed_logins_are_limited_by_address_and_key(narrow):
    server, _ = narrow
    body = {"clientKey": "ck-nobody", "clientSecret": "x"}
    url = f"{server.address}/v1/sts/login/services"
    transport = httpx2.HTTPTransport(local_address="127.0.0.5")
    with httpx2.Client(transport=transport) as client:
        statuses = []
        while 429 not in statuses:
            statuses.append(client.post(url, json=body).status_code)
        assert statuses[: FAILED_LOGINS.burst] == [401] * FAILED_LOGINS.burst
        again = client.post(url, json=body | {"clientKey": "ck-another"})
    assert again.status_code == 429


def test_simultaneous_logins_are_each_counted(narrow):
    server, _ = narrow
    body = {"clientKey": "ck-crowd", "clientSecret": "x"}
    url = f"{server.address}/v1/sts/login/services"

    async def main():
        transport = httpx2.AsyncHTTPTransport(local_address="127.0.0.3")
        async with httpx2.AsyncClient(transport=transport, timeout=30) as client:
            asked = [client.post(url, json=body) for _ in range(60)]
            return [answer.status_code for answer in await asyncio.gather(*asked)]

    statuses = collections.Counter(asyncio.run(main()))
    assert set(statuses) == {401, 429}
    # One more may fail every 3 s.
    assert FAILED_LOGINS.burst <= statuses[401] <= FAILED_LOGINS.burst + 5


def test_simultaneous_good_logins_of_one_address_all_succeed(narrow):
    server, store = narrow
    made = Tenant(server, store)
    url = f"{server.address}/v1/sts/login/services"
    new = [
        tenants.create_service(store, made.id, Role.PUBLIC_APP, SENDING, clock.now())
        for _ in range(60)
    ]
    made.client.close()

    async def main():
        transport = httpx2.AsyncHTTPTransport(local_address="127.0.0.4")
        async with httpx2.AsyncClient(transport=transport, timeout=30) as client:
            bodies = [
                {"clientKey": one.client_key, "clientSecret": one.client_secret}
                for one in new
            ]
            asked = [client.post(url, json=body) for body in bodies]
            return [answer.status_code for answer in await asyncio.gather(*asked)]

    assert asyncio.run(main()) == [200] * 60


def test_a_failing_sender_mutes_neither_the_source_nor_other_senders(narrow):
    server, store = narrow
    made = Tenant(server, store)
    source_secrets = server.source_secrets(store)
    source = source_secrets.create(made.id, "mist", clock.now(), secret="s3cret").source
    made.client.close()
    url = f"{server.address}/v1/sources/{source.id}"
    body = b'{"topic":"zone","events":[]}'
    good = {"X-Mist-Signature-v2": mist.sign("s3cret", body)}
    stranger = httpx2.HTTPTransport(local_address="127.0.0.2")
    with httpx2.Client(transport=stranger) as client:
        wrong = [client.post(url, content=body).status_code for _ in range(40)]
    assert set(wrong) == {401, 429}
    with httpx2.Client() as client:
        right = [client.post(url, content=body, headers=good) for _ in range(31)]
    statuses = [answer.status_code for answer in right]
    assert statuses[:30] == [204] * 30
    assert statuses[30] in (204, 429)  # its own share, which is refilled meanwhile


def start_token_threads():
    """Start the threads that check tokens, which then stay."""
    all_started = threading.Barrier(tokens.THREADS)
    list(tokens._threads.map(lambda _: all_started.wait(), range(tokens.THREADS)))


@pytest.mark.exhaustive
@pytest.mark.long
def test_limits_start_no_thread_under_load(tmp_path, monkeypatch):
    """Requests, guesses and failed logins, some within the limits and some beyond."""
    store = open_sqlite(tmp_path / "footfall.db")
    tenants.create_organization(store, "Test", "one", clock.now())
    new = tenants.create_service(
        store, "one", Role.ORGANIZATION_MANAGER, ("events_read",), clock.now()
    )
    context = running_service.make_context(store, "a secret", Limiter(1, 20))
    token = context.tokens.login(new.client_key, new.client_secret, clock.now())
    allowed = {"Authorization": f"Bearer {token}"}
    wrong = {"clientKey": "ck-nobody", "clientSecret": "x"}
    started, real = list[str](), threading.Thread.start

    def start(thread):
        started.append(thread.name)
        real(thread)

    def requests(client):
        for number in range(60):
            yield client.get("/v1/organizations/one/events", headers=allowed)
            yield client.get(f"/v1/sources/{number}")
            yield client.post("/v1/sts/login/services", json=wrong)

    async def loads(count):
        pool = ThreadPoolExecutor(2, "work")
        asyncio.get_running_loop().set_default_executor(pool)
        transport = httpx2.ASGITransport(app.build(context))  # type: ignore[arg-type]
        async with httpx2.AsyncClient(transport=transport, base_url="http://x") as one:
            return [await asyncio.gather(*requests(one)) for _ in range(count)]

    start_token_threads()
    monkeypatch.setattr(threading.Thread, "start", start)
    with structlog.testing.capture_logs():
        answers = asyncio.run(loads(3))
    store.close()
    assert {one.status_code for load in answers for one in load} == {200, 401, 404, 429}
    # The two of the pool, and the one that asyncio ends the pool with.
    assert len(started) == 3, started


CANARIES = {
    "mail": "canary@example.org",
    "phone": "5550199canary",
    "mac": "AA:BB:CC:DD:EE:0F",
    "name": "canary-customer-0451",
    "method": "CANARY0451",
    "secret": "canary-secret-0451",
}


def test_no_secret_and_no_personal_data_is_in_a_log_or_a_metric(tmp_path):
    """Send canaries on every path, right and wrong; then search the log."""
    path = tmp_path / "footfall.db"
    store = service.open_store(settings.Settings(store=f"sqlite:{path}"))
    server = start_server(path)
    made = Tenant(server, store)
    token = made.client.headers["Authorization"].split()[1]
    person = event(
        customerId=CANARIES["name"],
        event={"type": "send_email", "email": {"email": CANARIES["mail"]}},
        device=CANARIES["mac"],
        phone=CANARIES["phone"],
    )
    base = f"/v1/organizations/{made.id}"
    made.client.post(f"{base}/locations", json={"id": "one", "name": "One"})
    login = {"email": CANARIES["mail"], "device": CANARIES["mac"], "location": "one"}
    secret = settings.signing_secret(settings.Settings(store=f"sqlite:{path}"))
    source_secrets = service.source_secrets(store, secret)
    source = source_secrets.create(
        made.id, "meraki", clock.now(), secret=CANARIES["secret"], validator="v"
    ).source
    meraki: dict[str, object] = {
        "version": "3.0",
        "type": "WiFi",
        "secret": CANARIES["secret"],
    }
    meraki["data"] = {"observations": [{"clientMac": CANARIES["mac"]}]}
    bad = json.dumps(person).replace("send_email", CANARIES["mail"])
    calls = [
        ("POST", f"{base}/events", json.dumps(person)),
        ("POST", f"{base}/events", bad),
        ("POST", f"{base}/events", f"{{broken {CANARIES['phone']}"),
        ("GET", f"{base}/events?size={CANARIES['mail']}", None),
        ("GET", f"{base}/events?scrollId={CANARIES['mac']}", None),
        ("GET", f"{base}/customers/{CANARIES['name']}/events", None),
        ("GET", f"{base}/customers/{CANARIES['mail']}/events", None),
        ("GET", f"/nowhere/{CANARIES['mail']}?token={token}", None),
        ("PUT", f"/healthz?{CANARIES['name']}", None),
        (CANARIES["method"], "/healthz", None),
        ("DELETE", f"{base}/customers/{CANARIES['name']}", None),
        (
            "POST",
            "/v1/sts/login/services",
            '{"clientKey":"k","clientSecret":"s3cret!"}',
        ),
        ("POST", f"{base}/logins", json.dumps(login)),
        ("POST", f"{base}/logins", json.dumps(login | {"location": "nowhere"})),
        ("POST", f"{base}/observations", json.dumps({"device": CANARIES["mac"]})),
        ("POST", f"{base}/customers", json.dumps({"email": CANARIES["mail"]})),
        ("POST", f"{base}/customers", json.dumps({"phone": CANARIES["name"]})),
        ("POST", f"/v1/sources/{source.id}", json.dumps(meraki)),
        ("POST", f"/v1/sources/{CANARIES['mail']}", json.dumps(meraki)),
        ("GET", f"/v1/locations/{CANARIES['name']}", None),
        ("POST", "/v1/sts/logout", None),
        ("GET", f"{base}/events", None),
    ]
    for method, url, body in calls:
        made.client.request(method, url, content=body)
    metrics = made.client.get("/metrics").text
    made.client.close()
    stop_server(server)
    store.close()
    log = (tmp_path / "log").read_text()
    lines = [json.loads(line) for line in log.splitlines()]
    assert len(lines) >= len(calls)
    assert all(re.fullmatch("[0-9a-f]{32}", line["request_id"]) for line in lines)
    for canary in (*CANARIES.values(), token, "s3cret!"):
        assert canary not in log
        assert canary not in metrics


def test_a_problem_and_its_log_line_have_the_callers_request_id(server):
    header = {"X-Request-ID": "caller-0451"}
    answer = httpx2.get(f"{server.address}/nowhere", headers=header)
    assert answer.headers["X-Request-ID"] == "caller-0451"
    assert answer.json()["requestId"] == "caller-0451"
    found: list[str] = []
    while not found:  # a line is written once its answer has gone out
        httpx2.get(f"{server.address}/healthz")
        log = server.log.splitlines()
        found = [text for text in log if "caller-0451" in text]
    line = json.loads(found[0])
    assert (line["status"], line["method"]) == (404, "GET")
