"""A consumer that may be killed at any moment: it keeps its position with what it has.

Run as `python -m tests.proof.consumer KIND STATE URL TOKEN ADDRESS…`, for a receiver
of webhooks as `… webhook STATE PORT SECRET`. Each line of the state file is a position
and the events up to it, so both are there or neither is. A receiver's is an id.
"""

import contextlib
import itertools
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
from standardwebhooks import Webhook

Event = dict[str, Any]
# A position, and the events that lead to it.
Step = tuple[str, list[Event]]


class State:
    """What a consumer has: a position, and events by their ids, less the withdrawn."""

    def __init__(self, path: Path):
        self.position: str | None = None
        self.events: dict[str, Event] = {}
        self._gone: set[str] = set()
        self._path = path
        with contextlib.suppress(FileNotFoundError):
            # A line without its end was being written when the process was killed.
            whole = path.read_bytes().rpartition(b"\n")[0]
            for line in whole.splitlines():
                self._apply(*json.loads(line))

    def _apply(self, position: str, events: list[Event]) -> None:
        self.position = position
        for one in events:
            name = one["event"]["id"]
            if one["event"].get("withdrawn"):
                # A message may overtake that of the event that it withdraws.
                self._gone.add(name)
                self.events.pop(name, None)
            elif name not in self._gone:
                self.events[name] = one

    @contextlib.contextmanager
    def writing(self) -> Iterator[Callable[[Step], None]]:
        """Yield what writes a step down, at once."""
        whole = self._path.read_bytes() if self._path.exists() else b""
        with self._path.open("r+b" if whole else "wb") as file:
            file.truncate(whole.rfind(b"\n") + 1)
            file.seek(0, os.SEEK_END)

            def write(step: Step) -> None:
                file.write(json.dumps(step).encode() + b"\n")
                file.flush()

            yield write


def synced(
    client: httpx2.Client, addresses: list[str], path: str, position: str | None
) -> Iterator[Step]:
    """Read pages by arrival, each from whichever server answers."""
    for address in itertools.cycle(addresses):
        more = {"scrollId": position} if position else {"enableScroll": "true"}
        parameters = {"sortBy": "receivedTime", **more}
        try:
            answer = client.get(address + path, params=parameters)
        except httpx2.TransportError:
            continue
        if answer.status_code == 200:
            page = answer.json()
            position = page["scrollId"]
            yield str(position), page["events"]


def streamed(
    client: httpx2.Client, addresses: list[str], path: str, position: str | None
) -> Iterator[Step]:
    """Follow the live stream of whichever server answers."""
    position = position or "0"
    for address in itertools.cycle(addresses):
        with contextlib.suppress(httpx2.TransportError):
            parameters = {"after": position}
            url = f"{address}{path}/stream"
            with client.stream("GET", url, params=parameters) as answer:
                fields: dict[str, str] = {}
                for line in answer.iter_lines():
                    name, _, value = line.partition(": ")
                    fields[name] = value
                    if not line and "data" in fields:
                        position = fields["id"]
                        yield position, [json.loads(fields["data"])]
                    if not line:
                        fields = {}


def receive(port: int, secret: str, write: Callable[[Step], None]) -> None:
    """Take webhooks; each is written down before it is acknowledged."""
    signed = Webhook(secret)
    one_by_one = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            message = signed.verify(body, dict(self.headers))
            with one_by_one:
                write((self.headers["webhook-id"], [message["data"]]))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    ThreadingHTTPServer.allow_reuse_address = True
    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        server.serve_forever()


def main() -> None:
    kind, state, *rest = sys.argv[1:]
    kept = State(Path(state))
    with kept.writing() as write:
        if kind == "webhook":
            receive(int(rest[0]), rest[1], write)
        path, token, *addresses = rest
        follow = {"sync": synced, "stream": streamed}[kind]
        with httpx2.Client(headers={"Authorization": token}, timeout=30) as client:
            for step in follow(client, addresses, path, kept.position):
                write(step)


if __name__ == "__main__":
    main()
