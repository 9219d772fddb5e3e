"""A server that speaks as the original does, on the worst of its days.

Its scrolls are its own memory: they expire after some requests, and a page that was
given is gone, whether it arrived or not. It answers 429, and drops connections.
"""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

TOKEN = "a.b.c"


class Original(msgspec.Struct):
    """What it has, and how it behaves; counters count requests for events.

    Attributes:
        events: What it has.
        expires_after: A scroll gives so many pages.
        expired: What an expired scroll answers: a status, or 200 for an empty page.
        drops_every: Each so manyth answer breaks off half way.
        limits_every: Each so manyth request gets a 429 instead.
        refuses_token_at: At this request the token is not valid any more.
        suspended_from: From this request on the account may do nothing.
    """

    events: list[dict[str, Any]]
    expires_after: int = 10**9
    expired: int = 404
    drops_every: int = 0
    limits_every: int = 0
    refuses_token_at: int = 0
    suspended_from: int = 10**9
    address: str = ""
    requests: int = 0
    logins: int = 0
    paths: list[str] = []
    scrolls: dict[str, list[Any]] = {}

    def page(self, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if "scrollId" in asked:
            return self._next(asked["scrollId"])
        found = [
            one
            for one in self.events
            if asked.get("dateStart", "")
            <= one["when"]["createdAt"]
            <= asked.get("dateEnd", "9")
            and one["event"]["type"] in asked.get("events", one["event"]["type"])
        ]
        key = "createdAt" if asked.get("sortBy") == "utcTime" else "createdAtLocal"
        found.sort(key=lambda one: one["when"][key])
        size = int(asked.get("size", 20))
        if asked.get("enableScroll") != "true":
            return 200, answer(found[:size])
        scroll = f"scroll-{len(self.scrolls)}"
        self.scrolls[scroll] = [found, size, self.expires_after]
        return self._next(scroll)

    def _next(self, scroll: str) -> tuple[int, dict[str, Any]]:
        found, size, left = self.scrolls[scroll]
        if not left:
            if self.expired == 200:
                return 200, answer([])
            return self.expired, {"status": "KO", "message": "Scroll not found"}
        self.scrolls[scroll] = [found[size:], size, left - 1]
        return 200, answer(found[:size]) | {"scrollId": scroll}


def answer(events: list[dict[str, Any]]) -> dict[str, Any]:
    return {"generated": "2022-11-15T15:50:54Z", "count": len(events), "events": events}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet an answer
    original: Original

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.original.logins += 1
        self._answer(200, {"token": TOKEN})

    def do_GET(self) -> None:
        server = self.original
        server.requests += 1
        # `self.path` has only one of the slashes.
        server.paths.append(self.requestline.split()[1])
        asked = {
            name: values[0]
            for name, values in parse_qs(urlsplit(self.path).query).items()
        }
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._answer(403, {"status": "KO", "message": "Token invalid"})
        elif server.requests == server.refuses_token_at:
            self._answer(403, {"status": "KO", "message": "Token expired"})
        elif server.requests >= server.suspended_from:
            self._answer(403, {"status": "KO", "message": "Account suspended"})
        elif server.limits_every and not server.requests % server.limits_every:
            self._answer(429, {"message": "Slow down"}, {"Retry-After": "7"})
        else:
            status, body = server.page(asked)
            drops = server.drops_every and not server.requests % server.drops_every
            self._answer(status, body, cut=bool(drops))

    def _answer(
        self,
        status: int,
        body: dict[str, Any],
        headers: dict[str, str] | None = None,
        *,
        cut: bool = False,
    ) -> None:
        sent = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(sent)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(sent[: len(sent) // 2] if cut else sent)
        if cut:
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


@contextlib.contextmanager
def serving(original: Original) -> Iterator[Original]:
    handler = type("Handler", (_Handler,), {"original": original})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    original.address = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield original
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
