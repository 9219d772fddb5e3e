"""Logs and metrics: one line per request, with the id that its answer carries.

A line has the method, the route as the code spells it, the status and the time. It has
no path, query, header or body, because those may hold tokens and personal data.
"""

import re
import time
import uuid
from http import HTTPMethod
from typing import Any

import structlog
from litestar.types import ASGIApp, Message, Receive, Scope, Send
from prometheus_client import Counter, Histogram

_log = structlog.get_logger()
_REQUESTS = Counter(
    "footfall_requests", "Requests that were answered.", ("method", "route", "status")
)
_SECONDS = Histogram(
    "footfall_request_seconds", "How long answers took.", ("method", "route")
)
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
HEADER = b"x-request-id"
_METHODS = frozenset(method.value for method in HTTPMethod)


def logged(app: ASGIApp) -> ASGIApp:
    """Give each request an id (the caller's, if it sent one), and log it when done."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if not isinstance(scope.get("method"), str):
            await app(scope, receive, send)  # the application's start and stop
            return
        sent = dict(scope["headers"]).get(HEADER, b"").decode("latin-1")
        request_id = sent if _ID.fullmatch(sent) else uuid.uuid4().hex
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
                took_ms = round((time.perf_counter() - began) * 1000, 1)
                route = _route(scope)
                _REQUESTS.labels(method, route, status).inc()
                _SECONDS.labels(method, route).observe(took_ms / 1000)
                _log.info(
                    "request",
                    method=method,
                    route=route,
                    status=status,
                    took_ms=took_ms,
                )

    return wrapped


def _method(scope: Any) -> str:
    """Return the method; one that a caller made up is `other`."""
    return scope["method"] if scope["method"] in _METHODS else "other"


def _route(scope: Any) -> str:
    return str(scope.get("path_template", "-"))
