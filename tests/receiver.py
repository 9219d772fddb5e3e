"""A receiver of webhooks on loopback, which answers as a test wants."""

import asyncio
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from standardwebhooks import Webhook

from footfall.core.subscriptions import heading_of

Reply = tuple[int, dict[str, str], bytes]
OK: Reply = (200, {}, b"ok")


class Received(msgspec.Struct, frozen=True):
    """A request: when it came, its headers in lower case, its body."""

    at: float
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def value(self) -> Any:
        return json.loads(self.body)

    @property
    def event(self) -> str:
        return str(self.value["data"]["event"]["id"])

    def verify(self, secret: str) -> Any:
        return Webhook(secret).verify(self.body, self.headers)


class Receiver:
    """Takes requests on a thread of its own.

    `reply` says how each is answered; None hangs up.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.received: list[Received] = []
        self.reply: Callable[[Received], Reply | None] = lambda _: OK
        self._news = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def wait(self, until: Callable[[], bool], within_s: float = 20) -> None:
        """Wait until something holds, looking whenever a request came."""
        deadline = time.monotonic() + within_s
        with self._news:
            while not until():
                left = deadline - time.monotonic()
                assert left > 0, f"{len(self.received)} requests came"
                self._news.wait(min(left, 0.2))

    def wait_for(self, count: int) -> list[Received]:
        self.wait(lambda: len(self.received) >= count)
        return list(self.received)

    def events(self) -> Iterator[str]:
        """The ids of events that came and were answered well, and still hold."""
        held: dict[str, None] = {}
        for one in list(self.received):
            if self.reply(one) != OK:
                continue
            heading = heading_of(msgspec.json.encode(one.value["data"]))
            if heading.withdrawn:
                held.pop(heading.id, None)
            else:
                held[heading.id] = None
        return iter(held)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._tls)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                lines = [
                    line.partition(": ") for line in head.split("\r\n")[1:] if line
                ]
                headers = {name.lower(): value for name, _, value in lines}
                body = await reader.readexactly(int(headers["content-length"]))
                one = Received(time.monotonic(), headers, body)
                with self._news:
                    self.received.append(one)
                    self._news.notify_all()
                reply = self.reply(one)
                if reply is None:
                    return
                status, more, text = reply
                lines_out = [f"HTTP/1.1 {status} X", f"content-length: {len(text)}"]
                lines_out += [f"{name}: {value}" for name, value in more.items()]
                writer.write("\r\n".join(lines_out).encode() + b"\r\n\r\n" + text)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client, or the test, is at its end
        finally:
            writer.close()
