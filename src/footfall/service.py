"""The composition root: settings in, a running service out.

The only module that names a store engine, the web server, or the keys.
"""

import asyncio
import contextlib
import functools
import gc
import itertools
import os
import resource
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import structlog
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from footfall import clock, logs, settings
from footfall.core.instants import DAY
from footfall.core.scrolls import ScrollSeal
from footfall.errors import AddressTaken, FootfallError, SecretWrong
from footfall.flows import presence
from footfall.flows.limit import Limiter
from footfall.flows.reading import Reading
from footfall.flows.reattribute import reattribute_all
from footfall.flows.recognise import Recogniser
from footfall.flows.sources import SourceDesk
from footfall.flows.tokens import TokenDesk
from footfall.settings import Settings
from footfall.store import Store
from footfall.store.sqlite import SQLiteStore, copies
from footfall.store.sqlite.examination import examine_file
from footfall.store.sqlite.keys import is_sealed
from footfall.udp import Accounting
from footfall.web import app
from footfall.web.context import Context

STOP_WITHIN_S = 4
GOODBYE_S = 0.3
HEADERS_WITHIN_MS = 10_000
POLL_S = 0.02
SWITCH_S = 0.001
CONNECTIONS_MAX = 8192
# For what would hold up the loop; more than cores only wait for the lock.
THREADS = max(2, min(4, os.cpu_count() or 2))
SWEEP_EVERY_S = 1
INDEX_EVERY = 10  # sweeps
FORGET_EVERY = 600
_log = structlog.get_logger()


class Ready(Protocol):
    """Told where footfall serves, once it does."""

    def __call__(self, address: str, *, radius: str) -> None:
        """Hear the HTTP address, and a sentence on whether RADIUS is taken in."""


def open_store(chosen: Settings, *, serving: bool = False) -> Store:
    """Open the store that the settings name; `serving` is for the server itself.

    Raises:
        StoreError: It cannot be used; see `errors`.
    """
    return SQLiteStore(chosen.path, _store_key(chosen, chosen.path), serving=serving)


def _store_key(chosen: Settings, database: Path) -> bytes:
    """Return the key under which the keys in a database are sealed.

    Raises:
        SecretWrong: They are sealed, and the secret is not here.
    """
    file = settings.secret_file(chosen)
    if chosen.secret is None and not file.exists() and is_sealed(database):
        raise SecretWrong(
            f"The keys in {database} are sealed under a secret that is not here: bring "
            f"{file} back, or set FOOTFALL_SECRET."
        )
    return derive_key(settings.signing_secret(chosen), "store", 64)


def examine(chosen: Settings) -> dict[str, Any]:
    """Say how the store is that cannot be opened with the secret that is here."""
    return examine_file(chosen.path)


def backup(chosen: Settings, target: Path) -> None:
    """Copy the store to a new file, also while it is served; see `store.sqlite`."""
    copies.backup(chosen.path, target)


def restore(
    chosen: Settings, source: Path, *, without_journal: bool = False
) -> Path | None:
    """Put a backup in the store's place; returns where the old one is kept."""
    return copies.restore(
        source,
        chosen.path,
        _store_key(chosen, source),
        without_journal=without_journal,
    )


def make_context(
    store: Store,
    secret: str,
    limiter: Limiter | None = None,
    now: Callable[[], int] = clock.now,
) -> Context:
    """Put together what the handlers work with."""
    limiter = limiter or Limiter(Settings().rate, Settings().burst)
    desk = TokenDesk(store, derive_key(secret, "token", 32))
    seal = ScrollSeal(derive_key(secret, "scroll", 64))
    reading = Reading(store, seal)
    return Context(store, desk, source_desk(store, secret), reading, limiter, now)


def source_desk(store: Store, secret: str) -> SourceDesk:
    """Return what makes sources, and opens their secrets."""
    return SourceDesk(store, derive_key(secret, "source", 64))


def derive_key(secret: str, purpose: str, length: int) -> bytes:
    """Make a key of its own for each purpose from the one secret (RFC 5869)."""
    info = f"footfall {purpose}".encode()
    return HKDF(SHA256(), length, salt=None, info=info).derive(secret.encode())


def serve(chosen: Settings, ready: Ready) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are finished.

    Args:
        chosen: The settings.
        ready: Told the address once connections are accepted, and of RADIUS.

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
    """Serve HTTP and RADIUS, and close the stays that are over."""
    async with (
        listening(context, chosen.host, chosen.radius_port) as radius,
        ticking(context.store, chosen.observations_days),
    ):
        application = app.build(context)
        tell = functools.partial(ready, radius=radius)
        await run(application, chosen.host, chosen.port, tell)


@contextlib.asynccontextmanager
async def listening(
    context: Context, host: str, port: int | None
) -> AsyncIterator[str]:
    """Take in RADIUS accounting meanwhile; yields a sentence on where.

    On a port that was named, at once; else on the standard one, once there is a source
    for it, so that nobody fails for the port of another RADIUS server.

    Raises:
        AddressTaken: The port that was named cannot be listened on.
    """
    accounting = Accounting(
        context.store,
        Recogniser(context.store, context.sources),
        context.now,
        host,
        settings.RADIUS_PORT if port is None else port,
    )
    if port is None:
        accounting.listen_if_needed()
    else:
        accounting.listen()
    accounting.start()
    try:
        yield accounting.status()
    finally:
        await asyncio.to_thread(accounting.close)


@contextlib.asynccontextmanager
async def ticking(store: Store, observations_days: int) -> AsyncIterator[None]:
    """Close the stays that are over, and forget what is old enough, meanwhile."""
    tasks = [
        asyncio.create_task(_tick(store, observations_days * DAY)),
        asyncio.create_task(_finish_erasures(store)),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _tick(store: Store, observations_kept: int) -> None:
    for number in itertools.count():
        try:
            await asyncio.to_thread(reattribute_all, store, clock.now())
            await asyncio.to_thread(presence.close_due, store, clock.now())
            if number % INDEX_EVERY == 0:
                while await asyncio.to_thread(store.index_kept):
                    pass
            if number % FORGET_EVERY == 0:
                await asyncio.to_thread(
                    presence.forget, store, clock.now(), observations_kept
                )
        except FootfallError as error:
            # A full disk, say: what is due stays due.
            _log.warning("stays are not closed now", reason=error.code)
        except Exception as error:  # noqa: BLE001  one bad stay must not stop the rest
            _log.error("bug", error=type(error).__name__, place="tick")
        await asyncio.sleep(SWEEP_EVERY_S)


async def _finish_erasures(store: Store) -> None:
    """Take away what had to wait, and now and then what a killed process left."""
    for number in itertools.count():
        try:
            resume = number % FORGET_EVERY == 0
            await asyncio.wrap_future(store.finish_erasures(resume=resume))
        except FootfallError as error:
            _log.warning("erasures are not finished now", reason=error.code)
        except Exception as error:  # noqa: BLE001  it is tried again
            _log.error("bug", error=type(error).__name__, place="erasures")
        await asyncio.sleep(SWEEP_EVERY_S)


def bind_port(host: str, port: int) -> int:
    """Return the port to serve on; 0 finds a free one.

    The server shares its port between processes, so a port in use is found here.

    Raises:
        AddressTaken: It cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise AddressTaken(
                f"{host}:{port} cannot be listened on: {error.strerror}. "
                "Choose another with --port."
            ) from None
        return int(probe.getsockname()[1])


async def run(
    application: ASGIApp, host: str, port: int, ready: Callable[[str], None]
) -> None:
    """Run an application until SIGTERM or SIGINT; see `serve`."""
    port = bind_port(host, port)
    _allow_connections()
    leaving = asyncio.Event()
    server = Server(
        saying_goodbye(application, leaving),
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        # HTTP/2 has no deadline for a connection that says nothing.
        http=HTTPModes.http1,
        websockets=False,
        backlog=1024,
        backpressure=CONNECTIONS_MAX,
        http1_settings=HTTP1Settings(header_read_timeout=HEADERS_WITHIN_MS),
        log_enabled=False,
    )
    server.workers_kill_timeout = STOP_WITHIN_S

    def leave() -> None:
        """Take no one new, let those who are here finish, then stop."""
        if not leaving.is_set():
            leaving.set()
            _stop_listening(port)
            loop.call_later(GOODBYE_S, server.stop)

    # A thread that parses gives way to the loop this often.
    sys.setswitchinterval(SWITCH_S)
    # What is loaded by now stays: collections need not look at it again.
    gc.collect()
    gc.freeze()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(THREADS, "footfall-work"))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, leave)
    serving = asyncio.create_task(server.serve())
    # The server does not say when it listens, so it is asked.
    while not serving.done() and not await _accepts(host, port):  # noqa: ASYNC110
        await asyncio.sleep(POLL_S)
    if not serving.done():
        ready(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
    with contextlib.suppress(TimeoutError):  # what took longer was ended
        await serving


def saying_goodbye(application: ASGIApp, leaving: asyncio.Event) -> ASGIApp:
    """Tell clients to come back on a new connection once the server leaves."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            if leaving.is_set() and message["type"] == "http.response.start":
                headers = [*message.get("headers", []), (b"connection", b"close")]
                message["headers"] = headers
            await send(message)

        await application(scope, receive, answer)

    return wrapped


def _stop_listening(port: int) -> None:
    """Refuse new connections from now on.

    The server can only drop everybody. So its listening socket is found among this
    process's files, and one that nobody knows of is put in its place.
    """
    nowhere = socket.create_server(("127.0.0.1", 0))
    nowhere.setblocking(False)
    files = Path("/proc/self/fd")  # elsewhere than on Linux they are dropped
    for file in files.iterdir() if files.exists() else ():
        with contextlib.suppress(OSError):
            number = int(file.name)
            with socket.socket(fileno=os.dup(number)) as found:
                listening = found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
                is_ours = listening and found.getsockname()[1] == port
            if is_ours:
                os.dup2(nowhere.fileno(), number, inheritable=False)
    nowhere.close()


def _allow_connections() -> None:
    """Have as many open files as the system lets this process have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS_MAX * 2
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


async def _accepts(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True
