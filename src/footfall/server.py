"""The running service: the settings, a store and the web server put together."""

import asyncio
import functools
from collections.abc import Callable
from typing import Protocol

from footfall import clock, logs, settings
from footfall.core.scrolls import ScrollSeal
from footfall.flows.accounts.rate_limits import Limiter
from footfall.flows.accounts.tokens import Tokens
from footfall.flows.events.read import Reading
from footfall.runtime import http, jobs, radius
from footfall.runtime.keys import derive_key
from footfall.service import open_store, source_secrets
from footfall.settings import Settings
from footfall.store import Store
from footfall.web import app
from footfall.web.context import Context


class Ready(Protocol):
    """Called with the address once footfall serves."""

    def __call__(self, address: str, *, radius: str) -> None:
        """Receive the HTTP address, and a sentence on the status of RADIUS."""


def make_context(
    store: Store,
    secret: str,
    limiter: Limiter | None = None,
    now: Callable[[], int] = clock.now,
) -> Context:
    """Put together the context of the handlers."""
    limiter = limiter or Limiter(Settings().rate, Settings().burst)
    tokens = Tokens(store, derive_key(secret, "token", 32))
    seal = ScrollSeal(derive_key(secret, "scroll", 64))
    reading = Reading(store, seal)
    return Context(store, tokens, source_secrets(store, secret), reading, limiter, now)


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
        limiter = Limiter(chosen.rate, chosen.burst)
        context = make_context(store, secret, limiter)
        asyncio.run(_serve(chosen, context, ready))
    finally:
        store.close()


async def _serve(chosen: Settings, context: Context, ready: Ready) -> None:
    """Serve HTTP and RADIUS, and run the periodic jobs."""
    async with (
        radius.listening(context, chosen.host, chosen.radius_port) as radius_status,
        jobs.running(context.store, chosen.observations_days),
    ):
        application = app.build(context)
        tell = functools.partial(ready, radius=radius_status)
        await http.run(application, chosen.host, chosen.port, tell)
