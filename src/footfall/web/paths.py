"""Paths: routed as they were sent, so that an id of any characters is one segment.

The server passes the path decoded, where `a%2Fb` and `a/b` look the same. So each
segment of the raw path is decoded on its own, and spelt in one way for the router: all
but unreserved characters are percent-encoded. Handlers get decoded parameters.
Source: RFC 3986, 2.3 and 6.2.2
"""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote, unquote, unquote_to_bytes

from litestar import Request
from litestar.types import ASGIApp, Receive, Scope, Send

_SENT = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})+")
# Most paths are spelt in the one way already.
_CANONICAL = re.compile(rb"(?:/[A-Za-z0-9._~-]+)+")
# No route has this path, so it gets a 404.
_NOWHERE = "/%00"
_HEAD = "footfall.head"


def canonical(raw: bytes) -> str:
    """Spell a raw path in one way; a path that no resource can have gets a 404.

    Repeated leading slashes count as one, because the original's clients send `//v1/…`.
    One slash at the end does not count.
    """
    if _CANONICAL.fullmatch(raw):
        return raw.decode()
    if not _SENT.fullmatch(raw):
        return _NOWHERE
    try:
        segments = [
            unquote_to_bytes(segment).decode()
            for segment in raw.lstrip(b"/").removesuffix(b"/").split(b"/")
        ]
    except UnicodeDecodeError:
        return _NOWHERE
    if segments != [""] and not all(map(_is_name, segments)):
        return _NOWHERE
    return "/" + "/".join(quote(segment, safe="") for segment in segments)


def _is_name(segment: str) -> bool:
    return bool(segment) and "\0" not in segment


def exactly_routed(app: ASGIApp) -> ASGIApp:
    """Route on the raw path; HEAD is routed as GET, and the server drops its body."""

    async def wrapped(scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["path"] = canonical(scope["raw_path"])
            if scope["method"] == "HEAD":
                scope["method"], scope[_HEAD] = "GET", True
        await app(scope, receive, send)

    return wrapped


def is_head(request: Request[Any, Any, Any]) -> bool:
    """Tell whether only the headers are asked for: an endless body must not begin."""
    return _HEAD in request.scope


def decoded(app: ASGIApp) -> ASGIApp:
    """Decode the parameters of a path after routing."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        sent: Iterable[tuple[str, Any]] = scope.get("path_params", {}).items()
        scope["path_params"] = {name: unquote(str(value)) for name, value in sent}
        await app(scope, receive, send)

    return wrapped
