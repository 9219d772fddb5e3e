"""Live streams: an organization's log as server-sent events, from a position on.

A message's id is its position in the log, so whoever lost the connection goes on where
it was (`Last-Event-ID`). A stream is a long answer: it takes none of its service's
turns, but there are only so many; a client that does not take what it is sent is cut
off.
Source: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from collections.abc import AsyncIterator
from typing import Any

from litestar import Request, get
from litestar.params import FromPath
from litestar.response import Stream

from footfall.core.access import READ_EVENTS
from footfall.core.instants import SECOND
from footfall.core.subscriptions import Subscription, parse_subscription
from footfall.errors import (
    FieldError,
    FootfallError,
    Overloaded,
    ParameterInvalid,
    TooManyRequests,
)
from footfall.flows.delivery.follow import Followers, Part
from footfall.web.context import Context, context_of
from footfall.web.guard import bearer_token
from footfall.web.paths import is_head

# An idle stream says so, for proxies cut off what is silent for long.
PING_S = 15
RETRY_MS = 1_000
STREAMS_MAX = 4_000
STREAMS_AN_ORGANIZATION = 2_000
TRY_AGAIN_S = 60
AnyRequest = Request[Any, Any, Any]


@get("/v1/organizations/{cid:str}/events/stream", opt={"permission": READ_EVENTS})
async def stream_events(request: AnyRequest, cid: FromPath[str]) -> Stream:
    """Send events as they arrive."""
    context = context_of(request)
    wanted, after = parse_subscription(
        request.query_params.dict(), request.headers.get("last-event-id")
    )
    _check_room(context.followers, cid)
    newest = await context.followers.newest(cid)
    position = newest if after is None else after
    if position > newest:
        message = f"{position} is beyond the end of the log, which is {newest}"
        raise ParameterInvalid.of(FieldError("after", message))
    token = bearer_token(request)
    messages = _messages(context, cid, wanted, position, token)
    return Stream(
        iter(()) if is_head(request) else messages,
        media_type="text/event-stream",
        # nginx would hold back what it is sent.
        headers={"X-Accel-Buffering": "no"},
    )


def _check_room(followers: Followers, organization: str) -> None:
    if followers.count(organization) >= STREAMS_AN_ORGANIZATION:
        raise TooManyRequests(
            "This organization has too many streams; end one, or share one.",
            STREAMS_AN_ORGANIZATION,
            f'"streams";q={STREAMS_AN_ORGANIZATION}',
            TRY_AGAIN_S,
        )
    if len(followers) >= STREAMS_MAX:
        raise Overloaded("This server has too many streams.", TRY_AGAIN_S)


async def _messages(
    context: Context, organization: str, wanted: Subscription, position: int, token: str
) -> AsyncIterator[bytes]:
    """Yield messages until the server stops, or the token does not hold any more."""
    yield b"retry: %d\nid: %d\n\n" % (RETRY_MS, position)
    said_at = context.now()
    async for part in context.followers.follow(organization, wanted, position):
        try:
            await context.tokens.verify_again(token, context.now())
        except FootfallError:
            return
        chunk = _render(part, wanted)
        if not chunk and context.now() - said_at >= PING_S * SECOND:
            chunk = b": ping\nid: %d\n\n" % part.end
        if chunk:
            said_at = context.now()
            yield chunk


def _render(part: Part, wanted: Subscription) -> bytes:
    """Write what is wanted of a part, once for all that want the same."""
    chunk = part.rendered.get(wanted)
    if chunk is None:
        chunk = part.rendered[wanted] = b"".join(
            b"id: %d\nevent: %s\ndata: %s\n\n"
            % (message.arrival, message.heading.type.encode(), message.body)
            for message in part.messages
            if wanted.wants(message.heading)
        )
    return chunk
