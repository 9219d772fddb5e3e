"""Masking: remove personal data from what is kept of a post that was not understood.

An operator needs to know what was wrong and where: the shape of what was sent, and the
values about equipment. A value is shown only if its field is known to be about
equipment and it does not look like personal data. All other values are replaced with a
description, so an unforeseen field is hidden.
"""

import ipaddress
import json
import re
from typing import Any

import msgspec

from footfall.core import instants
from footfall.core.observations import parse_mac

BYTES_MAX = 64 * 1024
TEXT_MAX = 4096
_VALUE_MAX = 64
_ITEMS_MAX, _FIELDS_MAX, _DEPTH_MAX = 3, 50, 8
_MORE = "…"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Fields of times and signals: shown if the value is a time or a number.
TIMES = _words(
    "Event-Timestamp Acct-Delay-Time time seenTime seenEpoch timestamp connect"
    " disconnect authorized_time"
)
SIGNALS = frozenset({"rssi", "nearestApRssi"})
# Fields that name equipment or a place: shown if they do not look like personal data.
NAMES = _words(
    "NAS-Identifier NAS-IP-Address NAS-IPv6-Address networkId site_id map_id zone_id"
    " wlan_id"
)
# Fields with a few known values: only those are shown.
WORDS = {
    "Acct-Status-Type": _words(
        "Start Stop Interim-Update Alive Accounting-On Accounting-Off Tunnel-Start"
        " Tunnel-Stop Tunnel-Reject Tunnel-Link-Start Tunnel-Link-Stop"
        " Tunnel-Link-Reject Failed"
    )
    | {str(number) for number in range(256)},
    "type": _words(
        "WiFi Bluetooth DevicesSeen BluetoothDevicesSeen asset sdk wifi ble client"
        " string integer date octets ipaddr ipv6addr"
    ),
    "version": frozenset({"1.0", "2.0", "2.1", "3.0", "3.1"}),
    "topic": _words(
        "zone location location-client location-asset location-sdk location-unclient"
        " client-join client-sessions client-info client-latency guest-authorizations"
        " alarms audits device-events device-updowns nac-accounting nac-events"
        " occupancy-alerts rssi-zone vbeacon asset-raw asset-raw-rssi"
        " discovered-raw-rssi sdkclient-scan-data ping"
    ),
}
# Fields whose name is shown, but not the value.
_FIELDS = _words(
    "User-Name Class Chargeable-User-Identity Called-Station-Id Calling-Station-Id"
    " Acct-Session-Id Acct-Session-Time Acct-Terminate-Cause Acct-Multi-Session-Id"
    " Acct-Input-Octets Acct-Output-Octets Acct-Authentic Framed-IP-Address NAS-Port"
    " NAS-Port-Id NAS-Port-Type Service-Type Proxy-State value mapping secret data"
    " observations clientMac apMac apFloors apTags ipv4 ipv6 ssid os manufacturer"
    " locations latestRecord nearestApMac rssiRecords lat lng unc x y floorPlan"
    " location bleBeacons events mac ap client email mobile name org_id site_name"
    " next_ap reason trigger"
)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# All that `parse_mac` reads, and longer runs that contain it.
_HEX_RUN = re.compile(r"[0-9a-f](?:[:.-]*[0-9a-f]){11,}", re.IGNORECASE)
_LONG_NUMBER = re.compile(r"[0-9]{13,}")
_WORD = re.compile(r"[^\s'\",;()<>]+")
_PHONE = re.compile(r"(?<![\w.:-])\+?[0-9](?:[ ()/.-]{0,3}[0-9]){6,14}(?![\w:-])")
# A delay, or seconds or milliseconds since 1970 (2001 to 2033): not a phone number.
_TIME = re.compile(r"[0-9]{1,6}|1[0-9]{9}([0-9]{3})?(\.[0-9]{1,6})?")
_QUOTED = re.compile(r"['\"].*['\"]", re.DOTALL)
_ACCESS_POINT = re.compile(r"place: access point '[0-9a-f]{2}(?::[0-9a-f]{2}){5}'")


def mask_body(raw: bytes) -> str:
    """Describe what was sent: JSON of the same shape, or only its length."""
    if len(raw) > BYTES_MAX:
        return f"{len(raw)} bytes: too long to show"
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return f"{len(raw)} bytes that are not JSON"
    shown = json.dumps(_masked(value, "", 0), ensure_ascii=False)
    return shown[:TEXT_MAX]


def mask_reason(reason: str) -> str:
    """Remove all that a decoder's message quotes: from the first quote to the last."""
    return _QUOTED.sub(_MORE, reason)


def mask_place(reason: str) -> str:
    """Keep the address of an access point: an operator needs it to register it."""
    equipment = _ACCESS_POINT.match(reason)
    start = equipment.end() if equipment else 0
    return reason[:start] + _without_people(reason[start:])


def _masked(value: Any, field: str, depth: int) -> Any:
    if isinstance(value, dict):
        return _masked_object(value, field, depth)
    if isinstance(value, list):
        if depth >= _DEPTH_MAX:
            return f"{len(value)} items"
        shown = [_masked(item, field, depth + 1) for item in value[:_ITEMS_MAX]]
        more = len(value) - len(shown)
        return [*shown, f"and {more} more"] if more else shown
    if value is None or isinstance(value, bool):
        return value
    text = str(value)
    return value if _is_harmless(text, field) else _described(value, text)


def _masked_object(value: dict[str, Any], field: str, depth: int) -> Any:
    if depth >= _DEPTH_MAX:
        return f"{len(value)} fields"
    known = [name for name in value if _is_known(name)][:_FIELDS_MAX]
    shown = {
        # FreeRADIUS wraps an attribute's value in an object.
        name: _masked(
            value[name], field if name in ("value", "mapping") else name, depth + 1
        )
        for name in known
    }
    if more := len(value) - len(known):
        shown[_MORE] = f"{more} more fields"
    return shown


def _is_known(field: str) -> bool:
    return any(field in fields for fields in (TIMES, SIGNALS, NAMES, WORDS, _FIELDS))


def _is_harmless(text: str, field: str) -> bool:
    if len(text) > _VALUE_MAX:
        return False
    if field in WORDS:
        return text in WORDS[field]
    if field in TIMES:
        return _is_time(text)
    if field in SIGNALS:
        return re.fullmatch(r"-?[0-9]{1,3}(\.[0-9]{1,6})?", text) is not None
    return field in NAMES and text.isprintable() and _without_people(text) == text


def _is_time(text: str) -> bool:
    if _TIME.fullmatch(text):
        return True
    try:
        instants.parse_instant(text)
    except ValueError:
        return False
    return True


def _described(value: Any, text: str) -> str:
    if not isinstance(value, str):
        return "a number"
    if _is_mac(text):
        return "a device address"
    if "@" in text:
        return "an e-mail address"
    return f"text of {len(text)} characters"


def _is_mac(text: str) -> bool:
    try:
        parse_mac(text.strip())
    except ValueError:
        return False
    return True


def _without_people(text: str) -> str:
    """Replace all that may be personal data with a description of it."""
    return _PHONE.sub(_shown_phone, _WORD.sub(_shown_word, text))


def _shown_word(word: "re.Match[str]") -> str:
    """Show a word, unless it is an e-mail address or a device's address.

    Vendors' UUIDs, long numbers and IP addresses of equipment are shown, although they
    have runs of digits that look like a device's address.
    """
    text = word[0]
    if "@" in text:
        return "an e-mail address"
    if _UUID.fullmatch(text) or (_is_ip(text) and not (":" in text and _is_mac(text))):
        return text
    return _HEX_RUN.sub(_shown_run, text)


def _shown_run(run: "re.Match[str]") -> str:
    return run[0] if _LONG_NUMBER.fullmatch(run[0]) else "a device address"


def _shown_phone(phone: "re.Match[str]") -> str:
    return phone[0] if _is_ip(phone[0]) else "a phone number"


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
