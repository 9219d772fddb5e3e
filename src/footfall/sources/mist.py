"""Juniper Mist's webhooks: devices in zones, at sites, on access points; guest logins.

Each post is signed: `X-Mist-Signature-v2` is the HMAC-SHA256 of its body in hex. If
Mist names only its site, the site's id is the `externalId` of a location.
Source: https://www.juniper.net/documentation/us/en/software/mist/automation-integration/topics/concept/webhooks.html
"""

import hmac
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from footfall.core import identities
from footfall.core.observations import (
    Login,
    Observation,
    PlaceReference,
    Rejection,
    SourceBatch,
)
from footfall.sources.reading import (
    checked_object,
    epoch_of,
    list_of,
    mac_of,
    object_of,
    optional_mac,
    read_json,
    rejection,
    signal_of,
    text_of,
)

SIGNATURE = "x-mist-signature-v2"
Found = Iterator[Observation | Login]


def sign(secret: str, body: bytes) -> str:
    """Return the signature of a post."""
    return hmac.new(secret.encode(), body, "sha256").hexdigest()


def verify_head(_secret: str, headers: Mapping[str, str]) -> bool:
    """Tell whether a post is signed at all; checking by whom needs the body."""
    return SIGNATURE in headers


def verify(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Tell whether a post was signed with the secret."""
    sent = headers.get(SIGNATURE, "").strip().lower().removeprefix("sha256=")
    return hmac.compare_digest(sent.encode(), sign(secret, body).encode())


def decode(body: bytes, _now: int) -> SourceBatch:
    """Read a post."""
    try:
        post = object_of(read_json(body))
    except ValueError as error:
        return SourceBatch(rejections=[rejection("", error, body)])
    topic = str(post.get("topic"))[:64].replace("_", "-")
    events = post.get("events")
    if topic not in _TOPICS or not isinstance(events, list):
        known = f"topic {topic!r} is not known; allowed: {', '.join(_TOPICS)}"
        what = known if topic not in _TOPICS else "has no array of events"
        return SourceBatch(rejections=[rejection("topic", what, post)])
    observations: list[Observation] = []
    logins: list[Login] = []
    rejections: list[Rejection] = []
    for index, item in enumerate(list_of(events)):
        try:
            for found in _TOPICS[topic](checked_object(item), index):
                if isinstance(found, Login):
                    logins.append(found)
                else:
                    observations.append(found)
        except ValueError as error:
            rejections.append(rejection(f"events[{index}]", error, item, index))
    return SourceBatch(observations, logins, rejections=rejections)


def _place(item: dict[str, Any]) -> PlaceReference:
    return PlaceReference(
        mac=optional_mac(item.get("ap")), external_id=text_of(item.get("site_id"))
    )


def _at_site(item: dict[str, Any], index: int) -> Found:
    """A device in a zone or on a map; an asset is no guest."""
    if item.get("type") in ("asset", "sdk"):
        return
    device = mac_of(item.get("mac"))
    at = epoch_of(item.get("timestamp"))
    signal = signal_of(item.get("rssi"))
    yield Observation(at, _place(item), device, None, signal, index=index)


def _join(item: dict[str, Any], index: int) -> Found:
    device = mac_of(item.get("mac"))
    at = epoch_of(item.get("connect") or item.get("timestamp"))
    signal = signal_of(item.get("rssi"))
    yield Observation(at, _place(item), device, None, signal, index=index)


def _session(item: dict[str, Any], index: int) -> Found:
    """A connection that ended: the device was there at its start and its end."""
    device = mac_of(item.get("mac"))
    reference, signal = _place(item), signal_of(item.get("rssi"))
    connect = epoch_of(item.get("connect"))
    disconnect = epoch_of(item.get("disconnect") or item.get("timestamp"))
    for at in (connect, disconnect):
        yield Observation(at, reference, device, None, signal, index=index)


def _authorization(item: dict[str, Any], index: int) -> Found:
    """The portal let a guest in."""
    at = epoch_of(item.get("authorized_time"))
    found = []
    for kind, field in (("email", "email"), ("phone", "mobile")):
        value = text_of(item.get(field))
        if value is None:
            continue
        try:
            found.append((kind, identities.normalise(kind, value)))
        except ValueError:
            continue  # mistyped; another identity or the device names the guest
    device = mac_of(item.get("client"))
    session = f"mist {text_of(item.get('wlan_id'))}"
    yield Login(at, _place(item), tuple(found), device, session, index=index)


_TOPICS: dict[str, Callable[[dict[str, Any], int], Found]] = {
    "zone": _at_site,
    "location-client": _at_site,
    "location": _at_site,
    "client-join": _join,
    "client-sessions": _session,
    "guest-authorizations": _authorization,
}
