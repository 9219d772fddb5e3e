"""How log lines are written: JSON for machines, or for a console.

Lines of requests, the many, are written together some 50 times a second: a system call
and a chain of processors for each would cost as much as a small page does. All other
lines are written at once.
"""

import asyncio
import atexit
import contextlib
import datetime as dt
import logging
import sys
from typing import Any, BinaryIO, cast

import msgspec
import structlog

_EVERY_S = 0.02


class _Stderr:
    """Standard error; a write error (a full disk) loses the line, not the request."""

    def write(self, line: bytes) -> int:
        with contextlib.suppress(OSError):
            return sys.stderr.buffer.write(line)
        return 0

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.buffer.flush()


class RequestLine(msgspec.Struct, frozen=True):
    """The line of a request; its order is that of all other lines."""

    method: str
    route: str
    status: int
    took_ms: float
    request_id: str
    timestamp: dt.datetime
    event: str = "request"
    level: str = "info"


class RequestLines:
    """The lines of requests, until they are written; use it on the event loop."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []
        self.for_console = False
        atexit.register(self.flush)

    def add(self, line: RequestLine) -> None:
        """Have a line written soon."""
        if self.for_console:
            fields = msgspec.structs.asdict(line)
            structlog.get_logger().info(fields.pop("event"), **fields)
            return
        if not self._waiting:
            asyncio.get_running_loop().call_later(_EVERY_S, self.flush)
        self._waiting.append(msgspec.json.encode(line))

    def flush(self) -> None:
        """Write what waits."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            stderr = _Stderr()
            stderr.write(b"\n".join(waiting) + b"\n")
            stderr.flush()


request_lines = RequestLines()


def configure(form: str) -> None:
    """Write to stderr, as `json` or for a `console`."""
    renderer: structlog.typing.Processor
    request_lines.for_console = form == "console"
    if form == "console":
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        factory: Any = structlog.PrintLoggerFactory(sys.stderr)
    else:
        renderer = structlog.processors.JSONRenderer(
            serializer=lambda line, **_: msgspec.json.encode(line)
        )
        factory = structlog.BytesLoggerFactory(cast("BinaryIO", _Stderr()))
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )
