"""RADIUS accounting: the meaning of its attributes, over UDP or HTTP.

Start is a login, and its device belongs to the contact from then on. Start,
Interim-Update and Stop are presence. Stop does not close a stay, because a device that
moves to another access point stops and starts. Accounting-On and -Off end the sessions
of a NAS.
Source: RFC 2866, RFC 2869, RFC 4372, RFC 5580
"""

from collections.abc import Mapping, Sequence

from footfall.core import instants
from footfall.core.instants import SECOND
from footfall.core.observations import (
    Login,
    Observation,
    PlaceReference,
    Restart,
    SourceBatch,
    parse_mac,
)
from footfall.sources.reading import rejection

# Attributes by their names in FreeRADIUS' dictionaries, with their values as text.
Attributes = Mapping[str, Sequence[str]]

STATUS = {
    "1": "Start",
    "2": "Stop",
    "3": "Interim-Update",
    "7": "Accounting-On",
    "8": "Accounting-Off",
    "Alive": "Interim-Update",
}
_PRESENT = frozenset({"Start", "Stop", "Interim-Update"})
_MAC_TEXT = 17
_IDENTITY_MAX = 253
_NOBODY = frozenset({"", "anonymous"})


def decode(attributes: Attributes, now: int) -> SourceBatch:
    """Read an accounting request."""

    def first(*names: str) -> str | None:
        for name in names:
            if values := attributes.get(name):
                return values[0]
        return None

    status = first("Acct-Status-Type") or ""
    status = STATUS.get(status, status)
    nas = first("NAS-Identifier", "NAS-IP-Address", "NAS-IPv6-Address")
    try:
        at = _time(first("Event-Timestamp"), first("Acct-Delay-Time"), now)
        if status in ("Accounting-On", "Accounting-Off") and nas is not None:
            return SourceBatch(restarts=[Restart(at, nas)])
        if status not in _PRESENT:
            raise ValueError(
                f"Acct-Status-Type {status[:32]!r} of NAS {nas!r} is not known"
            )
        device = parse_mac((first("Calling-Station-Id") or "").strip())
    except ValueError as error:
        return SourceBatch(rejections=[rejection("", error, _shown(attributes))])
    reference = PlaceReference(mac=_called(first("Called-Station-Id")), nas=nas)
    if status != "Start":
        return SourceBatch([Observation(at, reference, device)])
    session = first("Acct-Session-Id") or ""
    login = Login(at, reference, _identities(attributes), device, session, nas or "")
    return SourceBatch(logins=[login])


def _time(stamp: str | None, delay: str | None, now: int) -> int:
    """Return when it happened: by the NAS's clock, or by its delay before now."""
    if stamp is not None:
        if stamp.isascii() and stamp.isdigit():
            return int(stamp[:12]) * SECOND
        return instants.parse_instant(stamp)
    if delay is not None and delay.isascii() and delay.isdigit():
        return max(0, now - int(delay[:9]) * SECOND)
    return now


def _called(text: str | None) -> bytes | None:
    """Read the access point of `00-10-A4-23-19-C0:SSID` (RFC 3580, 3.20)."""
    if text is None:
        return None
    for part in (text[:_MAC_TEXT], text.partition(":")[0], text[:14], text[:12]):
        try:
            return parse_mac(part)
        except ValueError:
            continue
    return None


def _identities(attributes: Attributes) -> tuple[tuple[str, str], ...]:
    """Return the identities; a MAC address or `anonymous` names nobody."""
    found = []
    for kind, name in (
        ("username", "User-Name"),
        ("class", "Class"),
        ("cui", "Chargeable-User-Identity"),
    ):
        for value in attributes.get(name, ())[:1]:
            user = value.strip()
            if kind == "username" and user.partition("@")[0].lower() in _NOBODY:
                continue
            if user and len(user) <= _IDENTITY_MAX and not _is_mac(user):
                found.append((kind, user))
    return tuple(found)


def _is_mac(text: str) -> bool:
    try:
        parse_mac(text)
    except ValueError:
        return False
    return True


def _shown(attributes: Attributes) -> dict[str, list[str]]:
    return {name: list(values) for name, values in attributes.items()}
