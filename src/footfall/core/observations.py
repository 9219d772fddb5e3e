"""Observations: what equipment reports, before footfall interprets it.

An *observation* is raw presence ("this device was heard here then"), a *login* is one
with a contact's identity. Both name the place by a *place reference*, in the words of
the equipment. A device's address is kept only until its digest replaces it.
"""

import hmac
import struct
from collections.abc import Collection, Iterator, Mapping

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from footfall.core.instants import SECOND
from footfall.errors import FieldError

MAC_BYTES = 6
DIGEST_BYTES = 16
_SEPARATORS = str.maketrans("", "", ":-.")
# Bits of the first byte: locally administered; group address.
# Source: IEEE 802-2014, 8.4.
_LOCAL, _GROUP = 0b10, 0b01


class PlaceReference(msgspec.Struct, frozen=True, gc=False):
    """Where something was heard; the first name here that is registered counts.

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
        """Write it for messages."""
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
        device: The device's address (6 bytes) or another name of it; or else
        contact: the contact's id.
        rssi: The signal in dBm.
        ephemeral: The address does not identify a device, whatever its bits are.
        index: Its position in what was sent.
    """

    at: int
    reference: PlaceReference
    device: bytes | None = None
    contact: str | None = None
    rssi: int | None = None
    ephemeral: bool = False
    index: int = 0


class Login(msgspec.Struct, frozen=True):
    """A person authenticated to the WiFi.

    Attributes:
        at: When, an instant.
        reference: Where.
        identities: Who, as (kind, value); the first that is known counts.
        device: The device's address.
        session: Its session: the same session is the same login.
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
    """A NAS was switched on or off, so all its sessions are over."""

    at: int
    nas: str


class Rejection(msgspec.Struct, frozen=True):
    """An item that was not taken, with its reasons."""

    errors: tuple[FieldError, ...]
    raw: bytes
    index: int = 0

    @property
    def reason(self) -> str:
        """The errors in one line."""
        return "; ".join(map(str, self.errors))


class SourceBatch(msgspec.Struct, frozen=True):
    """What a source reported, in its order."""

    observations: tuple[Observation, ...] | list[Observation] = ()
    logins: tuple[Login, ...] | list[Login] = ()
    restarts: tuple[Restart, ...] | list[Restart] = ()
    rejections: tuple[Rejection, ...] | list[Rejection] = ()


def parse_mac(text: str) -> bytes:
    """Read a MAC address, written in any of the usual ways.

    Raises:
        ValueError: It is not one.
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
    """Tell whether an address is randomised (second hex digit 2, 6, A or E)."""
    return len(device) == MAC_BYTES and device[0] & (_LOCAL | _GROUP) == _LOCAL


def digest(key: bytes, value: bytes) -> bytes:
    """Return what is stored in place of an address or an identity."""
    return hmac.digest(key, value, "sha256")[:DIGEST_BYTES]


class Digests:
    """Digests of many values with one key, each made once; see `digest`."""

    def __init__(self, key: bytes):
        # To begin with the key takes longer than a value does; `cryptography` copies
        # what is begun in half the time of `hmac`.
        self._begun = HMAC(key, SHA256())
        self._made: dict[bytes, bytes] = {}

    def of(self, value: bytes) -> bytes:
        """Return a value's digest."""
        made = self._made.get(value)
        if made is None:
            begun = self._begun.copy()
            begun.update(value)
            made = self._made[value] = begun.finalize()[:DIGEST_BYTES]
        return made


class StoredObservation(msgspec.Struct, frozen=True, gc=False):
    """An observation as it is stored, so that visits can be made again.

    Attributes:
        subject: The device's digest, or the contact's key.
        at: The instant, of a whole second.
        location: The location's number.
        hotspot: The hotspot's number, or 0.
        rssi: The signal in dBm, if it is known.
        by_contact: Whether the subject is a contact.
        ephemeral: Whether the address does not identify a device.
    """

    subject: bytes
    at: int
    location: int
    hotspot: int = 0
    rssi: int | None = None
    by_contact: bool = False
    ephemeral: bool = False


# How records are written, kept with each batch: they outlive the code that wrote them.
FORMAT = 1
_RECORD = struct.Struct("<16sqIIhB")
RECORD_BYTES = _RECORD.size
_SUBJECT = struct.Struct(f"16s{RECORD_BYTES - DIGEST_BYTES}x")
_NO_SIGNAL = -32768
_BLANK = bytes(DIGEST_BYTES)


def pack(kept: list[StoredObservation]) -> bytes:
    """Write observations one after another, as records of equal length."""
    return b"".join(
        [
            _RECORD.pack(
                one.subject,
                one.at // SECOND,
                one.location,
                one.hotspot,
                _NO_SIGNAL if one.rssi is None else one.rssi,
                one.by_contact + 2 * one.ephemeral,
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
        # Bytes that match elsewhere than at a record's start match by chance.
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
    return (_kept(row) for row in rows if row[0] != _BLANK)


def subjects(batch: bytes) -> list[bytes]:
    """Return the subjects of what `pack` wrote, one for each observation."""
    return [subject for (subject,) in _SUBJECT.iter_unpack(batch)]


def contacts(batch: bytes) -> set[bytes]:
    """Return the subjects of what `pack` wrote that are contacts."""
    flags = batch[RECORD_BYTES - 1 :: RECORD_BYTES]
    starts = (place * RECORD_BYTES for place, flag in enumerate(flags) if flag & 1)
    return {batch[start : start + DIGEST_BYTES] for start in starts}


def with_contacts(batch: bytes, others: Mapping[bytes, bytes]) -> bytes:
    """Put others in place of the subjects that are contacts, where there are any."""
    if not others:
        return batch
    left = bytearray(batch)
    for start in range(0, len(batch), RECORD_BYTES):
        subject = batch[start : start + DIGEST_BYTES]
        if batch[start + RECORD_BYTES - 1] & 1 and subject in others:
            left[start : start + DIGEST_BYTES] = others[subject]
    return bytes(left)


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
