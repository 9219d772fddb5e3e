"""The HTTP server: granian in this process, and a stop that cuts off no request."""

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
# What is kept of an answer that its client does not take: two parts of it.
BUFFER_BYTES = 128 * 1024
# granian has one deadline for the head of a request and for the time before it.
_KEEP_ALIVE = (b"keep-alive", b"timeout=%d" % (HEADERS_WITHIN_MS // 1000))
_CLOSE = (b"connection", b"close")
POLL_S = 0.02
SWITCH_S = 0.001
CONNECTIONS_MAX = 8192
# For work that would hold up the loop; more threads than cores only wait for the GIL.
THREADS = max(2, min(4, os.cpu_count() or 2))


def bind_port(host: str, port: int) -> int:
    """Return the port to serve on; 0 finds a free one.

    granian shares its port between processes and so would not fail on a port in use:
    this check does.

    Raises:
        AddressTaken: The port is in use, or may not be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise AddressTaken(
                f"footfall cannot listen on {host}:{port}: {error.strerror}. "
                "Choose another with --port."
            ) from None
        return int(probe.getsockname()[1])


async def run(
    application: ASGIApp,
    host: str,
    port: int,
    ready: Callable[[str], None],
    stopping: Callable[[], None],
    *,
    shares_port: bool = False,
) -> None:
    """Run an application until SIGTERM or SIGINT.

    Args:
        application: What answers.
        host: Where to listen.
        port: On which port; 0 finds a free one.
        ready: Called with the address once connections are accepted.
        stopping: Called when the stop begins, to bring endless answers to their end.
        shares_port: Whether other workers listen on this port too.
    """
    port = port if shares_port else bind_port(host, port)
    _allow_connections()
    leaving = asyncio.Event()
    server = Server(
        with_connection_headers(application, leaving),
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        # In HTTP/2, granian has no deadline for a silent connection.
        http=HTTPModes.http1,
        websockets=False,
        backlog=1024,
        backpressure=CONNECTIONS_MAX,
        http1_settings=HTTP1Settings(
            header_read_timeout=HEADERS_WITHIN_MS, max_buffer_size=BUFFER_BYTES
        ),
        log_enabled=False,
    )
    server.workers_kill_timeout = STOP_WITHIN_S

    def leave() -> None:
        """Accept no new connections, let requests under way finish, then stop."""
        if not leaving.is_set():
            leaving.set()
            stopping()
            _stop_listening(port)
            loop.call_later(GOODBYE_S, server.stop)

    # How often a thread that parses lets the loop run.
    sys.setswitchinterval(SWITCH_S)
    # What is loaded by now stays, so garbage collections need not look at it.
    gc.collect()
    gc.freeze()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(THREADS, "footfall-work"))
    on_signals(leave)
    serving = asyncio.create_task(server.serve())
    # granian does not say when it listens, so try to connect.
    while not serving.done() and not await _accepts(host, port):  # noqa: ASYNC110
        await asyncio.sleep(POLL_S)
    if not serving.done():
        ready(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")
    with contextlib.suppress(TimeoutError):  # granian ended what took longer
        await serving


def on_signals(leave: Callable[[], None]) -> None:
    """Have `leave` called on the running loop at SIGTERM and SIGINT.

    Not with `loop.add_signal_handler`: it hears of a signal through the pipe that also
    wakes the loop, and a signal that finds the pipe full is lost. Hundreds of clients
    that hang up at once fill it.
    """
    loop = asyncio.get_running_loop()

    def hand_over(_number: int, _frame: object) -> None:
        loop.call_soon_threadsafe(leave)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, hand_over)


def with_connection_headers(application: ASGIApp, leaving: asyncio.Event) -> ASGIApp:
    """Say how long a connection stays open, or that the server is stopping.

    Client pools that heed it (Node's, Java's) never meet a connection that has just
    been closed.
    """

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                header = _CLOSE if leaving.is_set() else _KEEP_ALIVE
                message["headers"] = [*message.get("headers", []), header]
            await send(message)

        await application(scope, receive, answer)

    return wrapped


def _stop_listening(port: int) -> None:
    """Refuse new connections from now on.

    granian can only drop all connections at once. So this finds its listening socket
    among the process's files, and replaces it with one on a port that nobody knows.
    """
    nowhere = socket.create_server(("127.0.0.1", 0))
    nowhere.setblocking(False)
    files = Path("/proc/self/fd")  # only on Linux; elsewhere connections are dropped
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
    """Raise the limit of open files, as far as the system allows, for connections."""
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
