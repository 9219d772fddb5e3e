"""How log lines are written: JSON for machines, or for a console."""

import contextlib
import logging
import sys
from typing import Any, BinaryIO, cast

import msgspec
import structlog


class _Stderr:
    """Standard error; a write error (a full disk) loses the line, not the request."""

    def write(self, line: bytes) -> int:
        with contextlib.suppress(OSError):
            return sys.stderr.buffer.write(line)
        return 0

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            sys.stderr.buffer.flush()


def configure(form: str) -> None:
    """Write to stderr, as `json` or for a `console`."""
    renderer: structlog.typing.Processor
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
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=factory,
        cache_logger_on_first_use=True,
    )
