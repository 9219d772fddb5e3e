"""The RADIUS listener: accounting packets in over UDP, their answers out.

An answer says that a packet is on disk, so it is sent only then; a NAS that gets none
sends again, and what comes again makes nothing new. Packets are received on a thread of
their own and read on another, so that HTTP waits for none of them, whoever sends them.
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
from footfall.flows.presence.recognise import Candidate, Recogniser, Slowed, Stranger
from footfall.sources import radius
from footfall.sources.radius import PacketRefused
from footfall.store import Store
from footfall.web.context import Context

# More than wait for one commit would mean that it does not come.
PENDING_MAX = 10_000
PENDING_OF_SOURCE = 1_000
# What the system keeps while the thread is busy: some thousand packets.
BUFFER_BYTES = 4 * 1024 * 1024
LOOK_EVERY_S = 1.0
LEAVE_WITHIN_S = 0.25
FINISH_WITHIN_S = 3.0
_AT_ONCE = 64
Address = tuple[str, int]
_log = structlog.get_logger()
_PACKETS = prometheus_client.Counter(
    "footfall_radius_packets", "RADIUS packets, by what became of them.", ("result",)
)
_LISTENING = prometheus_client.Gauge(
    "footfall_radius_listening", "1 while RADIUS accounting is taken in, else 0."
)


class Accounting:
    """Answers accounting requests, on threads of its own.

    Args:
        store: Where it goes.
        recogniser: Knows whose a packet is.
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
            AddressTaken: The port is another program's.
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
        """Begin to listen if a source needs it; else, or if it cannot, try later."""
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
        """Say in a sentence whether accounting is taken in, and where."""
        if self._socket is not None:
            return f"RADIUS accounting is taken in at {self.where()}/udp"
        if self._refused is not None:
            return f"RADIUS accounting is not taken in yet: {self._refused}"
        return f"RADIUS accounting has no source yet; then at {self.where()}/udp"

    def start(self) -> None:
        """Begin to receive, and to wait for a source if nobody listens yet."""
        self._receiver.start()

    def close(self) -> None:
        """Receive no more, and answer what is under way."""
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
            f"{host}:{port}/udp cannot be listened on for RADIUS: {error.strerror}. "
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
        """Receive what is there; each call lets other threads run as it waits."""
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
        """Hand a packet on if it is a known source's; that is cheap to say."""
        now = self._now()
        try:
            data = radius.trimmed(data)
            check = radius.checker(data)
            self._renew(now)
            found = self._recogniser.recognise(sender[0], check, now)
        except (PacketRefused, Stranger):
            _PACKETS.labels("refused").inc()
        except Slowed:
            _PACKETS.labels("slowed").inc()
        else:
            self._hand_on(found, data, sender)

    def _renew(self, now: int) -> None:
        """Learn of new and deleted sources; while the store cannot say, go on."""
        try:
            self._recogniser.renew(now)
        except FootfallError as error:
            _log.warning("RADIUS sources cannot be read", reason=error.code)

    def _hand_on(self, found: Candidate, data: bytes, sender: Address) -> None:
        """Queue a packet to be read; of one too many, the NAS sends another."""
        source = found.source.id
        with self._changed:
            full = self._pending[source] >= PENDING_OF_SOURCE
            if full or self._pending.total() >= PENDING_MAX:
                _PACKETS.labels("dropped").inc()
                return
            self._pending[source] += 1
        self._reader.submit(self._take_in, found, data, sender)

    def _take_in(self, found: Candidate, data: bytes, sender: Address) -> None:
        """Read a packet; it is answered once what it says is on disk."""
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
        """Leave the store's thread at once."""
        with contextlib.suppress(RuntimeError):  # it came after the end
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
            _log.warning("a RADIUS packet is not answered", reason=reason)
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
