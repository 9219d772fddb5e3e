"""The guard: no token, no entry.

A route names the permission that it needs as `opt={"permission": …}`; a route without
one is open.
"""

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from footfall.core import access
from footfall.errors import TokenMissing
from footfall.web.context import Context, context_of


def bearer_token(connection: ASGIConnection) -> str:  # type: ignore[type-arg]
    """Return the token of a request; see `token_of`."""
    return token_of(connection.headers.get("authorization", ""))


def token_of(authorization: str) -> str:
    """Return the token of an Authorization header.

    Raises:
        TokenMissing: There is none.
    """
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise TokenMissing("Send the header `Authorization: Bearer <token>`.")
    return token.strip(" ")


async def admit(
    context: Context,
    token: str,
    permission: access.Permission,
    organization: str | None,
) -> access.Grant:
    """Let a request in, or refuse it.

    Args:
        context: What verifies and counts.
        token: The token that it carries.
        permission: What it needs.
        organization: That of its path; None is the token's own.

    Raises:
        TokenRefused: The token is malformed, expired or revoked.
        TooManyRequests: The service is over its rate limit.
        NotAllowed: The token is not for this organization or operation.
    """
    grant = await context.tokens.verify(token, context.now())
    service = grant.service
    await context.limiter.count_request(service.client_key, context.now())
    access.check(grant, permission, organization or service.organization)
    return grant


async def guard(connection: ASGIConnection, handler: BaseRouteHandler) -> None:  # type: ignore[type-arg]
    """Let the request in, or refuse it; see `admit`."""
    permission: access.Permission | None = handler.opt.get("permission")
    if permission is None:
        return
    connection.state.grant = await admit(
        context_of(connection),
        bearer_token(connection),
        permission,
        connection.path_params.get("cid"),
    )
