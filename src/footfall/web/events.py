"""Routes of events: exports and large sends.

`web.fast_path` reads pages, and takes small bodies.
"""

from typing import Any

import msgspec
from litestar import MediaType, Request, Response, get, post
from litestar.params import FromPath
from litestar.response import Stream

from footfall.core.access import READ_EVENTS, SEND_EVENTS
from footfall.flows.events import ingest
from footfall.web.concurrency import service_of, wait_for_slot
from footfall.web.context import context_of
from footfall.web.exports import export, wanted_kind
from footfall.web.payload import is_lines, payload


async def _export(
    request: Request[Any, Any, Any], organization: str, contact: str | None
) -> Stream:
    await wait_for_slot(request, service_of(request))
    kind = wanted_kind(request.headers.get("accept", ""))
    return await export(request, organization, contact, kind)


@get(
    "/v1/organizations/{cid:str}/events",
    opt={"permission": READ_EVENTS},
)
async def organization_events(
    request: Request[Any, Any, Any], cid: FromPath[str]
) -> Stream:
    """All events of an organization."""
    return await _export(request, cid, None)


@get(
    "/v1/organizations/{cid:str}/customers/{contact:str}/events",
    opt={"permission": READ_EVENTS},
)
async def contact_events(
    request: Request[Any, Any, Any], cid: FromPath[str], contact: FromPath[str]
) -> Stream:
    """All events of one contact."""
    return await _export(request, cid, contact)


@post(
    "/v1/organizations/{cid:str}/events",
    opt={"permission": SEND_EVENTS},
)
async def send_events(
    request: Request[Any, Any, Any], cid: FromPath[str]
) -> Response[bytes]:
    """Store events; 201 means that they are on disk."""
    context = context_of(request)
    async with payload(request, service_of(request)) as body:
        receipt = await ingest.receive(
            context.store,
            cid,
            body,
            context.now(),
            lines=is_lines(request.headers.get("content-type", "")),
        )
    return Response(
        msgspec.json.encode(receipt), status_code=201, media_type=MediaType.JSON
    )
