"""Responses: what the handlers of single objects share."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import msgspec
from litestar import MediaType, Request, Response

from footfall.core import decoding, instants
from footfall.web.context import context_of
from footfall.web.payload import OBJECT_BYTES_MAX, read_payload

T = TypeVar("T")


def answer(value: Any, status: int = 200) -> Response[bytes]:
    """Answer with JSON."""
    body = msgspec.json.encode(value)
    return Response(body, status_code=status, media_type=MediaType.JSON)


def page(
    request: Request[Any, Any, Any], name: str, found: list[Any]
) -> Response[bytes]:
    """Answer with a list of things, with its length and the instant."""
    return answer(
        {
            "status": "OK",
            "generated": instants.format_instant(context_of(request).now()),
            "count": len(found),
            name: found,
        }
    )


async def read_object(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """Read the body as one JSON object.

    Raises:
        BodyInvalid: It is not one JSON object.
    """
    who: str = request.state.grant.service.client_key
    return decoding.decode_object(await read_payload(request, who, OBJECT_BYTES_MAX))


async def written(begin: Callable[..., Future[T]], *args: Any) -> T:
    """Begin a write, off the event loop because it may read first, and wait for it."""
    return await asyncio.wrap_future(await asyncio.to_thread(begin, *args))
