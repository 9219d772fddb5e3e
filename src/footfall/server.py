"""The running service: the settings, a store and the web server put together."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from footfall import clock, logs, settings
from footfall.core.scrolls import ScrollSeal
from footfall.errors import SettingInvalid
from footfall.flows.accounts.rate_limits import Limiter, SharedBuckets
from footfall.flows.accounts.sign_in import SignIn
from footfall.flows.accounts.tokens import Tokens
from footfall.flows.accounts.users import first_link
from footfall.flows.delivery.follow import Followers
from footfall.flows.delivery.manage import Webhooks
from footfall.flows.events.read import Reading
from footfall.runtime import http, jobs, radius
from footfall.runtime.keys import derive_key
from footfall.runtime.webhook_sender import Sender
from footfall.runtime.webhooks import delivering
from footfall.service import open_store, source_secrets, webhook_secrets
from footfall.settings import Settings
from footfall.store import Store
from footfall.web import app
from footfall.web.context import Context


class Ready(Protocol):
    """Called with the address once footfall serves."""

    def __call__(self, address: str, *, radius: str, link: str | None) -> None:
        """Receive the HTTP address, a sentence on RADIUS, and a first sign-in link.

        The link's token is there where nobody has set a password yet; see
        `flows.accounts.users.first_link`.
        """


def make_context(
    store: Store,
    secret: str,
    limiter: Limiter | None = None,
    now: Callable[[], int] = clock.now,
    sender: Sender | None = None,
) -> Context:
    """Put together the context of the handlers."""
    limiter = limiter or Limiter(Settings().rate, Settings().burst)
    tokens = Tokens(store, derive_key(secret, "token", 32))
    seal = ScrollSeal(derive_key(secret, "scroll", 64))
    reading = Reading(store, seal)
    sources, followers = source_secrets(store, secret), Followers(store)
    sender = sender or Sender()
    webhooks = Webhooks(store, webhook_secrets(secret), sender.allowed)
    return Context(
        store,
        tokens,
        SignIn(store, tokens),
        sources,
        reading,
        followers,
        webhooks,
        sender,
        limiter,
        now,
    )


def serve(chosen: Settings, ready: Ready) -> None:
    """Serve until SIGTERM or SIGINT, and finish the requests under way.

    Args:
        chosen: The settings.
        ready: Called once connections are accepted; see `Ready`.

    Raises:
        StoreError: The store cannot be used.
        AddressTaken: The address cannot be used.
    """
    logs.configure(chosen.log)
    secret = settings.signing_secret(chosen)
    store = open_store(chosen, serving=True)
    try:
        asyncio.run(_serve(chosen, store, secret, ready))
    finally:
        store.close()


async def _serve(chosen: Settings, store: Store, secret: str, ready: Ready) -> None:
    """Serve HTTP and RADIUS, and run the periodic jobs."""
    async with _shared_buckets(chosen, secret) as shared:
        limiter = Limiter(chosen.rate, chosen.burst, shared)
        sender = Sender(chosen.webhook_allow)
        context = make_context(store, secret, limiter, sender=sender)
        async with (
            radius.listening(context, chosen.host, chosen.radius_port) as radius_status,
            jobs.running(store, chosen.observations_days),
            context.followers.running(),
            sender.open(),
            delivering(store, context.webhooks.secrets, sender),
        ):
            application = app.build(context)
            link = await asyncio.to_thread(first_link, store, clock.now())
            tell = functools.partial(ready, radius=radius_status, link=link)
            stop = context.followers.close
            await http.run(application, chosen.host, chosen.port, tell, stop)


@contextlib.asynccontextmanager
async def _shared_buckets(
    chosen: Settings, secret: str
) -> AsyncIterator[SharedBuckets | None]:
    """Share rate limits with other servers if the settings say so."""
    if chosen.limits is None:
        yield None
        return
    try:
        from footfall.runtime.shared_rates import sharing  # noqa: PLC0415  an extra
    except ModuleNotFoundError:
        raise SettingInvalid(
            "FOOTFALL_LIMITS needs the client of Redis: pip install 'footfall[redis]'"
        ) from None
    async with sharing(chosen.limits, derive_key(secret, "limits", 32)) as shared:
        yield shared
