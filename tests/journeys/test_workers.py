"""Workers of one address are one server, on each engine.

The tests need their order: after the kill, one worker serves alone for a while.
"""

import os
import re
import secrets
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from footfall.core.access import Role
from tests.conftest import Tenant, event, start_server, stop_server

RATE = {"FOOTFALL_RATE": "1", "FOOTFALL_BURST": "40"}


@pytest.fixture(scope="module")
def workers(server):
    """Two workers beside the server of all tests; the last test here stops them."""
    started = start_server(server.chosen, "--workers", "2", **RATE)
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
