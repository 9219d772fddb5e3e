"""Routes of presence: observations, logins, and posts of vendors' equipment.

`web.fast_path` takes small bodies of observations and logins.
"""

import asyncio
from typing import Any

from litestar import MediaType, Request, Response, get, post
from litestar.params import FromPath

from footfall.core.access import SEND_OBSERVATIONS
from footfall.errors import SourceUnknown
from footfall.flows.presence import receive
from footfall.store.transaction import Source
from footfall.web.concurrency import service_of
from footfall.web.context import address_of, context_of
from footfall.web.payload import is_lines, payload
from footfall.web.responses import answer

AnyRequest = Request[Any, Any, Any]


async def _take(request: AnyRequest, cid: str, what: str) -> Response[bytes]:
    context = context_of(request)
    async with payload(request, service_of(request)) as body:
        taken = await receive.receive_plain(
            context.store,
            cid,
            body,
            context.now(),
            what,
            lines=is_lines(request.headers.get("content-type", "")),
        )
    return answer(taken, 201)


@post("/v1/organizations/{cid:str}/observations", opt={"permission": SEND_OBSERVATIONS})
async def send_observations(request: AnyRequest, cid: FromPath[str]) -> Response[bytes]:
    """Take in observations; 201 means that they are on disk."""
    return await _take(request, cid, "observations")


@post("/v1/organizations/{cid:str}/logins", opt={"permission": SEND_OBSERVATIONS})
async def send_logins(request: AnyRequest, cid: FromPath[str]) -> Response[bytes]:
    """Take in logins of a captive portal; 201 means that they are on disk."""
    return await _take(request, cid, "logins")


@get("/v1/sources/{source:str}", media_type=MediaType.TEXT)
async def validate(request: AnyRequest, source: FromPath[str]) -> str:
    """Answer Meraki's request with the validator."""
    found = await _source(request, source)
    if found.validator is None:
        raise SourceUnknown("There is no source at this address.")
    return found.validator


async def _source(request: AnyRequest, source: str) -> Source:
    """Return the source of an address; guesses count against the sender's address."""
    context = context_of(request)
    await context.limiter.count_unproven(address_of(request), context.now())
    found = await asyncio.to_thread(context.store.source, source)
    if found is None:
        raise SourceUnknown("There is no source at this address.")
    return found


@post("/v1/sources/{source:str}", status_code=204)
async def receive_post(request: AnyRequest, source: FromPath[str]) -> None:
    """Take in a vendor's post; 204 means that all of it is on disk.

    The answer has no body: rlm_rest would read one as attributes.
    """
    context, found = context_of(request), await _source(request, source)
    sender = address_of(request)
    await context.limiter.count_unproven_post(found.id, sender, context.now())
    receive.check_head(context.sources, found, request.headers)
    who = f"source {found.id}"
    async with payload(request, who, receive.POST_BYTES_MAX) as body:
        await receive.check_sender(context.sources, found, request.headers, body)
        await context.limiter.count_proven_post(found.id, sender, context.now())
        await receive.receive_post(context.store, found, body, context.now())


ROUTES = [send_observations, send_logins, validate, receive_post]
