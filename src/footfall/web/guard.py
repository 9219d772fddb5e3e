"""The guard: no token, no entry.

A route names the permission that it needs as `opt={"permission": …}`; a route without
one is open.
"""

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from footfall.core import access
from footfall.errors import TokenMissing
from footfall.web.context import context_of


def bearer_token(connection: ASGIConnection) -> str:  # type: ignore[type-arg]
    """Return the token of the Authorization header.

    Raises:
        TokenMissing: There is none.
    """
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise TokenMissing("Send the header `Authorization: Bearer <token>`.")
    return token.strip(" ")


async def guard(connection: ASGIConnection, handler: BaseRouteHandler) -> None:  # type: ignore[type-arg]
    """Let the request in, or refuse it.

    Raises:
        TokenMissing: It has no token.
        TokenRefused: The token is malformed, expired or revoked.
        TooManyRequests: The service is over its rate limit.
        NotAllowed: The token is not for this organization or operation.
    """
    permission: access.Permission | None = handler.opt.get("permission")
    if permission is None:
        return
    context = context_of(connection)
    grant = await context.tokens.verify(bearer_token(connection), context.now())
    await context.limiter.count_request(grant.service.client_key, context.now())
    # A path without an organization refers to the token's own organization.
    organization = connection.path_params.get("cid", grant.service.organization)
    access.check(grant, permission, organization)
    connection.state.grant = grant
