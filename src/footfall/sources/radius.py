"""RADIUS accounting packets: read them with pyrad, and check who sent them.

Source: RFC 2866
"""

import functools
import hashlib
import hmac
from collections.abc import Callable
from importlib import resources
from typing import TypeAlias

from pyrad.dictionary import Dictionary
from pyrad.packet import AccountingRequest, AcctPacket, StatusServer

from footfall.core.observations import SourceBatch
from footfall.sources import accounting

Packet: TypeAlias = AcctPacket
HEADER_BYTES = 20
PACKET_BYTES_MAX = 4096
_CODES = frozenset({AccountingRequest, StatusServer})
_MESSAGE_AUTHENTICATOR = 80
# The attributes that accounting reads, all as text.
_TEXT = (
    "User-Name",
    "Called-Station-Id",
    "Calling-Station-Id",
    "NAS-Identifier",
    "NAS-IP-Address",
    "NAS-IPv6-Address",
    "Acct-Session-Id",
    "Acct-Status-Type",
    "Acct-Delay-Time",
    "Event-Timestamp",
    "Class",
    "Chargeable-User-Identity",
)


@functools.cache
def dictionary() -> Dictionary:
    """Return the attributes that accounting needs."""
    file = resources.files(__package__).joinpath("radius.dictionary")
    with resources.as_file(file) as path:
        return Dictionary(str(path))


class PacketRefused(Exception):
    """A datagram that no known secret made."""


def trimmed(data: bytes) -> bytes:
    """Return a request without the bytes after its end.

    Raises:
        PacketRefused: It does not look like an accounting request.
    """
    if not HEADER_BYTES <= len(data) <= PACKET_BYTES_MAX or data[0] not in _CODES:
        raise PacketRefused("is not an accounting request")
    length = int.from_bytes(data[2:4], "big")
    if not HEADER_BYTES <= length <= len(data):
        raise PacketRefused("has a wrong length")
    return data[:length]


def checker(data: bytes) -> Callable[[bytes], bool]:
    """Return a function that tells whether a secret made a request, for one hash.

    An accounting request carries the MD5 of itself and the secret (RFC 2866, 3); a
    Status-Server is proven by its Message-Authenticator (RFC 5997, 3).
    """
    if data[0] == StatusServer:
        return _status_checker(data)
    sent = data[4:HEADER_BYTES]
    start = hashlib.md5(data[:4], usedforsecurity=False)  # the protocol's choice
    start.update(bytes(16) + data[HEADER_BYTES:])

    def check(secret: bytes) -> bool:
        made = start.copy()
        made.update(secret)
        return hmac.compare_digest(made.digest(), sent)

    return check


def _status_checker(data: bytes) -> Callable[[bytes], bool]:
    at = HEADER_BYTES
    while (
        at + 2 <= len(data) and data[at] != _MESSAGE_AUTHENTICATOR and data[at + 1] > 1
    ):
        at += data[at + 1]
    if data[at : at + 2] != bytes((_MESSAGE_AUTHENTICATOR, 18)):
        raise PacketRefused("has no Message-Authenticator")
    sent = data[at + 2 : at + 18]
    signed = data[: at + 2] + bytes(16) + data[at + 18 :]
    return lambda secret: hmac.compare_digest(hmac.digest(secret, signed, "md5"), sent)


def parse(data: bytes, secret: bytes) -> Packet:
    """Read a packet, with all checks of pyrad.

    Raises:
        PacketRefused: It is malformed, or another secret made it.
    """
    try:
        packet = AcctPacket(packet=data, secret=secret, dict=dictionary())
        proven = packet.VerifyAcctRequest()
    except Exception as error:  # noqa: BLE001  pyrad documents no exceptions
        raise PacketRefused(f"is malformed ({type(error).__name__})") from None
    if not proven:
        raise PacketRefused("has a wrong authenticator")
    return packet


def is_status(packet: Packet) -> bool:
    """Tell whether a packet only asks whether the server is up (RFC 5997)."""
    return bool(packet.code == StatusServer)


def answer(packet: Packet) -> bytes:
    """Return the answer, which says that the packet is on disk."""
    data: bytes = packet.CreateReply().ReplyPacket()
    return data


def decode(packet: Packet, now: int) -> SourceBatch:
    """Read the observations and logins of a packet."""
    return accounting.decode(attributes_of(packet), now)


def attributes_of(packet: Packet) -> dict[str, list[str]]:
    """Return the attributes that accounting reads, as text."""
    found: dict[str, list[str]] = {}
    for name in _TEXT:
        try:
            values = packet[name]
        except Exception:  # noqa: BLE001, S112  pyrad cannot read it, or it is not there
            continue
        found[name] = [_text(value) for value in values]
    return {name: values for name, values in found.items() if values}


def _text(value: object) -> str:
    if isinstance(value, bytes):
        try:
            text = value.decode()
        except UnicodeDecodeError:
            return value.hex()
        return text if text.isprintable() else value.hex()
    return str(value)
