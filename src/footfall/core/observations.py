"""Observations: what equipment hears, before it is known what it means.

An *observation* is raw presence ("this device was heard here then"), a *login* is one
with a person's identity. Both say where by a *place reference*, in
the equipment's words.
A device's address is seen here only on its way to its digest.
"""

import hmac
import struct
from collections.abc import Collection, Iterator

import msgspec

from footfall.core.instants import SECOND
from footfall.errors import FieldError

MAC_BYTES = 6
DIGEST_BYTES = 16
_SEPARATORS = str.maketrans("", "", ":-.")
# The second of the lowest bits of the first byte: administered locally. The lowest:
# a group. Source: IEEE 802-2014, 8.4.
_LOCAL, _GROUP = 0b10, 0b01


class PlaceReference(msgspec.Struct, frozen=True, gc=False):
    """Where something was heard; the first of these that is registered counts.

    Attributes:
        hotspot: A hotspot's id.
        mac: An access point's address.
        nas: A NAS-Identifier or NAS address.
        external_id: What the vendor calls the location.
        location: A location's id.
    """

    hotspot: str | None = None
    mac: bytes | None = None
    nas: str | None = None
    external_id: str | None = None
    location: str | None = None

    def __str__(self) -> str:
        """Say it to people."""
        parts = (
            ("hotspot", self.hotspot),
            ("access point", self.mac and self.mac.hex(":")),
            ("NAS", self.nas),
            ("external id", self.external_id),
            ("location", self.location),
        )
        return ", ".join(f"{name} {value[:64]!r}" for name, value in parts if value)


class Observation(msgspec.Struct, frozen=True, gc=False):
    """A device or a contact was heard somewhere.

    Attributes:
        at: When, an instant.
        reference: Where.
        device: Its address, 6 bytes, or another name for it; or
        contact: The contact's id.
        rssi: The signal in dBm.
        fleeting: The address says nothing about who has it, whatever its bits are.
        index: Its position in what was sent.
    """

    at: int
    reference: PlaceReference
    device: bytes | None = None
    contact: str | None = None
    rssi: int | None = None
    fleeting: bool = False
    index: int = 0


class Login(msgspec.Struct, frozen=True):
    """A person authenticated to the WiFi.

    Attributes:
        at: When, an instant.
        reference: Where.
        identities: Who, as (kind, value); the first that is known counts.
        device: With what.
        session: What makes it one: the same again is the same login.
        nas: The NAS that holds the session, if it has one.
        rssi: The signal in dBm.
        index: Its position in what was sent.
    """

    at: int
    reference: PlaceReference
    identities: tuple[tuple[str, str], ...]
    device: bytes | None = None
    session: str = ""
    nas: str | None = None
    rssi: int | None = None
    index: int = 0


class Restart(msgspec.Struct, frozen=True):
    """A NAS went on or off: all its sessions are over."""

    at: int
    nas: str


class Rejection(msgspec.Struct, frozen=True):
    """Something that could not be understood, and why."""

    errors: tuple[FieldError, ...]
    raw: bytes
    index: int = 0

    @property
    def reason(self) -> str:
        """Say it in a line."""
        return "; ".join(f"{e.field}: {e.message}".lstrip(": ") for e in self.errors)


class SourceBatch(msgspec.Struct, frozen=True):
    """What a source said, in its order."""

    observations: tuple[Observation, ...] | list[Observation] = ()
    logins: tuple[Login, ...] | list[Login] = ()
    restarts: tuple[Restart, ...] | list[Restart] = ()
    rejections: tuple[Rejection, ...] | list[Rejection] = ()


def parse_mac(text: str) -> bytes:
    """Read a MAC address, written in any of the usual ways.

    Raises:
        ValueError: It is none.
    """
    bare = text.translate(_SEPARATORS)
    try:
        address = bytes.fromhex(bare)
    except ValueError:
        address = b""
    if len(address) != MAC_BYTES or len(bare) != 2 * MAC_BYTES:
        raise ValueError(
            f"{text[:32]!r} is not a MAC address, such as 0c:8d:db:00:11:22"
        )
    return address


def is_randomised(device: bytes) -> bool:
    """Tell whether a device made its address up (second hex digit 2, 6, A or E)."""
    return len(device) == MAC_BYTES and device[0] & (_LOCAL | _GROUP) == _LOCAL


def digest(key: bytes, value: bytes) -> bytes:
    """Return what is stored in place of an address or an identity."""
    return hmac.digest(key, value, "sha256")[:DIGEST_BYTES]


class StoredObservation(msgspec.Struct, frozen=True, gc=False):
    """An observation as it is kept, to make visits anew from it.

    Attributes:
        subject: The device's digest, or the contact's key.
        at: The instant, of a whole second.
        location: The location's number.
        hotspot: The hotspot's number, or 0.
        rssi: The signal in dBm, where it is known.
        by_contact: Whether the subject is a contact.
        fleeting: Whether the device's address says nothing about who has it.
    """

    subject: bytes
    at: int
    location: int
    hotspot: int = 0
    rssi: int | None = None
    by_contact: bool = False
    fleeting: bool = False


# How records are written, kept with each batch: they outlive the code that wrote them.
FORMAT = 1
_RECORD = struct.Struct("<16sqIIhB")
RECORD_BYTES = _RECORD.size
_SUBJECT = struct.Struct(f"16s{RECORD_BYTES - DIGEST_BYTES}x")
_NO_SIGNAL = -32768
_NOBODY = bytes(DIGEST_BYTES)


def pack(kept: list[StoredObservation]) -> bytes:
    """Write observations one after another, all of one length."""
    return b"".join(
        [
            _RECORD.pack(
                one.subject,
                one.at // SECOND,
                one.location,
                one.hotspot,
                _NO_SIGNAL if one.rssi is None else one.rssi,
                one.by_contact + 2 * one.fleeting,
            )
            for one in kept
        ]
    )


def blank(batch: bytes, subject: bytes, since: int, until: int) -> bytes:
    """Overwrite a subject's records of a span, `until` excluded, with zeros."""
    size = _RECORD.size
    left = bytearray(batch)
    place = batch.find(subject)
    while place >= 0:
        # Elsewhere than at a record's start it is by chance.
        if place % size == 0:
            at = _RECORD.unpack_from(batch, place)[1] * SECOND
            if since <= at < until:
                left[place : place + size] = bytes(size)
        place = batch.find(subject, place + 1)
    return bytes(left)


def unpack(batch: bytes, form: int = FORMAT) -> Iterator[StoredObservation]:
    """Read what `pack` wrote, and was not overwritten since."""
    _check_format(form)
    rows = _RECORD.iter_unpack(batch)
    return (_kept(row) for row in rows if row[0] != _NOBODY)


def subjects(batch: bytes) -> list[bytes]:
    """Return the subjects of what `pack` wrote, one for each observation."""
    return [subject for (subject,) in _SUBJECT.iter_unpack(batch)]


def unpack_of(
    batch: bytes, wanted: Collection[bytes], form: int = FORMAT
) -> Iterator[StoredObservation]:
    """Read what `pack` wrote of some subjects; a set makes it quick."""
    _check_format(form)
    for place, subject in enumerate(subjects(batch)):
        if subject in wanted:
            yield _kept(_RECORD.unpack_from(batch, place * RECORD_BYTES))


def _check_format(form: int) -> None:
    if form != FORMAT:
        raise ValueError(f"observations of format {form} are not known, only {FORMAT}")


def _kept(row: tuple[bytes, int, int, int, int, int]) -> StoredObservation:
    subject, at, location, hotspot, rssi, flags = row
    return StoredObservation(
        subject,
        at * SECOND,
        location,
        hotspot,
        None if rssi == _NO_SIGNAL else rssi,
        bool(flags & 1),
        bool(flags & 2),
    )
