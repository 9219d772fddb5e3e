"""Concurrency limits: who does not read its answers holds up only itself.

A service has a few turns: a request takes one when it has been read, and gives it back
when its answer has been taken by the client. Further requests of that service wait for
theirs. A large answer goes out in parts, and each part must be taken in time; so what
waits in memory for slow readers is bounded.
"""

import asyncio
from collections import defaultdict
from typing import Any, cast

from litestar import Request
from litestar.types import ASGIApp, Message, Receive, Scope, Send

TURNS = 16
PART_BYTES = 64 * 1024
PART_WITHIN_S = 30
_KEY = "footfall.turns"


class ConcurrencyLimit:
    """The turns of each service."""

    def __init__(self) -> None:
        self._turns: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(TURNS)
        )

    def of(self, client_key: str) -> asyncio.Semaphore:
        """Return the turns of a service."""
        return self._turns[client_key]


def service_of(request: Request[Any, Any, Any]) -> str:
    """Return the service that a request is of."""
    client_key: str = request.state.grant.service.client_key
    return client_key


async def wait_for_slot(request: Request[Any, Any, Any], who: str) -> None:
    """Wait for a turn of who asks, a service or a source; `limited` gives it back.

    To be called once the request is read, and before any work with it: who sends slowly
    keeps nobody waiting.
    """
    turn = request.app.state.turns.of(who)
    await turn.acquire()
    cast("list[asyncio.Semaphore]", request.scope[_KEY]).append(turn)  # type: ignore[literal-required]


def limited(app: ASGIApp) -> ASGIApp:
    """Send large answers in parts, each in its time, and give turns back."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        turns: list[asyncio.Semaphore] = []
        scope[_KEY] = turns  # type: ignore[literal-required]

        async def in_parts(message: Message) -> None:
            body = cast("bytes", message.get("body", b""))
            if message["type"] != "http.response.body" or len(body) <= PART_BYTES:
                await send(message)
                return
            view = memoryview(body)
            for start in range(0, len(view), PART_BYTES):
                end = start + PART_BYTES
                part = {
                    "type": "http.response.body",
                    "body": bytes(view[start:end]),
                    "more_body": end < len(view) or message.get("more_body", False),
                }
                async with asyncio.timeout(PART_WITHIN_S):
                    await send(part)  # type: ignore[arg-type]

        try:
            await app(scope, receive, in_parts)
        finally:
            for turn in turns:
                turn.release()

    return wrapped
