"""Routes of access: login and logout."""

import asyncio
from typing import Any

import msgspec
from litestar import MediaType, Request, Response, post

from footfall.errors import BodyInvalid, FieldError
from footfall.web.context import address_of, context_of
from footfall.web.guard import bearer_token
from footfall.web.payload import read_payload

CREDENTIALS_BYTES_MAX = 16 * 1024


class Credentials(msgspec.Struct, rename="camel", frozen=True):
    """The key and the secret of a service."""

    client_key: str | None = None
    client_secret: str | None = None
    clietKey: str | None = None  # noqa: N815  a misprint in samples of the original


class Token(msgspec.Struct, frozen=True):
    """A JWT that is valid for one day."""

    token: str


@post("/v1/sts/login/services")
async def login(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Return a token for a clientKey and a clientSecret."""
    context = context_of(request)
    who = f"login {address_of(request)}"
    key, secret = _credentials(await read_payload(request, who, CREDENTIALS_BYTES_MAX))
    async with context.limiter.login(key, address_of(request), context.now()):
        token = await asyncio.to_thread(
            context.tokens.login, key, secret, context.now()
        )
    return Response(
        msgspec.json.encode(Token(token)),
        status_code=200,
        media_type=MediaType.JSON,
        headers={"Authorization": f"Bearer {token}", "Cache-Control": "no-store"},
    )


def _credentials(body: bytes) -> tuple[str, str]:
    try:
        sent = msgspec.json.decode(body, type=Credentials)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise BodyInvalid(
            'Send JSON: {"clientKey": "ck-…", "clientSecret": "…"}.'
        ) from None
    key = sent.client_key or sent.clietKey
    missing = [
        FieldError(name, "is missing")
        for name, value in (("clientKey", key), ("clientSecret", sent.client_secret))
        if not value
    ]
    if not key or not sent.client_secret:
        raise BodyInvalid("Both clientKey and clientSecret are needed.", missing)
    return key, sent.client_secret


@post("/v1/sts/logout", status_code=200)
async def logout(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Revoke the token that the request carries, for good."""
    context = context_of(request)
    await context.tokens.logout(bearer_token(request), context.now())
    return Response(b"", media_type=MediaType.TEXT)
