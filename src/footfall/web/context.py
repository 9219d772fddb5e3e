"""What the handlers work with; the composition root puts it together."""

from collections.abc import Callable

import msgspec
from litestar.connection import ASGIConnection

from footfall.flows.accounts.oidc import OIDCSignIn
from footfall.flows.accounts.rate_limits import Limiter
from footfall.flows.accounts.sign_in import SignIn
from footfall.flows.accounts.source_secrets import SourceSecrets
from footfall.flows.accounts.tokens import Tokens
from footfall.flows.delivery.endpoint import Send
from footfall.flows.delivery.follow import Followers
from footfall.flows.delivery.manage import Webhooks
from footfall.flows.events.read import EventReader
from footfall.store import Store


class Context(msgspec.Struct, frozen=True):
    """The store and what stands on it; the limits; the clock; perhaps a directory."""

    store: Store
    tokens: Tokens
    sign_in: SignIn
    sources: SourceSecrets
    reader: EventReader
    followers: Followers
    webhooks: Webhooks
    send: Send
    limiter: Limiter
    now: Callable[[], int]
    oidc: OIDCSignIn | None = None


def context_of(connection: ASGIConnection) -> Context:  # type: ignore[type-arg]
    """Return the context of the application that handles this connection."""
    context: Context = connection.app.state.context
    return context


def address_of(connection: ASGIConnection) -> str:  # type: ignore[type-arg]
    """Return the peer's address; behind a proxy it is the proxy's."""
    return connection.client.host if connection.client else ""
