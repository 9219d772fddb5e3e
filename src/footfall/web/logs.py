"""Logs and metrics: one line per request, with the id that its answer carries.

A line has the method, the route as the code spells it, the status and the time. It has
no path, query, header or body, because those may hold tokens and personal data.
"""

import datetime as dt
import functools
import re
import secrets
import time
from http import HTTPMethod
from typing import Any

import structlog
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import Counter, Histogram

from footfall import clock
from footfall.core.instants import SECOND
from footfall.logs import RequestLine, request_lines

_REQUESTS = Counter(
    "footfall_requests", "Requests that were answered.", ("method", "route", "status")
)
_SECONDS = Histogram(
    "footfall_request_seconds", "How long answers took.", ("method", "route")
)
# Finding a metric by its labels costs more than counting.
_requests = functools.cache(_REQUESTS.labels)
_seconds = functools.cache(_SECONDS.labels)
_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
HEADER = b"x-request-id"
_METHODS = frozenset(method.value for method in HTTPMethod)


def request_id_of(sent: bytes) -> str:
    """Return the caller's id of a request, or a new one if it has none that fits."""
    return sent.decode() if _ID.fullmatch(sent) else secrets.token_hex(16)


def record(method: str, route: str, status: int, began: float, request_id: str) -> None:
    """Count a request that was answered, and log it.

    Args:
        method: Its method.
        route: Its route as the code spells it.
        status: The status of its answer; 0 if there is none.
        began: When it began, on `time.perf_counter`.
        request_id: Its id.
    """
    took_ms = round((time.perf_counter() - began) * 1000, 1)
    _requests(method, route, status).inc()
    _seconds(method, route).observe(took_ms / 1000)
    now = dt.datetime.fromtimestamp(clock.now() / SECOND, dt.UTC)
    line = RequestLine(method, route, status, took_ms, request_id, now)
    request_lines.add(line)


def logged(app: ASGIApp) -> ASGIApp:
    """Give each request an id (the caller's, if it sent one), and log it when done."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if not isinstance(scope.get("method"), str):
            await app(scope, receive, send)  # the application's start and stop
            return
        request_id = request_id_of(dict(scope["headers"]).get(HEADER, b""))
        began = time.perf_counter()
        status, method = 0, _method(scope)

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", []),
                    (HEADER, request_id.encode()),
                ]
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await app(scope, receive, answer)
            finally:
                record(method, _route(scope), status, began, request_id)

    return wrapped


def _method(scope: Any) -> str:
    """Return the method; one that a caller made up is `other`."""
    return scope["method"] if scope["method"] in _METHODS else "other"


def _route(scope: Any) -> str:
    return str(scope.get("path_template", "-"))
