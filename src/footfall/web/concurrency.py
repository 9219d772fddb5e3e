"""Concurrency limits: a client that does not read its answers holds up only itself.

Each service has a few turns. A request takes one once its body has been read, and gives
it back when the client has taken the answer; further requests of that service wait.
Large answers go out in parts, and the client must take each part in time. So slow
readers hold only a bounded amount of memory.
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
    """The turns of each service.

    Args:
        workers: How many processes serve the address: each has its part of the turns.
    """

    def __init__(self, workers: int = 1) -> None:
        turns = max(1, TURNS // workers)
        self._turns: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(turns)
        )

    def of(self, client_key: str) -> asyncio.Semaphore:
        """Return the turns of a service."""
        return self._turns[client_key]


def service_of(request: Request[Any, Any, Any]) -> str:
    """Return the key of the service that makes a request."""
    client_key: str = request.state.grant.service.client_key
    return client_key


async def wait_for_slot(request: Request[Any, Any, Any], who: str) -> None:
    """Wait for a turn of the caller, a service or a source; `limited` gives it back.

    Call this after the request is read and before any work with it, so that a slow
    sender does not hold a turn.
    """
    turn = request.app.state.turns.of(who)
    await turn.acquire()
    cast("list[asyncio.Semaphore]", request.scope[_KEY]).append(turn)  # type: ignore[literal-required]


def limited(app: ASGIApp) -> ASGIApp:
    """Send large answers in parts, each within its time, and give turns back."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        turns: list[asyncio.Semaphore] = []
        scope[_KEY] = turns  # type: ignore[literal-required]

        async def in_parts(message: Message) -> None:
            if message["type"] == "http.response.body":
                body = message.get("body", b"")
                goes_on = bool(message.get("more_body"))
                await send_in_parts(send, body, goes_on=goes_on)
            else:
                await send(message)

        try:
            await app(scope, receive, in_parts)
        finally:
            for turn in turns:
                turn.release()

    return wrapped


async def send_in_parts(send: Send, body: bytes, *, goes_on: bool = False) -> None:
    """Send a body: in parts if it is large, each of which the client takes in time.

    Args:
        send: Sends a message.
        body: The body, or a piece of it.
        goes_on: Whether more of the body follows.
    """
    if len(body) <= PART_BYTES and not goes_on:
        await send(_body(body, goes_on=False))
        return
    view = memoryview(body)
    for start in range(0, len(view) or 1, PART_BYTES):
        end = start + PART_BYTES
        more = end < len(view) or goes_on
        async with asyncio.timeout(PART_WITHIN_S):
            await send(_body(bytes(view[start:end]), goes_on=more))


def _body(body: bytes, *, goes_on: bool) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": goes_on}
