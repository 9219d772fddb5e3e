"""Routes of services: the API credentials of an organization."""

import asyncio
from typing import Any

from litestar import Request, Response, delete, get, post
from litestar.params import FromPath

from footfall.core.access import READ_SERVICES, WRITE_SERVICES, Service
from footfall.flows.accounts import services
from footfall.web.context import context_of
from footfall.web.responses import answer, page, read_object, written

AnyRequest = Request[Any, Any, Any]
_ALL = "/v1/organizations/{cid:str}/services"


def _holder(request: AnyRequest) -> Service:
    holder: Service = request.state.grant.service
    return holder


@get(_ALL, opt={"permission": READ_SERVICES})
async def list_services(request: AnyRequest, cid: FromPath[str]) -> Response[bytes]:
    """The services of an organization, revoked ones too, without their secrets."""
    context = context_of(request)
    only = _holder(request).location_scope
    found = await asyncio.to_thread(services.list_services, context.store, cid, only)
    return page(request, "services", found)


@post(_ALL, opt={"permission": WRITE_SERVICES})
async def create_service(request: AnyRequest, cid: FromPath[str]) -> Response[bytes]:  # noqa: ARG001  the guard's
    """Make a service; the answer has its secret, this once."""
    value, context = await read_object(request), context_of(request)
    made = await asyncio.to_thread(
        services.create_service, context.store, _holder(request), value, context.now()
    )
    return answer(made, 201)


@delete(f"{_ALL}/{{service:str}}", opt={"permission": WRITE_SERVICES}, status_code=204)
async def revoke_service(
    request: AnyRequest,
    cid: FromPath[str],  # noqa: ARG001  the guard's
    service: FromPath[str],
) -> None:
    """End a service and all its tokens, at once."""
    context = context_of(request)
    await written(
        services.revoke_service,
        context.store,
        _holder(request),
        service,
        context.now(),
    )


ROUTES = [list_services, create_service, revoke_service]
