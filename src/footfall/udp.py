"""UDP and nothing else: RADIUS accounting in, its answers out.

An answer says that a packet is on disk, so it is sent only then; a NAS that gets none
sends again, and what comes again makes nothing new.
"""

import asyncio
from collections.abc import Callable
from typing import cast

import structlog
from prometheus_client import Counter

from footfall.errors import FootfallError
from footfall.flows.receive import take_in
from footfall.flows.sources import SourceDesk
from footfall.sources import radius
from footfall.sources.radius import PacketRefused
from footfall.store import Store
from footfall.store.books import Source

# More than wait for one commit would mean that it does not come.
PENDING_MAX = 10_000
Address = tuple[str, int]
_log = structlog.get_logger()
_PACKETS = Counter(
    "footfall_radius_packets", "RADIUS packets, by what became of them.", ("result",)
)


class Accounting(asyncio.DatagramProtocol):
    """Answers accounting requests."""

    def __init__(self, store: Store, desk: SourceDesk, now: Callable[[], int]):
        self._store = store
        self._desk = desk
        self._now = now
        self._pending: set[asyncio.Task[None]] = set()
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go out."""
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Begin to handle a packet; one too many is dropped, its NAS sends it again."""
        if len(self._pending) >= PENDING_MAX or len(data) > radius.PACKET_BYTES_MAX:
            _PACKETS.labels("dropped").inc()
            return
        task = asyncio.create_task(self._answer(data, addr))
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    async def finish(self) -> None:
        """Wait for the packets under way."""
        await asyncio.gather(*self._pending, return_exceptions=True)

    async def _answer(self, data: bytes, addr: Address) -> None:
        try:
            answer = await self._handle(data, addr[0])
        except PacketRefused:
            _PACKETS.labels("refused").inc()
        except FootfallError as error:
            _PACKETS.labels("failed").inc()
            _log.warning("a RADIUS packet is not answered", reason=error.code)
        except Exception as error:  # noqa: BLE001  as for requests: the kind, no more
            _PACKETS.labels("failed").inc()
            _log.error("bug", error=type(error).__name__, place="udp")
        else:
            _PACKETS.labels("answered").inc()
            if self._transport is not None:
                self._transport.sendto(answer, addr)

    async def _handle(self, data: bytes, address: str) -> bytes:
        """Return the answer to a packet, once what it says is on disk."""
        source, packet = await asyncio.to_thread(self._open, data, address)
        if not radius.is_status(packet):
            now = self._now()
            heard = radius.decode(packet, now)
            await asyncio.wrap_future(take_in(self._store, source, heard, now))
        return radius.answer(packet)

    def _open(self, data: bytes, address: str) -> tuple[Source, radius.Packet]:
        return radius.open_packet(data, self._desk.radius(address))
