"""Crowds: connections that trickle, that never read, or that come all at once."""

import asyncio
import contextlib
import re
import resource
import secrets
import time
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from footfall import service, settings
from tests.conftest import Tenant, event, start_server, stop_server


class Outcome(msgspec.Struct):
    """How good requests fared, and how much memory the server used."""

    connections: int
    requests: int = 0
    failed: int = 0
    p99_ms: float = 0.0
    peak_mb: float = 0.0


class ServedStore:
    """A server, and a tenant with some events."""

    def __init__(self, folder: Path, events: int = 100):
        path = folder / "footfall.db"
        store = service.open_store(settings.Settings(store=f"sqlite:{path}"))
        self.server = start_server(
            path, FOOTFALL_RATE="100000", FOOTFALL_BURST="1000000"
        )
        self.tenant = Tenant(self.server, store, secrets.token_hex(8))
        store.close()
        for _ in range(0, events, 100):
            self.tenant.send([event(pad="x" * 400) for _ in range(100)])
        parts = urlsplit(self.server.address)
        self.host, self.port = str(parts.hostname), int(parts.port or 80)
        authorization = self.tenant.client.headers["Authorization"]
        self.head = f"Host: x\r\nAuthorization: {authorization}\r\n"
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    def close(self) -> None:
        self.tenant.client.close()
        stop_server(self.server)

    def peak_mb(self) -> float:
        status = Path(f"/proc/{self.server.process.pid}/status").read_text()
        return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1024

    def get(self, size: int) -> bytes:
        path = f"{self.tenant.events_path}?size={size}"
        return f"GET {path} HTTP/1.1\r\n{self.head}\r\n".encode()


async def trickle(place: ServedStore, number: int, until: float) -> None:
    """Send a request a byte every 2 s: half its head, half its body."""
    text = f"POST {place.tenant.events_path} HTTP/1.1\r\n{place.head}"
    text += "Content-Length: 1000\r\n\r\n" if number % 2 else ""
    with contextlib.suppress(OSError):
        _, writer = await asyncio.open_connection(place.host, place.port)
        writer.write(text.encode())
        while time.monotonic() < until:
            writer.write(b"[")
            await writer.drain()
            await asyncio.sleep(2)
        writer.close()


async def ask(
    place: ServedStore, outcome: Outcome, until: float, took: list[float]
) -> None:
    """Make good requests, one after the other, on new connections."""
    while time.monotonic() < until:
        began = time.perf_counter()
        outcome.requests += 1
        try:
            reader, writer = await asyncio.open_connection(place.host, place.port)
            writer.write(
                place.get(20).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
            )
            answer = await asyncio.wait_for(reader.read(), 20)
            writer.close()
            outcome.failed += not answer.startswith(b"HTTP/1.1 200")
        except (OSError, TimeoutError):
            outcome.failed += 1
        took.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(0.05)


async def tricklers(place: ServedStore, connections: int, seconds: float) -> Outcome:
    """Measure good requests while many trickle."""
    outcome, took = Outcome(connections), list[float]()
    until = time.monotonic() + seconds
    trickling = []
    for number in range(connections):
        trickling.append(asyncio.create_task(trickle(place, number, until)))
        if number % 50 == 0:
            await asyncio.sleep(0.02)
    await asyncio.gather(
        *(ask(place, outcome, until, took) for _ in range(3)), *trickling
    )
    outcome.p99_ms = sorted(took)[int(len(took) * 0.99)]
    outcome.peak_mb = place.peak_mb()
    return outcome


async def all_at_once(place: ServedStore, connections: int) -> Outcome:
    """Ask on many connections at the same moment."""
    outcome = Outcome(connections)

    async def one() -> None:
        outcome.requests += 1
        try:
            reader, writer = await asyncio.open_connection(place.host, place.port)
            writer.write(place.get(20))
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
            outcome.failed += not head.startswith(b"HTTP/1.1 200")
            writer.close()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            outcome.failed += 1

    await asyncio.gather(*(one() for _ in range(connections)))
    outcome.peak_mb = place.peak_mb()
    return outcome


async def never_reading(
    place: ServedStore, connections: int, seconds: float
) -> Outcome:
    """Ask for the largest page on many connections and never read it."""
    outcome, took = Outcome(connections), list[float]()
    writers = []
    for _ in range(connections):
        _, writer = await asyncio.open_connection(place.host, place.port, limit=1024)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(place.get(10_000))
        writers.append(writer)
    until = time.monotonic() + seconds
    await ask(place, outcome, until, took)
    for writer in writers:
        writer.transport.abort()
    outcome.p99_ms = sorted(took)[int(len(took) * 0.99)]
    outcome.peak_mb = place.peak_mb()
    return outcome


async def stalled_streams(
    place: ServedStore, connections: int, seconds: float
) -> Outcome:
    """Follow the log from its beginning on many connections, and read nothing.

    `failed` counts those that were not cut off. The log has 20 MB, for the system alone
    takes up to 4 MB of an answer that nobody reads.
    """
    outcome = Outcome(connections)
    for _ in range(40):
        place.tenant.send([event(pad="x" * 5_000) for _ in range(100)])
    path = f"{place.tenant.events_path}/stream?after=0"
    request = f"GET {path} HTTP/1.1\r\n{place.head}\r\n".encode()
    opened = []
    for _ in range(connections):
        reader, writer = await asyncio.open_connection(
            place.host, place.port, limit=1024
        )
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(request)
        opened.append((reader, writer))
    await asyncio.sleep(seconds)
    outcome.peak_mb = place.peak_mb()
    for reader, writer in opened:
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        with contextlib.suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(2):
                await reader.read()  # what the system had; then the end
                writer.close()
                continue
        outcome.failed += 1
        writer.close()
    return outcome


async def silent(place: ServedStore, connections: int) -> Outcome:
    """Send half an HTTP/2 preface on many connections, then ask for health."""
    outcome, took = Outcome(connections), list[float]()
    writers = []
    for _ in range(connections):
        _, writer = await asyncio.open_connection(place.host, place.port)
        writer.write(b"PRI * HTTP/2.0\r\n\r\nSM")
        writers.append(writer)
    began = time.perf_counter()
    outcome.requests += 1
    try:
        reader, writer = await asyncio.open_connection(place.host, place.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 30)
        outcome.failed += not answer.startswith(b"HTTP/1.1 200")
        writer.close()
    except (OSError, TimeoutError):
        outcome.failed += 1
    took.append((time.perf_counter() - began) * 1000)
    for writer in writers:
        writer.transport.abort()
    outcome.p99_ms = max(took)
    return outcome
