"""The fast path: pages of events, without the framework's general path.

Most requests are for pages, and of a small one most of the time went into the general
path: routing, parameters by type, a chain of middleware, a response object. Here is
what such a request needs, in one place: the same guard, limits, reader and problems as
everywhere, and one answer. All else goes on to the application.
"""

import asyncio
import re
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs, unquote

import msgspec
import structlog
from litestar.types import ASGIApp, Receive, Scope, Send

from footfall.core.access import READ_EVENTS
from footfall.errors import FootfallError
from footfall.web.compression import BYTES_MIN, accepted_encoding, compress
from footfall.web.concurrency import ConcurrencyLimit, send_in_parts
from footfall.web.context import Context
from footfall.web.exports import Kind, wanted_kind
from footfall.web.guard import admit, token_of
from footfall.web.headers import GUARDING
from footfall.web.logs import HEADER, record, request_id_of
from footfall.web.paths import canonical
from footfall.web.problems import MEDIA_TYPE, Problem, problem_of, problem_of_bug

_PATH = re.compile(r"/v1/organizations/([^/]+)(?:/customers/([^/]+))?/events")
_ROUTES = {
    False: "/v1/organizations/{cid}/events",
    True: "/v1/organizations/{cid}/customers/{contact}/events",
}
# Packing so much takes less than handing it to a thread.
AT_ONCE_BYTES = 64 * 1024
_METHODS = frozenset({"GET", "HEAD"})
Headers = Iterable[tuple[bytes, bytes]]


class PageRequest(msgspec.Struct, frozen=True, gc=False):
    """A request for a page of events.

    Attributes:
        method: GET or HEAD, whose body the server drops.
        path: Its path, in the one spelling.
        organization: Whose events.
        contact: Only this contact's events, if given.
        query: The query string as sent.
        headers: Its headers by their names.
    """

    method: str
    path: str
    organization: str
    contact: str | None
    query: str
    headers: dict[bytes, bytes]

    def header(self, name: bytes) -> str:
        """Return a header's value; empty if it was not sent."""
        return self.headers.get(name, b"").decode("latin-1")


class FastPath:
    """Answers requests for pages, and hands all others on."""

    def __init__(self, context: Context, turns: ConcurrencyLimit, app: ASGIApp):
        self._context = context
        self._turns = turns
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as an ASGI application."""
        asked = _page_request(scope)
        if asked is None:
            await self._app(scope, receive, send)
        else:
            await self._answer(asked, send)

    async def _answer(self, asked: PageRequest, send: Send) -> None:
        began = time.perf_counter()
        request_id = request_id_of(asked.headers.get(HEADER, b""))
        status = 0
        try:
            permission = READ_EVENTS
            token = token_of(asked.header(b"authorization"))
            grant = await admit(self._context, token, permission, asked.organization)
            async with self._turns.of(grant.service.client_key):
                body = await self._read(asked)
                headers, body = await _packed(asked, body)
                status = 200
                await _send(send, request_id, status, headers, body)
        except Exception as error:
            if status:
                raise  # the client hung up, or did not take the answer in time
            with structlog.contextvars.bound_contextvars(request_id=request_id):
                problem, headers = _described(error, asked.path)
            status = problem.status
            body = msgspec.json.encode(problem)
            await _send(send, request_id, status, headers, body)
        finally:
            route = _ROUTES[asked.contact is not None]
            record(asked.method, route, status, began, request_id)

    async def _read(self, asked: PageRequest) -> bytes:
        parameters = parse_qs(asked.query, keep_blank_values=True)
        return await self._context.reading.read(
            asked.organization, asked.contact, parameters, self._context.now()
        )


def _page_request(scope: Any) -> PageRequest | None:
    """Return what is asked for if it is a page of events."""
    if scope["type"] != "http" or scope["method"] not in _METHODS:
        return None
    path = canonical(scope["raw_path"])
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    organization, contact = found.groups()
    asked = PageRequest(
        scope["method"],
        path,
        unquote(organization),
        None if contact is None else unquote(contact),
        scope["query_string"].decode("latin-1"),
        dict(scope["headers"]),
    )
    return asked if wanted_kind(asked.header(b"accept")) is Kind.PAGE else None


_JSON: Headers = (
    (b"content-type", b"application/json"),
    (b"vary", b"Accept, Accept-Encoding"),
)


async def _packed(asked: PageRequest, body: bytes) -> tuple[Headers, bytes]:
    """Return the headers and the body, packed if the client wants it so."""
    encoding = accepted_encoding(asked.header(b"accept-encoding"))
    if encoding is None or len(body) < BYTES_MIN:
        return _JSON, body
    if len(body) > AT_ONCE_BYTES:
        body = await asyncio.to_thread(compress, body, encoding)
    else:
        body = compress(body, encoding)
    return (*_JSON, (b"content-encoding", encoding.encode())), body


def _described(error: Exception, path: str) -> tuple[Problem, Headers]:
    if isinstance(error, FootfallError):
        problem, more = problem_of(error, path)
    else:
        problem, more = problem_of_bug(error, path), {}
    named = {"content-type": MEDIA_TYPE, **more}
    return problem, [(name.lower().encode(), v.encode()) for name, v in named.items()]


async def _send(
    send: Send, request_id: str, status: int, headers: Headers, body: bytes
) -> None:
    own = (
        (b"content-length", str(len(body)).encode()),
        (HEADER, request_id.encode()),
    )
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [*headers, *own, *GUARDING],
        }
    )
    await send_in_parts(send, body)
