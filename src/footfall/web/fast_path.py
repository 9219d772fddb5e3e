"""The fast path: pages and small sends, without the framework's general path.

Most requests are for pages or send a little, and most of their time went into the
general path: routing, parameters by type, a chain of middleware, a response object.
Here is what such a request needs, in one place: the same guard, limits, flows and
problems as everywhere, and one answer. All else goes on to the application: exports,
bodies that are large, packed or of an unknown length, all other resources.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterable
from typing import Any
from urllib.parse import parse_qs, unquote

import msgspec
import structlog
from litestar.types import ASGIApp, Receive, Scope, Send

from footfall.core.access import (
    READ_EVENTS,
    SEND_EVENTS,
    SEND_OBSERVATIONS,
    Permission,
)
from footfall.errors import FootfallError
from footfall.flows.events import ingest
from footfall.flows.presence import receive as presence
from footfall.web.compression import BYTES_MIN, accepted_encoding, compress
from footfall.web.concurrency import ConcurrencyLimit, send_in_parts
from footfall.web.context import Context
from footfall.web.exports import Kind, wanted_kind
from footfall.web.guard import admit, token_of
from footfall.web.headers import GUARDING
from footfall.web.intake import LARGE_BYTES, Intake
from footfall.web.logs import HEADER, record, request_id_of
from footfall.web.paths import canonical
from footfall.web.payload import broken_off, is_lines, read_body
from footfall.web.problems import MEDIA_TYPE, Problem, problem_of, problem_of_bug

_PATH = re.compile(
    r"/v1/organizations/([^/]+)/(?:(events|observations|logins)|customers/([^/]+)/events)"
)
_SENDING: dict[str, Permission] = {
    "events": SEND_EVENTS,
    "observations": SEND_OBSERVATIONS,
    "logins": SEND_OBSERVATIONS,
}
_OF_CONTACT = "customers/{contact}/events"
# Packing so much takes less than handing it to a thread.
AT_ONCE_BYTES = 64 * 1024
_READING = frozenset({"GET", "HEAD"})
Headers = Iterable[tuple[bytes, bytes]]


class FastRequest(msgspec.Struct, frozen=True, gc=False):
    """A request for a page of events, or one that sends a small body.

    Attributes:
        method: GET, HEAD, whose body the server drops, or POST.
        path: Its path, in the one spelling.
        organization: Whose events.
        resource: What follows in the path, as the code spells it.
        contact: Only this contact's events, if given.
        query: The query string as sent.
        headers: Its headers by their names.
    """

    method: str
    path: str
    organization: str
    resource: str
    contact: str | None
    query: str
    headers: dict[bytes, bytes]

    def header(self, name: bytes) -> str:
        """Return a header's value; empty if it was not sent."""
        return self.headers.get(name, b"").decode("latin-1")

    @property
    def sends(self) -> bool:
        """Whether it sends something."""
        return self.method == "POST"

    @property
    def permission(self) -> Permission:
        """What it needs."""
        return _SENDING[self.resource] if self.sends else READ_EVENTS


class FastPath:
    """Answers requests for pages and small sends, and hands all others on."""

    def __init__(
        self, context: Context, turns: ConcurrencyLimit, intake: Intake, app: ASGIApp
    ):
        self._context = context
        self._turns = turns
        self._intake = intake
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as an ASGI application."""
        asked = _fast_request(scope)
        if asked is None:
            await self._app(scope, receive, send)
        else:
            await self._answer(asked, receive, send)

    async def _answer(self, asked: FastRequest, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        answer = Answer(send, request_id_of(asked.headers.get(HEADER, b"")))
        try:
            token = token_of(asked.header(b"authorization"))
            grant = await admit(
                self._context, token, asked.permission, asked.organization
            )
            who = grant.service.client_key
            if asked.sends:
                await self._take(asked, who, receive, answer)
            else:
                await self._read(asked, who, answer)
        except Exception as error:
            if answer.status:
                raise  # the client hung up, or did not take the answer in time
            with structlog.contextvars.bound_contextvars(request_id=answer.request_id):
                problem, headers = _described(error, asked.path)
            await answer.give(problem.status, headers, msgspec.json.encode(problem))
        finally:
            route = f"/v1/organizations/{{cid}}/{asked.resource}"
            record(asked.method, route, answer.status, began, answer.request_id)

    async def _read(self, asked: FastRequest, who: str, answer: "Answer") -> None:
        """Answer with a page."""
        async with self._turns.of(who):
            parameters = parse_qs(asked.query, keep_blank_values=True)
            body = await self._context.reader.read(
                asked.organization, asked.contact, parameters, self._context.now()
            )
            await answer.give(200, *await _packed(asked, body))

    async def _take(
        self, asked: FastRequest, who: str, receive: Receive, answer: "Answer"
    ) -> None:
        """Store what is sent; the turn begins once it is read, as in `web.payload`."""
        with self._intake.lease(who) as lease:
            sent = await read_body(_chunks(receive), lease, LARGE_BYTES)
            async with self._turns.of(who):
                await answer.give(201, _STORED, await self._store(asked, sent))

    async def _store(self, asked: FastRequest, sent: bytes) -> bytes:
        """Store what is sent; return the receipt."""
        store, now = self._context.store, self._context.now()
        name, lines = asked.organization, is_lines(asked.header(b"content-type"))
        if asked.resource == "events":
            receipt = await ingest.receive(store, name, sent, now, lines=lines)
            return msgspec.json.encode(receipt)
        taken = await presence.receive_plain(
            store, name, sent, now, asked.resource, lines=lines
        )
        return msgspec.json.encode(taken)


class Answer:
    """The answer to a request, given once.

    Attributes:
        request_id: The id that it carries.
        status: Its status; 0 until it is given.
    """

    def __init__(self, send: Send, request_id: str):
        self._send = send
        self.request_id = request_id
        self.status = 0

    async def give(self, status: int, headers: Headers, body: bytes) -> None:
        """Send it; what surrounds every answer is added."""
        self.status = status
        own = (
            (b"content-length", str(len(body)).encode()),
            (HEADER, self.request_id.encode()),
        )
        await self._send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [*headers, *own, *GUARDING],
            }
        )
        await send_in_parts(self._send, body)


async def _chunks(receive: Receive) -> AsyncIterator[bytes]:
    """Yield the body of a request as it arrives.

    Raises:
        BodyBrokenOff: The client hung up.
    """
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise broken_off()
        more = message.get("more_body", False)
        yield message.get("body", b"")


def _fast_request(scope: Any) -> FastRequest | None:
    """Return what is asked for if it is a page of events, or a small send."""
    if scope["type"] != "http":
        return None
    path = canonical(scope["raw_path"])
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    organization, resource, contact = found.groups()
    asked = FastRequest(
        scope["method"],
        path,
        unquote(organization),
        resource or _OF_CONTACT,
        None if contact is None else unquote(contact),
        scope["query_string"].decode("latin-1"),
        dict(scope["headers"]),
    )
    is_fast = _is_page(asked) or _is_small_send(asked)
    return asked if is_fast else None


def _is_page(asked: FastRequest) -> bool:
    return (
        asked.method in _READING
        and asked.resource in ("events", _OF_CONTACT)
        and wanted_kind(asked.header(b"accept")) is Kind.PAGE
    )


def _is_small_send(asked: FastRequest) -> bool:
    length = asked.header(b"content-length")
    return (
        asked.sends
        and asked.resource in _SENDING
        and length.isdecimal()
        and int(length) <= LARGE_BYTES
        and asked.header(b"content-encoding").strip().lower() in ("", "identity")
    )


_JSON: Headers = (
    (b"content-type", b"application/json"),
    (b"vary", b"Accept, Accept-Encoding"),
)


_STORED: Headers = ((b"content-type", b"application/json"),)


async def _packed(asked: FastRequest, body: bytes) -> tuple[Headers, bytes]:
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
