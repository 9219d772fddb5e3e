"""Routes of webhooks: manage them, see what was tried, try again."""

import asyncio
from typing import Any

from litestar import Request, Response, delete, get, patch, post
from litestar.params import FromPath

from footfall.core import decoding, instants
from footfall.core.access import READ_WEBHOOKS, WRITE_WEBHOOKS
from footfall.flows.delivery import attempts
from footfall.web.concurrency import service_of
from footfall.web.context import context_of
from footfall.web.payload import OBJECT_BYTES_MAX, read_payload
from footfall.web.responses import answer, read_object, written

AnyRequest = Request[Any, Any, Any]
_ALL = "/v1/organizations/{cid:str}/webhooks"
_ONE = f"{_ALL}/{{webhook:str}}"
_READS = {"permission": READ_WEBHOOKS}
_WRITES = {"permission": WRITE_WEBHOOKS}


@get(_ALL, opt=_READS)
async def list_webhooks(request: AnyRequest, cid: FromPath[str]) -> Response[bytes]:
    """The webhooks of an organization."""
    context = context_of(request)
    found = await asyncio.to_thread(context.webhooks.list_all, cid)
    return answer(
        {
            "status": "OK",
            "generated": instants.format_instant(context.now()),
            "count": len(found),
            "webhooks": found,
        }
    )


@post(_ALL, opt=_WRITES)
async def create_webhook(request: AnyRequest, cid: FromPath[str]) -> Response[bytes]:
    """Make a webhook; the answer has its secret, this once."""
    value, context = await read_object(request), context_of(request)
    made = await written(context.webhooks.create, cid, value, context.now())
    return answer(made, 201)


@get(_ONE, opt=_READS)
async def read_webhook(
    request: AnyRequest, cid: FromPath[str], webhook: FromPath[str]
) -> Response[bytes]:
    """A webhook, and how it stands."""
    context = context_of(request)
    return answer(await asyncio.to_thread(context.webhooks.read, cid, webhook))


@patch(_ONE, opt=_WRITES)
async def change_webhook(
    request: AnyRequest, cid: FromPath[str], webhook: FromPath[str]
) -> Response[bytes]:
    """Change the fields of a webhook that are sent; enable or disable it."""
    value, context = await read_object(request), context_of(request)
    changed = await written(context.webhooks.change, cid, webhook, value, context.now())
    return answer(changed)


@delete(_ONE, opt=_WRITES, status_code=204)
async def delete_webhook(
    request: AnyRequest, cid: FromPath[str], webhook: FromPath[str]
) -> None:
    """Delete a webhook."""
    await written(context_of(request).webhooks.delete, cid, webhook)


@post(f"{_ONE}/rotate", opt=_WRITES, status_code=200)
async def rotate_secret(
    request: AnyRequest, cid: FromPath[str], webhook: FromPath[str]
) -> Response[bytes]:
    """Give a webhook a new secret; the answer has it, this once."""
    raw = await read_payload(request, service_of(request), OBJECT_BYTES_MAX)
    value = decoding.decode_object(raw) if raw else {}
    context = context_of(request)
    rotated = await written(context.webhooks.rotate, cid, webhook, value, context.now())
    return answer(rotated)


@post(f"{_ONE}/ping", opt=_WRITES, status_code=200)
async def ping_webhook(
    request: AnyRequest, cid: FromPath[str], webhook: FromPath[str]
) -> Response[bytes]:
    """Send a test message now, and say what became of it."""
    context = context_of(request)
    return answer(
        await attempts.ping(context.webhooks, context.send, cid, webhook, context.now())
    )


@post(f"{_ONE}/replay", opt=_WRITES, status_code=202)
async def replay_events(
    request: AnyRequest, cid: FromPath[str], webhook: FromPath[str]
) -> Response[bytes]:
    """Send all events since an instant again."""
    value, context = await read_object(request), context_of(request)
    await written(context.webhooks.replay, cid, webhook, value)
    return answer({"status": "OK"}, 202)


@get(f"{_ONE}/deliveries", opt=_READS)
async def list_deliveries(
    request: AnyRequest, cid: FromPath[str], webhook: FromPath[str]
) -> Response[bytes]:
    """What was tried, newest first."""
    context = context_of(request)
    found = await asyncio.to_thread(
        attempts.list_deliveries,
        context.store,
        cid,
        webhook,
        request.query_params.dict(),
    )
    return answer(
        {
            "status": "OK",
            "generated": instants.format_instant(context.now()),
            "count": len(found),
            "deliveries": found,
        }
    )


@post(
    f"{_ONE}/deliveries/{{delivery:str}}/resend",
    opt=_WRITES,
    status_code=202,
)
async def resend_delivery(
    request: AnyRequest,
    cid: FromPath[str],
    webhook: FromPath[str],
    delivery: FromPath[str],
) -> Response[bytes]:
    """Send the event of a delivery again, now."""
    context = context_of(request)
    await written(context.webhooks.resend, cid, webhook, delivery, context.now())
    return answer({"status": "OK"}, 202)


ROUTES = [
    list_webhooks,
    create_webhook,
    read_webhook,
    change_webhook,
    delete_webhook,
    rotate_secret,
    ping_webhook,
    replay_events,
    list_deliveries,
    resend_delivery,
]
