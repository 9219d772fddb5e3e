"""Workers of one address are one server, on each engine.

The tests need their order: after the kill, one worker serves alone for a while.
"""

import contextlib
import os
import re
import secrets
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from footfall import clock
from footfall.core.access import Role
from tests.conftest import Tenant, event, start_server, stop_server
from tests.receiver import Receiver
from tests.sources.equipment import accounting_request
from tests.web.test_streams import data, streaming

SETTINGS = {
    "FOOTFALL_RATE": "1",
    "FOOTFALL_BURST": "40",
    "FOOTFALL_WEBHOOK_ALLOW": "127.0.0.1",
}


@pytest.fixture(scope="module")
def workers(server):
    """Two workers beside the server of all tests; the last test here stops them."""
    started = start_server(server.chosen, "--workers", "2", **SETTINGS)
    yield started
    if started.process.poll() is None:
        stop_server(started)


def workers_of(server):
    """Return the ids of the processes that serve."""
    listed = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    return [
        int(pid)
        for pid in listed.read_text().split()
        if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def asks(url, count, **more):
    """Ask on connections of their own, so that the system spreads them over workers."""
    return [httpx2.get(url, **more) for _ in range(count)]


def healthz_counted(server):
    """Return how many requests to `/healthz` the metrics count, of all workers."""
    text = httpx2.get(f"{server.address}/metrics").text
    line = r"^footfall_requests_total{.*healthz.*} (.*)$"
    return [float(number) for number in re.findall(line, text, re.MULTILINE)]


def test_metrics_are_the_sum_of_all_workers(workers):
    asks(f"{workers.address}/healthz", 1)
    [before] = healthz_counted(workers)
    asks(f"{workers.address}/healthz", 20)
    assert healthz_counted(workers) == [before + 20]


def test_a_stream_at_either_worker_has_what_both_took_in(workers, server_store):
    tenant = Tenant(workers, server_store, secrets.token_hex(8))
    headers = {"Authorization": tenant.client.headers["Authorization"]}
    sent = {f"id-{number}" for number in range(8)}
    with contextlib.ExitStack() as stack:
        streams = []
        for _ in range(8):
            client = httpx2.Client(base_url=workers.address, headers=headers)
            stack.enter_context(client)
            streams.append(stack.enter_context(streaming(client, tenant.id)))
        assert [next(messages).id for messages in streams] == [0] * len(streams)
        for one in sent:
            url = workers.address + tenant.events_path
            httpx2.post(url, json=event(one), headers=headers).raise_for_status()
        for messages in streams:
            assert {one.event_id for one in data(messages, len(sent))} == sent
    tenant.client.close()


def test_a_webhook_gets_what_both_workers_took_in_once(workers, server_store):
    tenant = Tenant(workers, server_store, secrets.token_hex(8))
    headers = {"Authorization": tenant.client.headers["Authorization"]}
    with contextlib.closing(Receiver()) as receiver:
        path = f"/v1/organizations/{tenant.id}/webhooks"
        made = tenant.client.post(path, json={"url": receiver.url})
        assert made.status_code == 201, made.text
        for number in range(8):
            url = workers.address + tenant.events_path
            sent = event(f"id-{number}")
            httpx2.post(url, json=sent, headers=headers).raise_for_status()
        got = [one.event for one in receiver.wait_for(8)]
    assert sorted(got) == [f"id-{number}" for number in range(8)]
    tenant.client.close()


def test_one_worker_answers_radius(workers, server_store):
    tenant = Tenant(workers, server_store, secrets.token_hex(8))
    sources = workers.source_secrets(server_store)
    made = sources.create(tenant.id, "radius", clock.now(), networks=("127.0.0.1/32",))
    packet = accounting_request(made.secret.encode())
    assert radius_answer(workers, packet)[:1] == b"\x05"  # Accounting-Response
    tenant.client.close()


def radius_answer(server, packet):
    """Send a packet until it is answered, as a NAS does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(0.5)
        for _ in range(20):
            client.sendto(packet, ("127.0.0.1", server.radius_port))
            with contextlib.suppress(TimeoutError):
                return client.recv(4096)
    raise AssertionError("a NAS was not answered")


def test_a_rate_limit_holds_over_all_workers(workers, server_store):
    tenant = Tenant(workers, server_store, secrets.token_hex(8))
    client = tenant.login(Role.ORGANIZATION_MANAGER, ("organization_read",))
    headers = {"Authorization": client.headers["Authorization"]}
    url = workers.address + tenant.events_path
    answers = asks(url, 80, headers=headers)
    passed = sum(answer.status_code == 200 for answer in answers)
    client.close()
    tenant.client.close()
    assert 40 <= passed <= 60


def test_a_killed_worker_loses_nothing_acknowledged_and_is_started_again(
    workers, server_store
):
    tenant = Tenant(workers, server_store, secrets.token_hex(8))
    headers = {"Authorization": tenant.client.headers["Authorization"]}
    url = workers.address + tenant.events_path
    before = workers_of(workers)

    def send(number):
        body = {"events": [event(f"id-{number}")]}
        if number == 10:
            os.kill(before[0], signal.SIGKILL)
        try:
            answer = httpx2.post(url, json=body, headers=headers)
        except httpx2.TransportError:
            return None
        return f"id-{number}" if answer.status_code == 201 else None

    with ThreadPoolExecutor(4) as pool:
        sent = {one for one in pool.map(send, range(30)) if one}
    found = asks(url, 1, params={"size": 100}, headers=headers)[0].json()["events"]
    assert sent
    assert sent <= {one["event"]["id"] for one in found}
    log = (workers.folder / "log").read_text()
    assert "worker died and is started again" in log
    deadline = time.monotonic() + 10
    while len(workers_of(workers)) < 2:
        assert time.monotonic() < deadline
        asks(f"{workers.address}/healthz", 1)
    assert before[0] not in workers_of(workers)
    tenant.client.close()


def test_a_stop_ends_all_workers(workers):
    pids = workers_of(workers)
    assert len(pids) == 2
    assert stop_server(workers) == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
