"""RADIUS accounting packets; pyrad reads them and checks who sent them.

Source: RFC 2866
"""

import functools
from collections.abc import Iterable
from importlib import resources
from typing import TypeAlias, TypeVar

from pyrad.dictionary import Dictionary
from pyrad.packet import AccountingRequest, AcctPacket, StatusServer

from footfall.core.observations import Heard
from footfall.sources import accounting

T = TypeVar("T")
Packet: TypeAlias = AcctPacket
PACKET_BYTES_MAX = 4096
# The attributes that accounting looks at, with what their values are read as.
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


def open_packet(data: bytes, secrets: Iterable[tuple[T, bytes]]) -> tuple[T, Packet]:
    """Return whose secret a packet was made with, and the packet.

    Args:
        data: The datagram.
        secrets: Who it may be from, and the secret of each.

    Raises:
        PacketRefused: It is no accounting request, or of none of them.
    """
    for name, secret in secrets:
        try:
            packet = AcctPacket(packet=data, secret=secret, dict=dictionary())
            if packet.code not in (AccountingRequest, StatusServer):
                raise PacketRefused("is no accounting request")
            if packet.VerifyAcctRequest():
                return name, packet
        except PacketRefused:
            raise
        except Exception as error:  # noqa: BLE001  pyrad does not say what it raises
            raise PacketRefused(f"is malformed ({type(error).__name__})") from None
    raise PacketRefused("has a wrong authenticator")


def is_status(packet: Packet) -> bool:
    """Tell whether a packet only asks whether somebody is there (RFC 5997)."""
    return bool(packet.code == StatusServer)


def answer(packet: Packet) -> bytes:
    """Return the answer that the packet is on disk."""
    data: bytes = packet.CreateReply().ReplyPacket()
    return data


def decode(packet: Packet, now: int) -> Heard:
    """Read a packet."""
    return accounting.decode(attributes_of(packet), now)


def attributes_of(packet: Packet) -> dict[str, list[str]]:
    """Return the attributes that accounting looks at, as text."""
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
