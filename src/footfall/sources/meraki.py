"""Cisco Meraki's Scanning API, versions 3 and 2, WiFi and Bluetooth.

Meraki asks for a validator with a GET, then posts; each post has the shared secret.
Version 3 reports a network, by client: where each was, and the access point that heard
it last. Version 2 reports one access point, with signals in dB over a noise of -95 dBm.
Source: https://developer.cisco.com/meraki/scanning-api/
"""

import hmac
import itertools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from footfall.core.observations import (
    Observation,
    PlaceReference,
    Rejection,
    SourceBatch,
)
from footfall.sources.reading import (
    checked_object,
    epoch_of,
    instant_of,
    items,
    list_of,
    mac_of,
    object_of,
    optional_mac,
    read_json,
    rejection,
    signal_of,
    text_of,
)

NOISE_DBM = -95
_SECRET = re.compile(rb'"secret"\s*+:\s*+("(?:[^"\\]++|\\.)*+")')
_SECRETS_MAX = 4
_TYPES = {"WiFi": False, "Bluetooth": True} | {
    "DevicesSeen": False,
    "BluetoothDevicesSeen": True,
}


def verify_head(_secret: str, _headers: Mapping[str, str]) -> bool:
    """Accept any head: the secret is in the body."""
    return True


def verify(secret: str, _headers: Mapping[str, str], body: bytes) -> bool:
    """Tell whether a post has the secret, in constant time.

    It searches for the field's name: only posts with the secret are worth parsing.
    """
    found = itertools.islice(_SECRET.finditer(body), _SECRETS_MAX)
    return bool(secret) and any(_is(secret, match[1]) for match in found)


def _is(secret: str, literal: bytes) -> bool:
    try:
        sent: str = msgspec.json.decode(literal, type=str)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
    return hmac.compare_digest(sent.encode(), secret.encode())


def decode(body: bytes, _now: int) -> SourceBatch:
    """Read a post."""
    try:
        post = object_of(read_json(body))
    except ValueError as error:
        return SourceBatch(rejections=[rejection("", error, body)])
    kind, version = post.get("type"), str(post.get("version", ""))
    data = object_of(post.get("data"))
    if kind not in _TYPES or not version.startswith(("2", "3")):
        what = f"type {str(kind)[:64]!r}, version {version[:16]!r} is not known"
        return SourceBatch(rejections=[rejection("type", what, data)])
    read = _read_3 if version.startswith("3") else _read_2
    heard: list[Observation] = []
    rejections: list[Rejection] = []
    sent = list_of(data.get("observations"))
    for index, item in enumerate(sent):
        field = f"data.observations[{index}]"
        try:
            found = list(
                read(data, checked_object(item), index, ephemeral=_TYPES[str(kind)])
            )
            if not found:
                raise ValueError("has no time")
            heard += found
        except ValueError as error:
            rejections.append(rejection(field, error, item, index))
    if not isinstance(data.get("observations"), list):
        rejections.append(rejection("data.observations", "is missing", data))
    return SourceBatch(heard, rejections=rejections)


def _read_3(
    data: dict[str, Any], item: dict[str, Any], index: int, *, ephemeral: bool
) -> Iterator[Observation]:
    """Yield a client's locations, and the place where it was heard last."""
    device = mac_of(item.get("clientMac"))
    network = text_of(data.get("networkId"))
    for _, _, place in items(item.get("locations"), "locations"):
        strongest = max(
            (
                (signal, mac)
                for _, _, record in items(place.get("rssiRecords"), "rssiRecords")
                if (signal := signal_of(record.get("rssi"))) is not None
                and (mac := optional_mac(record.get("apMac"))) is not None
            ),
            default=(None, None),
        )
        reference = PlaceReference(mac=strongest[1], external_id=network)
        at = instant_of(place.get("time"))
        yield Observation(at, reference, device, None, strongest[0], ephemeral, index)
    latest = object_of(item.get("latestRecord"))
    if latest:
        reference = PlaceReference(
            mac=optional_mac(latest.get("nearestApMac")), external_id=network
        )
        at = instant_of(latest.get("time"))
        signal = signal_of(latest.get("nearestApRssi"))
        yield Observation(at, reference, device, None, signal, ephemeral, index)


def _read_2(
    data: dict[str, Any], item: dict[str, Any], index: int, *, ephemeral: bool
) -> Iterator[Observation]:
    device = mac_of(item.get("clientMac"))
    reference = PlaceReference(mac=mac_of(data.get("apMac")))
    if item.get("seenEpoch"):
        at = epoch_of(item["seenEpoch"])
    else:
        at = instant_of(item.get("seenTime"))
    signal = signal_of(item.get("rssi"))
    if signal is not None and signal >= 0:
        signal += NOISE_DBM
    yield Observation(at, reference, device, None, signal, ephemeral, index)
