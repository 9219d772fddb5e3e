"""Kills and stops of the real server under load; the clients send again."""

import secrets
import threading
import time
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from footfall import service, settings
from tests.conftest import Server, Tenant, event, start_server, stop_server

SENDERS = 3
BATCH = 20


class Outcome(msgspec.Struct):
    """The results of some rounds."""

    rounds: int = 0
    sent: int = 0
    missing: int = 0
    surplus: int = 0
    cut_off: int = 0
    slowest_stop_s: float = 0.0


class Sender(threading.Thread):
    """Sends batches, and each again until it is acknowledged."""

    def __init__(self, tenant: Tenant):
        super().__init__()
        self.tenant = tenant
        self.address = tenant.server.address
        self.acknowledged: list[str] = []
        self.waiting: list[dict[str, Any]] | None = None
        self.cut_off = 0

    def run(self) -> None:
        with httpx2.Client(headers=self.tenant.client.headers, timeout=20) as client:
            while True:
                self.waiting = self.waiting or [event() for _ in range(BATCH)]
                try:
                    answer = client.post(
                        self.address + self.tenant.events_path, json=self.waiting
                    )
                except httpx2.ConnectError:
                    return
                except httpx2.HTTPError:
                    self.cut_off += 1
                    return
                if answer.status_code != 201:
                    return
                self.acknowledged += [e["event"]["id"] for e in self.waiting]
                self.waiting = None


def run_rounds(folder: Path, rounds: int, *, graceful: bool) -> Outcome:
    """Load the server, kill or stop it, start it again; finally count the events."""
    path = folder / "footfall.db"
    store = service.open_store(settings.Settings(store=f"sqlite:{path}"))
    server = start_server(path, FOOTFALL_RATE="100000", FOOTFALL_BURST="1000000")
    tenant = Tenant(server, store, secrets.token_hex(8))
    store.close()
    outcome = Outcome(rounds=rounds)
    sent: list[str] = []
    waiting: list[list[dict[str, Any]] | None] = [None] * SENDERS
    for _ in range(rounds):
        senders = [Sender(tenant) for _ in range(SENDERS)]
        for sender, left in zip(senders, waiting, strict=True):
            sender.waiting = left
            sender.start()
        deadline = time.monotonic() + 20
        while (
            sum(len(s.acknowledged) for s in senders) < secrets.randbelow(150) + 50
            and time.monotonic() < deadline
        ):
            senders[0].join(0.005)
        outcome.slowest_stop_s = max(
            outcome.slowest_stop_s, end(server, graceful=graceful)
        )
        for sender in senders:
            sender.join()
        outcome.cut_off += sum(s.cut_off for s in senders)
        sent += [i for s in senders for i in s.acknowledged]
        waiting = [s.waiting for s in senders]
        server = tenant.server = start_server(path, FOOTFALL_BURST="1000000")
    tenant.client.close()
    stored = read_all(tenant)
    maybe = {e["event"]["id"] for left in waiting for e in left or []}
    stop_server(server)
    outcome.sent = len(sent)
    outcome.missing = len(set(sent) - set(stored))
    outcome.surplus = (
        len(stored) - len(set(stored)) + len(set(stored) - set(sent) - maybe)
    )
    return outcome


def end(server: Server, *, graceful: bool) -> float:
    """End the server; return the seconds that it took."""
    began = time.monotonic()
    if graceful:
        assert stop_server(server) == 0
    else:
        server.process.kill()
        assert server.process.stdout is not None
        server.process.stdout.close()
        server.process.wait()
    return time.monotonic() - began


def read_all(tenant: Tenant) -> list[str]:
    """Read all ids by a scroll."""
    url = tenant.server.address + tenant.events_path
    stored: list[str] = []
    parameters = {"size": "10000", "enableScroll": "true"}
    with httpx2.Client(headers=tenant.client.headers, timeout=60) as client:
        while True:
            page = client.get(url, params=parameters).json()
            if not page["count"]:
                return stored
            stored += [e["event"]["id"] for e in page["events"]]
            parameters = {"scrollId": page["scrollId"]}
