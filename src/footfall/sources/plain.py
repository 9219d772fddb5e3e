"""Observations and logins in footfall's own form.

Items are checked one by one, like events; the sender gets an answer for each.
"""

from typing import TypeVar

import msgspec

from footfall.core import identities, instants
from footfall.core.blanks import shortened
from footfall.core.bodies import may_have_more, split
from footfall.core.decoding import wrong_types
from footfall.core.events.ids import bad_id
from footfall.core.observations import (
    Login,
    Observation,
    PlaceReference,
    Rejection,
    SourceBatch,
    parse_mac,
)
from footfall.errors import FieldError, ItemRejected
from footfall.sources.reading import epoch_of

T = TypeVar("T")
SIGNAL_MIN, SIGNAL_MAX = -200, 100


class Sighting(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """An observation as it is sent: who, where, when."""

    at: str | int | float | None = None
    device: str | None = None
    contact: str | None = None
    location: str | None = None
    hotspot: str | None = None
    rssi: int | float | None = None


class PortalLogin(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """A login as a captive portal sends it; `id` tells two in the same second apart."""

    at: str | int | float | None = None
    device: str | None = None
    location: str | None = None
    hotspot: str | None = None
    contact: str | None = None
    username: str | None = None
    email: str | None = None
    phone: str | None = None
    id: str | None = None


_sightings = msgspec.json.Decoder(list[Sighting])
_sighting = msgspec.json.Decoder(Sighting)
_login = msgspec.json.Decoder(PortalLogin)


def observations(body: bytes, now: int, *, lines: bool, count_max: int) -> SourceBatch:
    """Read a body of observations: one, an array, an object with them, or NDJSON.

    Raises:
        BodyInvalid: No items can be found in it.
        TooLarge: It has more than `count_max` items.
    """
    heard: list[Observation] = []
    rejections: list[Rejection] = []
    for index, (raw, sighting) in enumerate(
        _read_sightings(body, lines=lines, count_max=count_max)
    ):
        try:
            sent = sighting or _decoded(raw, _sighting, Sighting)
            heard.append(_observation(sent, now, index))
        except ItemRejected as rejected:
            rejections.append(Rejection(rejected.errors, raw, index))
    return SourceBatch(heard, rejections=rejections)


def _read_sightings(
    body: bytes, *, lines: bool, count_max: int
) -> list[tuple[bytes, Sighting | None]]:
    """Decode all items at once, which is fastest; if one is wrong, one by one."""
    body = shortened(body)
    try:
        found = []
        if not lines and not may_have_more(body, count_max):
            found = _sightings.decode(body)
        elif lines and body.count(b"\n") <= count_max:
            found = _sighting.decode_lines(body)
        if 0 < len(found) <= count_max:
            return [(b"", sent) for sent in found]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    items = split(body, lines=lines, name="observations", count_max=count_max)
    return [(raw, None) for raw in items]


def logins(body: bytes, now: int, *, lines: bool, count_max: int) -> SourceBatch:
    """Read a body of logins.

    Raises:
        BodyInvalid: No items can be found in it.
        TooLarge: It has more than `count_max` items.
    """
    found: list[Login] = []
    rejections: list[Rejection] = []
    for index, raw in enumerate(
        split(body, lines=lines, name="logins", count_max=count_max)
    ):
        try:
            found.append(_logged_in(_decoded(raw, _login, PortalLogin), now, index))
        except ItemRejected as rejected:
            rejections.append(Rejection(rejected.errors, raw, index))
    return SourceBatch(logins=found, rejections=rejections)


def _decoded(raw: bytes, decoder: "msgspec.json.Decoder[T]", kind: type[T]) -> T:
    try:
        raw.decode()
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        message = f"cannot be understood: {error}"
    try:
        value = msgspec.json.decode(raw.decode())
        errors = list(wrong_types(value, kind))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        errors = []
    raise ItemRejected(errors or [FieldError("", message)])


def _observation(sent: Sighting, now: int, index: int) -> Observation:
    """Check an observation."""
    errors: list[FieldError] = []
    device = _device(sent.device, errors)
    at = _at(sent.at, now, errors)
    if sent.location is None and sent.hotspot is None:
        errors.append(FieldError("location", "is missing; or give a hotspot"))
    if (sent.device is None) == (sent.contact is None):
        errors.append(FieldError("device", "give a device or a contact, not both"))
    if sent.contact is not None:
        errors += bad_id("contact", sent.contact)
    rssi = sent.rssi
    if rssi is not None and not SIGNAL_MIN <= rssi <= SIGNAL_MAX:
        message = f"is {rssi}; allowed: {SIGNAL_MIN} to {SIGNAL_MAX} dBm"
        errors.append(FieldError("rssi", message))
    if errors:
        raise ItemRejected(errors)
    reference = PlaceReference(sent.hotspot, None, None, None, sent.location)
    signal = None if rssi is None else round(rssi)
    return Observation(at, reference, device, sent.contact, signal, index=index)


def _logged_in(sent: PortalLogin, now: int, index: int) -> Login:
    errors: list[FieldError] = []
    device = _device(sent.device, errors)
    at = _at(sent.at, now, errors)
    if sent.location is None and sent.hotspot is None:
        errors.append(FieldError("hotspot", "is missing; or give a location"))
    found = _identities(sent, errors)
    if not found and not errors:
        message = "is missing; or give a username, a phone or a contact"
        errors.append(FieldError("email", message))
    if sent.id is not None:
        errors += bad_id("id", sent.id)
    if errors:
        raise ItemRejected(errors)
    reference = PlaceReference(hotspot=sent.hotspot, location=sent.location)
    return Login(at, reference, tuple(found), device, sent.id or "", index=index)


def _identities(sent: PortalLogin, errors: list[FieldError]) -> list[tuple[str, str]]:
    found = []
    if sent.contact is not None:
        errors += bad_id("contact", sent.contact)
        found.append(("contact", sent.contact))
    for kind in identities.KINDS:
        value = getattr(sent, kind)
        if value is None:
            continue
        try:
            found.append((kind, identities.normalise(kind, value)))
        except ValueError as error:
            errors.append(FieldError(kind, str(error)))
    return found


def _device(text: str | None, errors: list[FieldError]) -> bytes | None:
    if text is None:
        return None
    try:
        return parse_mac(text)
    except ValueError as error:
        errors.append(FieldError("device", str(error)))
    return None


def _at(sent: str | float | None, now: int, errors: list[FieldError]) -> int:
    try:
        if sent is None:
            return now
        if isinstance(sent, str):
            return instants.parse_instant(sent)
        return epoch_of(sent)
    except (ValueError, OverflowError) as error:
        errors.append(FieldError("at", str(error)))
    return now
