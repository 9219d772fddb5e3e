"""The running service: the settings, a store and the web server put together."""

import asyncio
import contextlib
import functools
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from typing import Protocol

from footfall import clock, logs, settings
from footfall.core.scrolls import ScrollSeal
from footfall.errors import FootfallError, SettingInvalid
from footfall.flows.accounts.oidc import OIDCSignIn
from footfall.flows.accounts.rate_limits import Limiter, SharedBuckets
from footfall.flows.accounts.sign_in import SignIn
from footfall.flows.accounts.tokens import Tokens
from footfall.flows.accounts.users import first_link, lacks_users
from footfall.flows.delivery.follow import Followers
from footfall.flows.delivery.manage import Webhooks
from footfall.flows.events.read import EventReader
from footfall.runtime import http, jobs, memory, radius, workers
from footfall.runtime.keys import derive_key
from footfall.runtime.webhook_sender import Sender
from footfall.runtime.webhooks import delivering
from footfall.runtime.worker_limits import WorkerBuckets
from footfall.runtime.workers import Place, Started
from footfall.service import directory, open_store, source_secrets, webhook_secrets
from footfall.settings import Settings
from footfall.store import Store
from footfall.web import app
from footfall.web.context import Context


class Ready(Protocol):
    """Called with the address once footfall serves."""

    def __call__(
        self, address: str, *, radius: str, link: str | None, lacks_users: bool
    ) -> None:
        """Receive the HTTP address, a sentence on RADIUS, and a first sign-in link.

        The link's token is there where nobody has set a password yet; see
        `flows.accounts.users.first_link`. If nobody could have one, users are lacking.
        """


def make_context(
    store: Store,
    secret: str,
    limiter: Limiter | None = None,
    now: Callable[[], int] = clock.now,
    sender: Sender | None = None,
    chosen: Settings | None = None,
) -> Context:
    """Put together the context of the handlers."""
    chosen = chosen or Settings()
    limiter = limiter or Limiter(chosen.rate, chosen.burst)
    tokens = Tokens(store, derive_key(secret, "token", 32))
    seal = ScrollSeal(derive_key(secret, "scroll", 64))
    reader = EventReader(store, seal)
    sources, followers = source_secrets(store, secret), Followers(store)
    sender = sender or Sender()
    webhooks = Webhooks(store, webhook_secrets(secret), sender.allowed)
    sign_in = SignIn(store, tokens)
    return Context(
        store,
        tokens,
        sign_in,
        sources,
        reader,
        followers,
        webhooks,
        sender,
        limiter,
        now,
        _oidc(chosen, sign_in, derive_key(secret, "oidc", 32)),
    )


def _oidc(chosen: Settings, sign_in: SignIn, key: bytes) -> OIDCSignIn | None:
    """Return how people sign in at a directory, if the settings name one."""
    found = directory(chosen)
    if found is None or chosen.address is None:
        return None
    return OIDCSignIn(sign_in, found, chosen.oidc_name, chosen.address, key)


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
    memory.keep_freed()
    secret = settings.signing_secret(chosen)
    if chosen.workers > 1:
        _serve_with_workers(chosen, ready)
        return
    store = open_store(chosen, serving=True)
    try:
        asyncio.run(_serve(chosen, store, secret, ready))
    finally:
        store.close()


def _serve_with_workers(chosen: Settings, ready: Ready) -> None:
    """Start workers, and keep them running until a signal."""
    # Here, once: migrations, and what is wrong with the store.
    open_store(chosen).close()

    def tell(first: Started) -> None:
        ready(
            first.address,
            radius=first.radius,
            link=first.link,
            lacks_users=first.lacks_users,
        )

    with workers.places(chosen.host, chosen.port, chosen.workers) as places:
        if not workers.run(functools.partial(_work, chosen), places, tell):
            sys.exit(1)


def _work(chosen: Settings, place: Place, parent: Connection) -> None:
    """Serve as one of several workers; tell the parent once it serves, or why not."""
    logs.configure(chosen.log)
    memory.keep_freed()

    def tell(address: str, *, radius: str, link: str | None, lacks_users: bool) -> None:
        with contextlib.suppress(OSError):  # nobody listens to one started again
            parent.send(Started(address, radius, link, lacks_users))

    secret = settings.signing_secret(chosen)
    try:
        store = open_store(chosen, serving=True)
        try:
            asyncio.run(_serve(chosen, store, secret, tell, place))
        finally:
            store.close()
    except FootfallError as error:
        with contextlib.suppress(OSError):
            parent.send(error)
        raise


async def _serve(
    chosen: Settings,
    store: Store,
    secret: str,
    ready: Ready,
    place: Place | None = None,
) -> None:
    """Serve HTTP and RADIUS, and run the periodic jobs."""
    if place is not None:
        _leave_with_parent()
    only = place is None or place.is_first
    async with _shared_buckets(chosen, secret, place) as shared:
        limiter = Limiter(chosen.rate, chosen.burst, shared)
        sender = Sender(chosen.webhook_allow)
        context = make_context(store, secret, limiter, sender=sender, chosen=chosen)
        async with (
            _radius(context, chosen, listens=only) as radius_status,
            jobs.running(store, chosen.observations_days),
            context.followers.running(),
            sender.open(),
            delivering(store, context.webhooks.secrets, sender),
        ):
            application = app.build(context, chosen.workers)
            link, lacking = None, False
            if only:
                link = await asyncio.to_thread(first_link, store, clock.now())
                lacking = link is None and await asyncio.to_thread(lacks_users, store)
            tell = functools.partial(
                ready, radius=radius_status, link=link, lacks_users=lacking
            )
            stop = context.followers.close
            port = chosen.port if place is None else place.port
            shares = place is not None
            await http.run(
                application, chosen.host, port, tell, stop, shares_port=shares
            )


def _leave_with_parent() -> None:
    """Stop when the parent dies, even by a kill."""
    parent = parent_process()
    if parent is None:
        return
    loop, ended = asyncio.get_running_loop(), parent.sentinel

    def leave() -> None:
        loop.remove_reader(ended)
        os.kill(os.getpid(), signal.SIGTERM)

    loop.add_reader(ended, leave)


@contextlib.asynccontextmanager
async def _radius(
    context: Context, chosen: Settings, *, listens: bool
) -> AsyncIterator[str]:
    """Take RADIUS in, if this worker is the one that does."""
    if not listens:
        yield ""
        return
    async with radius.listening(context, chosen.host, chosen.radius_port) as status:
        yield status


@contextlib.asynccontextmanager
async def _shared_buckets(
    chosen: Settings, secret: str, place: Place | None = None
) -> AsyncIterator[SharedBuckets | None]:
    """Share rate limits with other servers if the settings say so, or with workers."""
    if chosen.limits is None:
        if place is None:
            yield None
            return
        buckets = WorkerBuckets(place.limits, clock.now)
        try:
            yield buckets
        finally:
            buckets.close()
        return
    try:
        from footfall.runtime.shared_rates import sharing  # noqa: PLC0415  an extra
    except ModuleNotFoundError:
        raise SettingInvalid(
            "FOOTFALL_LIMITS needs the client of Redis: pip install 'footfall[redis]'"
        ) from None
    async with sharing(chosen.limits, derive_key(secret, "limits", 32)) as shared:
        yield shared
