"""How many messages a second a server delivers to one fast endpoint, on this machine.

A server, a sender of events and a receiver share the cores. Printed is how many events
arrived, and how long after their commits.
Options: `--events N` (default 10,000), `--rate N` events a second (default 1,000),
`--dead N` endpoints that never answer beside it, `--store postgresql://…`.
"""

import argparse
import asyncio
import contextlib
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import msgspec

from footfall import clock, service, settings
from footfall.core.access import Role
from footfall.flows.accounts import tenants

_ID = re.compile(rb'"id":"(\w+)"')
BATCH = 50
WITHIN_S = 120
# When each event came, by its id.
CAME: dict[bytes, float] = {}


class Receiver(asyncio.Protocol):
    """Answers 200 as cheaply as it can, and notes when each event came."""

    def connection_made(self, transport):
        self.transport, self.data = transport, b""

    def data_received(self, data):
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            head = self.data[:end].lower()
            at = head.find(b"content-length:") + 15
            size = end + 4 + int(head[at:].split(b"\r\n", 1)[0])
            if len(self.data) < size:
                return
            body, self.data = self.data[end + 4 : size], self.data[size:]
            CAME.setdefault(_ID.search(body)[1], time.monotonic())
            self.transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")


class Silent(asyncio.Protocol):
    """Never answers."""


def listen(protocol) -> int:
    ready, ports = threading.Event(), []

    def run():
        async def serve():
            loop = asyncio.get_running_loop()
            server = await loop.create_server(protocol, "127.0.0.1", 0)
            ports.append(server.sockets[0].getsockname()[1])
            ready.set()
            await server.serve_forever()

        asyncio.run(serve())

    threading.Thread(target=run, daemon=True).start()
    ready.wait()
    return ports[0]


def event(number: int) -> dict:
    return {
        "customerId": f"guest-{number % 1000}",
        "event": {"type": "login", "id": f"{number:032x}l"},
        "where": {"locationId": "venue", "locationName": "Venue", "hotspotId": "h1"},
        "when": {
            "createdAt": "2026-05-01T10:00:00Z",
            "createdAtLocal": "2026-05-01T12:00:00Z",
            "timezone": "Europe/Rome",
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--rate", type=int, default=1_000)
    parser.add_argument("--dead", type=int, default=0)
    parser.add_argument("--store")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run(chosen, chosen.store or f"sqlite:{Path(folder) / 'footfall.db'}")


@contextlib.contextmanager
def served(url: str) -> Iterator[tuple[str, int]]:
    """Run a server; yields its address and its process id."""
    os.environ.update(
        FOOTFALL_WEBHOOK_ALLOW="127.0.0.1",
        FOOTFALL_SECRET="a secret of the bench that is long enough",
        FOOTFALL_RATE="100000",
        FOOTFALL_RADIUS_PORT="0",
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "footfall", "serve", "--store", url, "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield re.findall(r"http://\S+", process.stdout.readline())[0], process.pid
    finally:
        process.terminate()
        process.wait()


def log_in(address: str, url: str, organization: str) -> httpx2.Client:
    store = service.open_store(settings.load(os.environ, store=url))
    tenants.create_organization(store, "Bench", organization, clock.now())
    scopes = ("organization_read", "organization_write")
    made = tenants.create_service(
        store, organization, Role.ORGANIZATION_MANAGER, scopes, clock.now()
    )
    store.close()
    client = httpx2.Client(base_url=address, timeout=60)
    credentials = {"clientKey": made.client_key, "clientSecret": made.client_secret}
    answer = client.post("/v1/sts/login/services", json=credentials)
    client.headers["Authorization"] = answer.headers["Authorization"]
    return client


def send(client: httpx2.Client, path: str, chosen: argparse.Namespace) -> dict:
    """Send the events at their rate; returns when each was committed."""
    sent, began = {}, time.monotonic()
    for first in range(0, chosen.events, BATCH):
        time.sleep(max(began + first / chosen.rate - time.monotonic(), 0))
        some = range(first, first + BATCH)
        body = msgspec.json.encode([event(number) for number in some])
        client.post(path, content=body).raise_for_status()
        now = time.monotonic()
        sent.update((f"{number:032x}l".encode(), now) for number in some)
    while len(CAME) < chosen.events and time.monotonic() - began < WITHIN_S:
        time.sleep(0.05)
    return sent


def run(chosen: argparse.Namespace, url: str) -> None:
    with served(url) as (address, pid):
        path = f"/v1/organizations/bench-{pid}"
        client = log_in(address, url, f"bench-{pid}")
        for port in (listen(Receiver), *(listen(Silent) for _ in range(chosen.dead))):
            hook = {"url": f"http://127.0.0.1:{port}/"}
            client.post(f"{path}/webhooks", json=hook).raise_for_status()
        time.sleep(2)  # until the server knows of them
        cpu = process_cpu(pid)
        sent = send(client, f"{path}/events", chosen)
        cpu = process_cpu(pid) - cpu
    took = max(CAME.values()) - min(sent.values())
    late = sorted(CAME[one] - sent[one] for one in CAME)
    p95 = late[int(len(late) * 0.95)]
    print(
        f"webhooks: {len(late):,} of {chosen.events:,} events in {took:.1f} s: "
        f"{len(late) / took:,.0f} a second; after the commit p50 "
        f"{statistics.median(late) * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms; "
        f"the server used {cpu / took:.2f} cores"
    )


def process_cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
