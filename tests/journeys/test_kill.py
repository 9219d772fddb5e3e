"""A process that is killed keeps what it acknowledged."""

import itertools
import secrets
import threading
import time

import httpx2

from footfall import service, settings
from tests.conftest import Tenant, event, start_server, stop_server


def send_until_it_dies(tenant, acknowledged, batch=20):
    with httpx2.Client(headers=tenant.client.headers, timeout=10) as client:
        url = tenant.server.address + tenant.events_path
        for _ in itertools.count():
            made = [event() for _ in range(batch)]
            try:
                answer = client.post(url, json=made)
            except httpx2.HTTPError:
                return
            assert answer.status_code == 201
            acknowledged.extend(e["event"]["id"] for e in made)


def test_every_acknowledged_event_is_there_once_after_sigkill(tmp_path):
    path = tmp_path / "footfall.db"
    store = service.open_store(settings.Settings(store=f"sqlite:{path}"))
    server = start_server(path)
    tenant = Tenant(server, store, secrets.token_hex(8))
    store.close()
    acknowledged: list[str] = []
    for _ in range(3):
        before = len(acknowledged)
        threads = [
            threading.Thread(target=send_until_it_dies, args=(tenant, acknowledged))
            for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 20
        while len(acknowledged) < before + 200 and time.monotonic() < deadline:
            threads[0].join(0.01)
        server.process.kill()
        for thread in threads:
            thread.join()
        assert server.process.stdout is not None
        server.process.stdout.close()
        server.process.wait()
        server = tenant.server = start_server(path)
    tenant.client.close()
    url = server.address + tenant.events_path
    stored: list[str] = []
    parameters = {"size": "10000", "enableScroll": "true"}
    with httpx2.Client(headers=tenant.client.headers, timeout=30) as client:
        while True:
            page = client.get(url, params=parameters).json()
            if not page["count"]:
                break
            stored += [e["event"]["id"] for e in page["events"]]
            parameters = {"scrollId": page["scrollId"]}
    assert len(acknowledged) >= 600
    assert len(stored) == len(set(stored))
    assert set(acknowledged) <= set(stored)
    assert stop_server(server) == 0


def test_requests_under_way_are_finished_on_sigterm(tmp_path):
    path = tmp_path / "footfall.db"
    store = service.open_store(settings.Settings(store=f"sqlite:{path}"))
    server = start_server(path)
    tenant = Tenant(server, store, secrets.token_hex(8))
    answers = []

    def send():
        made = [event() for _ in range(5_000)]
        answers.append(tenant.send(made))

    thread = threading.Thread(target=send)
    thread.start()
    thread.join(0.3)
    began = time.monotonic()
    assert stop_server(server) == 0
    assert time.monotonic() - began < 5
    thread.join()
    assert [a.status_code for a in answers] == [201]
    tenant.client.close()
    store.close()
