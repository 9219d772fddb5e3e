"""Recognise: find the source of a RADIUS packet, at a bounded cost.

A datagram's sender can be forged, so no address is ever blocked. A source that sent
from an address lately is recognised by one hash, whatever else comes from there. A
packet of an unknown sender costs a hash for each source that may be at the address.
These hashes are limited, per address and in all; beyond the limit a packet is dropped.
A new NAS repeats its packet until one is checked.
"""

import ipaddress
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Sequence

import msgspec
import structlog

from footfall.core.instants import SECOND
from footfall.core.rates import Buckets, Rate
from footfall.errors import SourceUnknown
from footfall.flows.accounts.rate_limits import network_of
from footfall.flows.accounts.source_secrets import SourceSecrets
from footfall.store import Store
from footfall.store.transaction import Source

# How soon the server notices a source that was made or deleted beside it.
RENEW_EVERY = SECOND
# Hashes a second; one takes about half a microsecond.
TRIES_OF_ADDRESS = Rate(20_000, burst=40_000)
TRIES_OF_ALL = Rate(100_000, burst=100_000)
# With more sources than this, some are tried now and the others with the next packet.
CANDIDATES_MAX = 1_000
ADDRESSES_MAX = 10_000
KNOWN_AN_ADDRESS = 16
_ALL = ""
_log = structlog.get_logger()


class Candidate(msgspec.Struct, frozen=True):
    """A source, and its secret."""

    source: Source
    secret: bytes


class UnknownSender(Exception):
    """No source that may be at this address made the packet."""


class SenderThrottled(Exception):
    """Too many packets of unknown senders came before; this one was not checked."""


class Recogniser:
    """The RADIUS sources with their secrets, by the networks of their senders.

    Not thread-safe.
    """

    def __init__(self, store: Store, source_secrets: SourceSecrets):
        self._store = store
        self._source_secrets = source_secrets
        self._read_at: int | None = None
        self._opened: dict[Source, Candidate | None] = {}
        self._by_id: dict[str, Candidate] = {}
        self._anywhere: list[Candidate] = []
        self._by_network: dict[tuple[int, int], dict[int, list[Candidate]]] = {}
        self._known: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._tries = Buckets(TRIES_OF_ADDRESS, ADDRESSES_MAX)
        self._all_tries = Buckets(TRIES_OF_ALL)
        self._turn = 0

    def __len__(self) -> int:
        return len(self._by_id)

    def renew(self, now: int) -> None:
        """Read the sources again, at most once a second.

        Raises:
            StoreError: They cannot be read; the known sources stay.
        """
        if self._read_at is not None and 0 <= now - self._read_at < RENEW_EVERY:
            return
        self._read_at = now
        found = [one for one in self._store.sources() if one.kind == "radius"]
        if self._opened.keys() == set(found):
            return
        self._opened = {
            source: self._opened[source]
            if source in self._opened
            else self._open(source)
            for source in found
        }
        self._arrange([one for one in self._opened.values() if one is not None])

    def recognise(
        self, address: str, check: Callable[[bytes], bool], now: int
    ) -> Candidate:
        """Return the source whose secret passes a packet's check.

        Raises:
            UnknownSender: There is no such source.
            SenderThrottled: The limit is reached; no source was tried.
        """
        for source in self._known.get(address, ()):
            known = self._by_id.get(source)
            if known is not None and check(known.secret):
                self._known.move_to_end(address)
                return known
        found = self._candidates(address)
        if not found:
            raise UnknownSender
        sender, tries = network_of(address), len(found)
        if not self._tries.take(sender, now, tries):
            raise SenderThrottled
        if not self._all_tries.take(_ALL, now, tries):
            raise SenderThrottled
        for candidate in found:
            if check(candidate.secret):
                self._tries.give_back(sender, tries)
                self._all_tries.give_back(_ALL, tries)
                self._remember(address, candidate.source.id)
                return candidate
        raise UnknownSender

    def _open(self, source: Source) -> Candidate | None:
        try:
            return Candidate(source, self._source_secrets.open(source).encode())
        except SourceUnknown as error:
            _log.warning("a source is skipped", source=source.id, reason=error.detail)
            return None

    def _arrange(self, opened: list[Candidate]) -> None:
        self._by_id = {one.source.id: one for one in opened}
        self._anywhere = [one for one in opened if not one.source.networks]
        by_network: defaultdict[tuple[int, int], dict[int, list[Candidate]]]
        by_network = defaultdict(lambda: defaultdict(list))
        for one in opened:
            for text in one.source.networks:
                network = ipaddress.ip_network(text)
                shift = network.max_prefixlen - network.prefixlen
                start = int(network.network_address) >> shift
                by_network[network.version, shift][start].append(one)
        self._by_network = dict(by_network)

    def _candidates(self, address: str) -> Sequence[Candidate]:
        """Return the sources that may be at an address, those of its network first."""
        sender = _parsed(address)
        number, named = int(sender), list[Candidate]()
        for (version, shift), networks in self._by_network.items():
            if version == sender.version:
                named += networks.get(number >> shift, ())
        found = named + self._anywhere if named else self._anywhere
        if len(found) <= CANDIDATES_MAX:
            return found
        self._turn = (self._turn + CANDIDATES_MAX) % len(found)
        return (found[self._turn :] + found[: self._turn])[:CANDIDATES_MAX]

    def _remember(self, address: str, source: str) -> None:
        others = [one for one in self._known.get(address, ()) if one != source]
        self._known[address] = (source, *others)[:KNOWN_AN_ADDRESS]
        self._known.move_to_end(address)
        if len(self._known) > ADDRESSES_MAX:
            self._known.popitem(last=False)


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Read a sender's address; an IPv4 address may be mapped to IPv6."""
    sender = ipaddress.ip_address(address)
    if isinstance(sender, ipaddress.IPv6Address) and sender.ipv4_mapped is not None:
        return sender.ipv4_mapped
    return sender
