"""Live streams: how late a thousand of them are, and what they cost in memory."""

import json
import resource
import secrets
import selectors
import socket
import threading
import time
from pathlib import Path
from typing import Any

import httpx2
import msgspec

STREAMS = 1_000
EVENTS = 40
PAUSE_S = 0.25


class Streamed(msgspec.Struct):
    """What was measured.

    Attributes:
        late_ms: From the answer to a send (so the commit) to its arrival at a client.
        server_mb: The server's memory with all streams open.
    """

    late_ms: list[float]
    server_mb: float

    def percentile(self, part: float) -> float:
        """Return below what so large a part of all is."""
        ordered = sorted(self.late_ms)
        return ordered[int(part * (len(ordered) - 1))]


def stream(address: str, token: str, organization: str, pid: int) -> Streamed:
    """Open the streams, send events one by one, and note when each arrives."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(STREAMS * 2, hard), hard))
    path = f"/v1/organizations/{organization}/events"
    committed_at: dict[bytes, float] = {}
    arrived_at: list[tuple[bytes, float]] = []
    with selectors.DefaultSelector() as selector:
        for _ in range(STREAMS):
            opened = _open(address, f"{path}/stream", token)
            selector.register(opened, selectors.EVENT_READ)
        reading = threading.Thread(target=_read, args=(selector, arrived_at))
        reading.start()
        with httpx2.Client(base_url=address) as client:
            for _ in range(EVENTS):
                name = secrets.token_hex(16) + "l"
                headers = {"Authorization": token}
                client.post(path, content=_event(name), headers=headers)
                committed_at[name.encode()] = time.perf_counter()
                time.sleep(PAUSE_S)
        memory = _memory_mb(pid)
        reading.join()
        for key in list(selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
    late = [max(0.0, (at - committed_at[name]) * 1000) for name, at in arrived_at]
    return Streamed(late, memory)


def _open(address: str, path: str, token: str) -> socket.socket:
    host, _, port = address.removeprefix("http://").partition(":")
    opened = socket.create_connection((host, int(port)))
    head = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {token}\r\n\r\n"
    opened.sendall(head.encode())
    received = b""
    while b"id: " not in received:
        received += opened.recv(65536)
    return opened


def _read(
    selector: selectors.BaseSelector, arrived_at: list[tuple[bytes, float]]
) -> None:
    """Note what arrives until all has; it must cost less than what it measures."""
    parts: dict[Any, bytes] = {}
    while len(arrived_at) < STREAMS * EVENTS:
        for key, _ in selector.select():
            now = time.perf_counter()
            received = parts.pop(key.fd, b"") + key.fileobj.recv(65536)  # type: ignore[union-attr]
            *whole, rest = received.split(b"\n\n")
            if rest:
                parts[key.fd] = rest
            arrived_at += [
                (one.partition(b'"id":"')[2][:33], now)
                for one in whole
                if b"data: " in one
            ]


def _event(name: str) -> str:
    return json.dumps({"customerId": "guest", "event": {"type": "login", "id": name}})


def _memory_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024
