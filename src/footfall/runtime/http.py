"""The HTTP server: granian in this process, and a stop that cuts no request off."""

import asyncio
import contextlib
import gc
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from footfall.errors import AddressTaken

STOP_WITHIN_S = 4
GOODBYE_S = 0.3
HEADERS_WITHIN_MS = 10_000
POLL_S = 0.02
SWITCH_S = 0.001
CONNECTIONS_MAX = 8192
# For what would hold up the loop; more than cores only wait for the lock.
THREADS = max(2, min(4, os.cpu_count() or 2))


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
