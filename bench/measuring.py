"""A bare client, and how long calls take; what is compared takes turns."""

import gc
import itertools
import re
import socket
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit


class Connection:
    """A bare HTTP/1.1 client: it must cost less than what it measures."""

    def __init__(self, address: str, token: str):
        parts = urlsplit(address)
        assert parts.hostname
        self.socket = socket.create_connection((parts.hostname, parts.port or 80))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.head = f"Host: bench\r\nAuthorization: Bearer {token}\r\n"

    def request(
        self, path: str, body: bytes | None = None, *, method: str = "GET"
    ) -> bytes:
        if body is None:
            data = f"{method} {path} HTTP/1.1\r\n{self.head}\r\n".encode()
        else:
            kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            data = f"POST {path} HTTP/1.1\r\n{self.head}{kind}\r\n".encode() + body
        self.socket.sendall(data)
        answer = bytearray()
        while (end := answer.find(b"\r\n\r\n")) < 0:
            received = self.socket.recv(1 << 20)
            assert received, "the server closed the connection, idle for too long"
            answer += received
        assert answer[9:12] in (b"200", b"201"), bytes(answer)
        head = bytes(answer[:end]).lower()
        if b"transfer-encoding: chunked" in head:
            return self._chunks(answer[end + 4 :])
        [length] = re.findall(rb"content-length: (\d+)", head)
        size = end + 4 + int(length)
        rest = bytearray(size)
        have = len(answer)
        rest[:have] = answer
        view = memoryview(rest)
        while have < size:
            have += self.socket.recv_into(view[have:])
        return bytes(view[end + 4 :])

    def _chunks(self, received: bytearray) -> bytes:
        chunks = []
        while True:
            while (line := received.find(b"\r\n")) < 0:
                received += self.socket.recv(1 << 20)
            size = int(received[:line], 16)
            end = line + 2 + size
            while len(received) < end + 2:
                received += self.socket.recv(1 << 20)
            if size == 0:
                return b"".join(chunks)
            chunks.append(bytes(received[line + 2 : end]))
            del received[: end + 2]


def in_turns(times: int, *calls: Callable[[], object]) -> list[float]:
    """Return the median seconds of each call, taking turns so that noise is shared."""
    return [statistics.median(each) for each in timed(times, *calls)]


def timed(times: int, *calls: Callable[[], object]) -> list[list[float]]:
    """Return the seconds of each call, each time."""
    took: list[list[float]] = [[] for _ in calls]
    gc.disable()
    for call in calls:
        call()
    for _ in range(times):
        for number, call in enumerate(calls):
            began = time.perf_counter()
            call()
            took[number].append(time.perf_counter() - began)
    gc.enable()
    return took


def rate(
    address: str, token: str, paths: list[str], seconds: float, connections: int
) -> float:
    """Return requests a second over some connections at once."""
    counts = [0] * connections
    end = time.perf_counter() + seconds

    def work(number: int) -> None:
        connection = Connection(address, token)
        for path in itertools.cycle(paths):
            if time.perf_counter() >= end:
                return
            connection.request(path)
            counts[number] += 1

    run_all([threading.Thread(target=work, args=(n,)) for n in range(connections)])
    return sum(counts) / seconds


def run_all(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def peak_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1024
