"""Workers: several server processes behind one address, watched by one parent.

Each worker is a whole server with a listening socket of its own on the same port
(SO_REUSEPORT), and the system spreads connections over them. granian's own workers are
not used: each of ours also needs its store, its jobs and its stop on its own loop. The
parent serves nothing. It starts workers again that died, and passes a stop on.
"""

import contextlib
import multiprocessing
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path

import msgspec
import structlog

from footfall.errors import FootfallError, StoreError
from footfall.runtime.http import STOP_WITHIN_S, bind_port

METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
AGAIN_AFTER_S = 1.0
# A worker ends by itself within its own deadlines; then the store is closed.
KILL_AFTER_S = STOP_WITHIN_S + 6
LIMITS_FILE = "limits"
_log = structlog.get_logger()
_spawn = multiprocessing.get_context("spawn")


class Place(msgspec.Struct, frozen=True):
    """A worker's place among the workers.

    Args:
        number: Which one it is, from 1; the first also listens for RADIUS.
        of: How many there are.
        port: The port that all listen on.
        folder: Where they keep what they share: limits and metrics.
    """

    number: int
    of: int
    port: int
    folder: str

    @property
    def is_first(self) -> bool:
        """Whether it does what only one worker may do."""
        return self.number == 1

    @property
    def limits(self) -> Path:
        """The file of the rate limits that all count in."""
        return Path(self.folder) / LIMITS_FILE


class Started(msgspec.Struct, frozen=True):
    """What a worker tells its parent once it serves."""

    address: str
    radius: str
    link: str | None
    lacks_users: bool


Answer = Started | FootfallError
# Serves at a place, and calls with what it tells.
Work = Callable[[Place, Connection], None]


class Workers:
    """The workers of one address.

    Args:
        work: What a worker does; a function that a fresh interpreter can import.
        places: Where each stands.
    """

    def __init__(self, work: Work, places: list[Place]):
        self._work = work
        self._running = {place: self._start(place) for place in places}
        self._leaving = threading.Event()

    def _start(self, place: Place) -> tuple[SpawnProcess, Connection]:
        ours, its = _spawn.Pipe()
        process = _spawn.Process(
            target=self._work, args=(place, its), name=f"footfall-{place.number}"
        )
        process.start()
        its.close()
        return process, ours

    def started(self) -> Started | None:
        """Wait until all serve; return what the first says, None if a stop came first.

        Raises:
            FootfallError: A worker could not start.
        """
        told: list[Started] = []
        for process, connection in self._running.values():
            while not connection.poll(0.05) and not self._leaving.is_set():
                if not process.is_alive() and not connection.poll():
                    raise StoreError("A worker ended while it started; see the log.")
            if self._leaving.is_set():
                return None
            try:
                answer: Answer = connection.recv()
            except EOFError:
                raise StoreError(
                    "A worker ended while it started; see the log."
                ) from None
            if isinstance(answer, FootfallError):
                raise answer
            told.append(answer)
        return told[0]

    def watch(self) -> None:
        """Start workers again that died, until a stop."""
        while not self._leaving.is_set():
            wait([process.sentinel for process, _ in self._running.values()], 0.2)
            for place, (process, connection) in list(self._running.items()):
                if process.is_alive() or self._leaving.is_set():
                    continue
                _log.error(
                    "worker died and is started again",
                    worker=place.number,
                    exit_code=process.exitcode,
                )
                connection.close()
                forget_gauges(place, process.pid)
                # A worker that dies at once must not keep the machine busy.
                self._leaving.wait(AGAIN_AFTER_S)
                if not self._leaving.is_set():
                    self._running[place] = self._start(place)

    def leave(self) -> None:
        """Begin the stop; a signal handler may call it."""
        self._leaving.set()

    def stop(self) -> bool:
        """Stop all and wait; return whether all finished what they had begun."""
        self._leaving.set()
        for process, _ in self._running.values():
            process.terminate()
        deadline = time.monotonic() + KILL_AFTER_S
        for process, _ in self._running.values():
            process.join(max(0.0, deadline - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()
        # The signal itself ends only a worker that does not serve yet.
        well = {0, -signal.SIGTERM}
        return all(process.exitcode in well for process, _ in self._running.values())


def forget_gauges(place: Place, pid: int | None) -> None:
    """Drop what a dead worker said of the present; what it counted stays."""
    for file in Path(place.folder).glob(f"gauge_live*_{pid}.db"):
        file.unlink(missing_ok=True)


@contextlib.contextmanager
def places(host: str, port: int, count: int) -> Iterator[list[Place]]:
    """Hold the port and the shared folder for workers while the context is open.

    Raises:
        AddressTaken: The port is in use, or may not be used.
    """
    port = bind_port(host, port)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with (
        socket.socket(family) as held,
        tempfile.TemporaryDirectory(prefix="footfall-") as folder,
    ):
        # Bound, not listening: nobody else gets the port while no worker has it.
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind((host, port))
        # Read by prometheus_client when a worker imports it.
        os.environ[METRICS_FOLDER] = folder
        try:
            yield [Place(n, count, port, folder) for n in range(1, count + 1)]
        finally:
            del os.environ[METRICS_FOLDER]


def run(work: Work, where: list[Place], ready: Callable[[Started], None]) -> bool:
    """Run workers until SIGTERM or SIGINT; return whether all ended well.

    Raises:
        FootfallError: A worker could not start.
    """
    workers = Workers(work, where)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: workers.leave())
    try:
        first = workers.started()
        if first is not None:
            ready(first)
            workers.watch()
    finally:
        all_well = workers.stop()
    return all_well
