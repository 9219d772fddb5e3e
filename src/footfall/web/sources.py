"""Routes of sources: manage them, see how they stand, try one.

Equipment posts to `/v1/sources/{source}`; see `web.presence`.
"""

import asyncio
from typing import Any

from litestar import Request, Response, delete, get, post
from litestar.params import FromPath

from footfall.core.access import READ_SOURCES, WRITE_SOURCES, LocationScope
from footfall.flows.accounts import sources
from footfall.flows.presence.try_out import try_post
from footfall.web.concurrency import service_of
from footfall.web.context import context_of
from footfall.web.payload import read_payload
from footfall.web.responses import answer, page, read_object, written

AnyRequest = Request[Any, Any, Any]
# A sample of what a vendor posts, not the post of a whole network.
SAMPLE_BYTES_MAX = 256 * 1024
_ALL = "/v1/organizations/{cid:str}/sources"
_ONE = f"{_ALL}/{{source:str}}"
_READS = {"permission": READ_SOURCES}
_WRITES = {"permission": WRITE_SOURCES}


def _location_scope(request: AnyRequest) -> LocationScope:
    only: LocationScope = request.state.grant.service.location_scope
    return only


@get(_ALL, opt=_READS)
async def list_sources(request: AnyRequest, cid: FromPath[str]) -> Response[bytes]:
    """The sources of an organization, and how they stand."""
    context, only = context_of(request), _location_scope(request)
    found = await asyncio.to_thread(
        sources.list_sources, context.sources, cid, context.now(), only
    )
    return page(request, "sources", found)


@post(_ALL, opt=_WRITES)
async def create_source(request: AnyRequest, cid: FromPath[str]) -> Response[bytes]:
    """Make a source; the answer has its secret, this once."""
    value, context = await read_object(request), context_of(request)
    made = await asyncio.to_thread(
        sources.create_source, context.sources, cid, value, context.now()
    )
    return answer(made, 201)


@get(_ONE, opt=_READS)
async def read_source(
    request: AnyRequest, cid: FromPath[str], source: FromPath[str]
) -> Response[bytes]:
    """A source, and how it stands."""
    context, only = context_of(request), _location_scope(request)
    return answer(
        await asyncio.to_thread(
            sources.read_source, context.sources, cid, source, context.now(), only
        )
    )


@delete(_ONE, opt=_WRITES, status_code=204)
async def delete_source(
    request: AnyRequest, cid: FromPath[str], source: FromPath[str]
) -> None:
    """Delete a source; footfall receives nothing there any more."""
    await written(sources.delete_source, context_of(request).store, cid, source)


@get(f"{_ONE}/problems", opt=_READS)
async def list_problems(
    request: AnyRequest, cid: FromPath[str], source: FromPath[str]
) -> Response[bytes]:
    """What a source sent that was not understood, newest first."""
    found = await asyncio.to_thread(
        sources.list_problems,
        context_of(request).store,
        cid,
        source,
        request.query_params.dict(),
        _location_scope(request),
    )
    return page(request, "problems", found)


@post(f"{_ONE}/test", opt=_WRITES, status_code=200)
async def try_source(
    request: AnyRequest, cid: FromPath[str], source: FromPath[str]
) -> Response[bytes]:
    """What would be understood of a post of a source; nothing of it is stored."""
    context, only = context_of(request), _location_scope(request)
    body = await read_payload(request, service_of(request), SAMPLE_BYTES_MAX)
    found = await asyncio.to_thread(
        sources.find_source, context.store, cid, source, only
    )
    return answer(await try_post(context.store, found, body, context.now()))


ROUTES = [
    list_sources,
    create_source,
    read_source,
    delete_source,
    list_problems,
    try_source,
]
