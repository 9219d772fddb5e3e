"""Exports: the answers of the lists of events that are as long as their result is.

Which one a client gets is its `Accept`. Whoever names neither NDJSON nor CSV gets a
page of JSON, as from the original, whose clients send all kinds of `Accept`.
"""

import contextlib
import re
from collections.abc import AsyncGenerator, AsyncIterator
from enum import StrEnum
from typing import Any

import structlog
from litestar import Request
from litestar.datastructures.headers import Accept
from litestar.response import Stream

from footfall.core.exports import parse_raw
from footfall.errors import FootfallError
from footfall.flows.events.export import (
    Format,
    LineFormat,
    TableFormat,
    begin_export,
)
from footfall.web.context import Context, context_of
from footfall.web.guard import bearer_token
from footfall.web.paths import is_head
from footfall.web.payload import LINES

_log = structlog.get_logger()
AnyRequest = Request[Any, Any, Any]
JSON = "application/json"
CSV = "text/csv"


class Kind(StrEnum):
    """What is answered with."""

    PAGE = JSON
    LINES = "application/x-ndjson"
    TABLE = CSV


# What an Accept that asks for an export has in it, in any case.
_MAYBE_EXPORT = re.compile("ndjson|jsonl|csv", re.IGNORECASE)
_MEDIA_TYPES = {
    Kind.LINES: Kind.LINES.value,  # always UTF-8
    Kind.TABLE: f"{CSV}; header=present",  # RFC 4180; Litestar adds the charset
}


def wanted_kind(accept: str) -> Kind:
    """Return what an Accept header asks for."""
    if not _MAYBE_EXPORT.search(accept):
        return Kind.PAGE
    accepted = Accept(accept)
    best = accepted.best_match([JSON, *LINES, CSV], JSON)
    named = {str(one).partition(";")[0] for one in accepted}
    if best == JSON or best not in named:
        return Kind.PAGE
    return Kind.TABLE if best == CSV else Kind.LINES


async def export(
    request: AnyRequest, organization: str, contact: str | None, kind: Kind
) -> Stream:
    """Answer with all that matches."""
    context = context_of(request)
    parameters = request.query_params.dict()
    written: Format = LineFormat(context.reader.seal)
    if kind is Kind.TABLE:
        written = TableFormat(raw=parse_raw(parameters))
    chunks = await begin_export(
        context.reader, organization, contact, parameters, written
    )
    going_on = _while_allowed(context, bearer_token(request), chunks)
    return Stream(
        iter(()) if is_head(request) else going_on,
        media_type=_MEDIA_TYPES[kind],
        # nginx would hold back what it is sent.
        headers={"X-Accel-Buffering": "no", "Vary": "Accept"},
    )


async def _while_allowed(
    context: Context, token: str, chunks: AsyncGenerator[bytes, None]
) -> AsyncIterator[bytes]:
    """Yield all; on a failure, or once the token is revoked, the answer breaks off.

    The server then cuts the connection, so a client never takes a part for the whole.
    """
    try:
        async with contextlib.aclosing(chunks):
            async for chunk in chunks:
                await context.tokens.verify_again(token, context.now())
                yield chunk
    except Exception as error:
        reason = (
            error.code if isinstance(error, FootfallError) else type(error).__name__
        )
        _log.error("export_broken_off", error=reason)
        raise
