"""The RADIUS listener: takes accounting packets in over UDP and answers them.

An answer says that a packet is on disk, so it is sent only then. A NAS that gets none
sends the packet again, which makes no new events. One thread receives packets and
another reads them, so that HTTP never waits for them, whoever sends them.
"""

import asyncio
import contextlib
import functools
import select
import socket
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor

import prometheus_client
import structlog

from footfall import settings
from footfall.errors import AddressTaken, FootfallError
from footfall.flows.presence.observe import Outcome
from footfall.flows.presence.receive import take_in
from footfall.flows.presence.recognise import (
    Candidate,
    Recogniser,
    SenderThrottled,
    UnknownSender,
)
from footfall.sources import radius
from footfall.sources.radius import PacketRefused
from footfall.store import Store
from footfall.web.context import Context

# More packets than wait for one commit: if so many wait, commits do not happen.
PENDING_MAX = 10_000
PENDING_OF_SOURCE = 1_000
# Of the socket: holds some thousand packets while the thread is busy.
BUFFER_BYTES = 4 * 1024 * 1024
LOOK_EVERY_S = 1.0
LEAVE_WITHIN_S = 0.25
FINISH_WITHIN_S = 3.0
_AT_ONCE = 64
Address = tuple[str, int]
_log = structlog.get_logger()
_PACKETS = prometheus_client.Counter(
    "footfall_radius_packets", "RADIUS packets, by result.", ("result",)
)
_LISTENING = prometheus_client.Gauge(
    "footfall_radius_listening",
    "1 while the server listens for RADIUS accounting, else 0.",
    multiprocess_mode="livemax",
)


class Accounting:
    """Answers accounting requests, on threads of its own.

    Args:
        store: Where the observations and logins go.
        recogniser: Finds the source of a packet.
        now: The clock.
        host: The address to listen on.
        port: The port; 0 finds a free one.
    """

    def __init__(
        self,
        store: Store,
        recogniser: Recogniser,
        now: Callable[[], int],
        host: str,
        port: int,
    ):
        self._store = store
        self._recogniser = recogniser
        self._now = now
        self._wanted = (host, port)
        self._socket: socket.socket | None = None
        self._refused: str | None = None
        self._leaving = threading.Event()
        self._changed = threading.Condition()
        self._pending: Counter[str] = Counter()
        self._reader = ThreadPoolExecutor(1, "footfall-radius")
        self._receiver = threading.Thread(
            target=self._run, name="footfall-udp", daemon=True
        )

    def listen(self) -> None:
        """Begin to listen now.

        Raises:
            AddressTaken: Another program has the port.
        """
        host, port = self._wanted
        try:
            family, kind, _, _, where = socket.getaddrinfo(
                host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
            )[0]
            made = socket.socket(family, kind)
        except OSError as error:
            raise self._taken(error) from None
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
            made.setblocking(False)
            made.bind(where)
        except OSError as error:
            made.close()
            raise self._taken(error) from None
        self._socket = made
        _LISTENING.set(1)

    def listen_if_needed(self) -> None:
        """Begin to listen if there is a source; log a failure, to be tried again."""
        self._renew(self._now())
        if not len(self._recogniser):
            return
        try:
            self.listen()
        except AddressTaken as error:
            if self._refused != error.detail:
                self._refused = error.detail
                _log.warning("RADIUS is not taken in", reason=error.detail)
        else:
            self._refused = None
            _log.info("RADIUS is taken in", address=self.where())

    def where(self) -> str:
        """Return the host and the port."""
        host, port = self._wanted
        if self._socket is not None:
            port = self._socket.getsockname()[1]
        return f"{host}:{port}"

    def status(self) -> str:
        """Say in a sentence whether the server listens for accounting, and where."""
        if self._socket is not None:
            return f"RADIUS accounting: listening on {self.where()}/udp"
        if self._refused is not None:
            return f"RADIUS accounting: not listening yet: {self._refused}"
        return f"RADIUS accounting: no source yet; then on {self.where()}/udp"

    def start(self) -> None:
        """Start the receiving thread; it waits for a source if nothing listens yet."""
        self._receiver.start()

    def close(self) -> None:
        """Stop receiving, and answer the packets under way."""
        self._leaving.set()
        self._receiver.join()
        with self._changed:
            self._changed.wait_for(lambda: not self._pending.total(), FINISH_WITHIN_S)
        self._reader.shutdown(cancel_futures=True)
        if self._socket is not None:
            self._socket.close()
        _LISTENING.set(0)

    def _taken(self, error: OSError) -> AddressTaken:
        host, port = self._wanted
        return AddressTaken(
            f"RADIUS cannot listen on {host}:{port}/udp: {error.strerror}. "
            "Choose another with FOOTFALL_RADIUS_PORT; 0 finds a free one."
        )

    def _run(self) -> None:
        while not self._leaving.is_set():
            try:
                if self._socket is None:
                    self._leaving.wait(LOOK_EVERY_S)
                    self.listen_if_needed()
                else:
                    self._receive(self._socket)
            except Exception as error:  # noqa: BLE001  one packet must not stop the rest
                _log.error("bug", error=type(error).__name__, place="udp")

    def _receive(self, listening: socket.socket) -> None:
        """Receive waiting packets; other threads run while this waits."""
        poll = select.poll()
        poll.register(listening, select.POLLIN)
        if not poll.poll(LEAVE_WITHIN_S * 1000):
            return
        for _ in range(_AT_ONCE):
            try:
                data, sender = listening.recvfrom(radius.PACKET_BYTES_MAX + 1)
            except BlockingIOError:
                return
            self._hear(data, sender)

    def _hear(self, data: bytes, sender: Address) -> None:
        """Pass a packet on if it is from a known source, which is cheap to check."""
        now = self._now()
        try:
            data = radius.trimmed(data)
            check = radius.checker(data)
            self._renew(now)
            found = self._recogniser.recognise(sender[0], check, now)
        except (PacketRefused, UnknownSender):
            _PACKETS.labels("refused").inc()
        except SenderThrottled:
            _PACKETS.labels("slowed").inc()
        else:
            self._hand_on(found, data, sender)

    def _renew(self, now: int) -> None:
        """Learn of new and deleted sources; if the store fails, keep the known ones."""
        try:
            self._recogniser.renew(now)
        except FootfallError as error:
            _log.warning("RADIUS sources cannot be read", reason=error.code)

    def _hand_on(self, found: Candidate, data: bytes, sender: Address) -> None:
        """Queue a packet; drop it if too many wait: the NAS will send it again."""
        source = found.source.id
        with self._changed:
            full = self._pending[source] >= PENDING_OF_SOURCE
            if full or self._pending.total() >= PENDING_MAX:
                _PACKETS.labels("dropped").inc()
                return
            self._pending[source] += 1
        self._reader.submit(self._take_in, found, data, sender)

    def _take_in(self, found: Candidate, data: bytes, sender: Address) -> None:
        """Read a packet and store it; it is answered once it is on disk."""
        try:
            packet = radius.parse(data, found.secret)
            now = self._now()
            if radius.is_status(packet):
                self._answer(packet, sender)
            else:
                heard = radius.decode(packet, now)
                future = take_in(self._store, found.source, heard, now)
                future.add_done_callback(
                    functools.partial(self._on_disk, found, packet, sender)
                )
                return
        except Exception as error:  # noqa: BLE001  as for requests: the kind, no more
            self._fail(error)
        self._end(found)

    def _on_disk(
        self,
        found: Candidate,
        packet: radius.Packet,
        sender: Address,
        done: "Future[Outcome]",
    ) -> None:
        """Answer on the reading thread, so that the store's thread goes on."""
        with contextlib.suppress(RuntimeError):  # already shut down
            self._reader.submit(self._finish, found, packet, sender, done)

    def _finish(
        self,
        found: Candidate,
        packet: radius.Packet,
        sender: Address,
        done: "Future[Outcome]",
    ) -> None:
        try:
            done.result()
            self._answer(packet, sender)
        except Exception as error:  # noqa: BLE001  as for requests: the kind, no more
            self._fail(error)
        self._end(found)

    def _answer(self, packet: radius.Packet, sender: Address) -> None:
        answer = radius.answer(packet)
        if self._socket is not None:
            self._socket.sendto(answer, sender)
        _PACKETS.labels("answered").inc()

    def _fail(self, error: Exception) -> None:
        if isinstance(error, PacketRefused):
            _PACKETS.labels("refused").inc()
            return
        _PACKETS.labels("failed").inc()
        if isinstance(error, (FootfallError, OSError)):
            reason = getattr(error, "code", type(error).__name__)
            _log.warning("a RADIUS packet was not answered", reason=reason)
        else:
            _log.error("bug", error=type(error).__name__, place="udp")

    def _end(self, found: Candidate) -> None:
        with self._changed:
            self._pending[found.source.id] -= 1
            if not self._pending[found.source.id]:
                del self._pending[found.source.id]
            self._changed.notify_all()


@contextlib.asynccontextmanager
async def listening(
    context: Context, host: str, port: int | None
) -> AsyncIterator[str]:
    """Take RADIUS accounting in while the context is open; yield the status sentence.

    On a port that was set, it listens at once. Otherwise it listens on the standard
    port once there is a RADIUS source, so that `serve` does not fail where another
    RADIUS server has that port.

    Raises:
        AddressTaken: The port that was set cannot be used.
    """
    accounting = Accounting(
        context.store,
        Recogniser(context.store, context.sources),
        context.now,
        host,
        settings.RADIUS_PORT if port is None else port,
    )
    if port is None:
        await asyncio.to_thread(accounting.listen_if_needed)
    else:
        accounting.listen()
    accounting.start()
    try:
        yield accounting.status()
    finally:
        await asyncio.to_thread(accounting.close)
