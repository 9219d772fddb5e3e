"""Strangers: RADIUS packets of unknown senders, while others read, send and log in."""

import contextlib
import os
import re
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import msgspec

from footfall import clock, service, settings
from tests.conftest import Server, Tenant, event, start_server, stop_server
from tests.sources.equipment import accounting_request

BURSTS_A_SECOND = 100


class Outcome(msgspec.Struct):
    """What the strangers sent, and how others fared meanwhile."""

    seconds: float = 0.0
    sent: int = 0
    counted: int = 0
    asked: int = 0
    unanswered: int = 0
    requests: int = 0
    failed: int = 0
    longest_ms: float = 0.0


def flood(folder: Path, sources: int, a_second: int, seconds: float) -> Outcome:
    """Send packets that no source made, beside a NAS and a bystander."""
    path = folder / "footfall.db"
    chosen = settings.Settings(store=f"sqlite:{path}")
    store = service.open_store(chosen)
    server = start_server(path)
    tenant = Tenant(server, store, secrets.token_hex(8))
    source_secrets = service.source_secrets(store, settings.signing_secret(chosen))
    made = [
        source_secrets.create(tenant.id, "radius", clock.now()) for _ in range(sources)
    ]
    store.close()
    outcome, over = Outcome(), threading.Event()
    secret = made[sources // 2].secret.encode()
    others = (
        lambda: strange(outcome, server, a_second, over),
        lambda: account(outcome, server, secret, over),
    )
    try:
        with meanwhile(over, *others):
            stand_by(outcome, tenant, seconds)
        outcome.counted = dropped(server)
    finally:
        tenant.client.close()
        stop_server(server)
    return outcome


@contextlib.contextmanager
def meanwhile(over: threading.Event, *others: Callable[[], None]) -> Iterator[None]:
    """Run others in threads until the block ends."""
    threads = [threading.Thread(target=other) for other in others]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def stand_by(outcome: Outcome, tenant: Tenant, seconds: float) -> None:
    """Read a small page and send a small event, again and again; note each wait."""
    began = time.monotonic()
    tenant.send([event()])
    while outcome.seconds < seconds:
        for ask in (lambda: tenant.send([event()]), lambda: tenant.read(size=20)):
            asked = time.perf_counter()
            answer = ask()
            waited = (time.perf_counter() - asked) * 1000
            outcome.requests += 1
            outcome.failed += answer.status_code not in (200, 201)
            outcome.longest_ms = max(outcome.longest_ms, waited)
        time.sleep(0.01)
        outcome.seconds = time.monotonic() - began


def strange(
    outcome: Outcome, server: Server, a_second: int, over: threading.Event
) -> None:
    """Send packets with unknown secrets at a steady rate."""
    packets = [accounting_request(os.urandom(16), number) for number in range(64)]
    each = a_second // BURSTS_A_SECOND
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.66", 0))
        began = time.monotonic()
        while not over.is_set():
            for _ in range(each):
                packet = packets[outcome.sent % len(packets)]
                stranger.sendto(packet, ("127.0.0.1", server.radius_port))
                outcome.sent += 1
            over.wait(began + outcome.sent / a_second - time.monotonic())


def account(
    outcome: Outcome, server: Server, secret: bytes, over: threading.Event
) -> None:
    """Act as a NAS: send each packet until it is answered, at most three times."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nas:
        nas.settimeout(2)
        while not over.wait(0.1):
            outcome.asked += 1
            packet = accounting_request(secret, outcome.asked)
            for _ in range(3):
                nas.sendto(packet, ("127.0.0.1", server.radius_port))
                with contextlib.suppress(TimeoutError):
                    nas.recv(4096)
                    break
            else:
                outcome.unanswered += 1


def dropped(server: Server) -> int:
    """Return how many packets the server counted as refused or slowed."""
    text = httpx2.get(f"{server.address}/metrics").text
    pattern = r'footfall_radius_packets_total\{result="(?:refused|slowed)"\} (\S+)'
    return int(sum(map(float, re.findall(pattern, text))))
