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
        self.port = 0
        self._is_down = False
        self._serving: set[asyncio.Task[None]] = set()
        self.received: list[Received] = []
        self.taken: list[Received] = []
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
        """The ids of the events that it took and that hold, in any order of arrival."""
        held, gone = dict[str, None](), set[str]()
        for one in list(self.taken):
            heading = heading_of(msgspec.json.encode(one.value["data"]))
            if heading.withdrawn:
                gone.add(heading.id)
            else:
                held[heading.id] = None
        return iter(held.keys() - gone)

    def kill(self) -> None:
        """Cut all connections off, whatever was answered on them, and take none."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()

    def restart(self) -> None:
        """Take connections again, on the same port."""
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._stop())

    async def _listen(self) -> None:
        self._is_down = False
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=self._tls
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        self._server.close()
        self._is_down = True
        # A connection that was just accepted ends by itself: see `_serve`.
        await asyncio.sleep(0.01)
        for task in tuple(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            while not self._is_down:
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
                if reply == OK:
                    self.taken.append(one)
                status, more, text = reply
                lines_out = [f"HTTP/1.1 {status} X", f"content-length: {len(text)}"]
                lines_out += [f"{name}: {value}" for name, value in more.items()]
                writer.write("\r\n".join(lines_out).encode() + b"\r\n\r\n" + text)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client, or the test, is at its end
        finally:
            self._serving.discard(task)
            writer.close()
