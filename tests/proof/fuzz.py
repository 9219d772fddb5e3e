"""Fuzz: decoders get any input for as long as the caller says."""

import json
import multiprocessing
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from pyrad.packet import AcctPacket

from footfall.core.observations import SourceBatch
from footfall.errors import BodyInvalid, TooLarge
from footfall.sources import freeradius, meraki, mist, plain, radius

NOW = 1_790_000_000_000_000
SECRET = b"secret"
EXAMPLES = 500
SLOWEST_S = 2.0
MEMORY_MB_MAX = 400


class Outcome(msgspec.Struct):
    """The results of fuzzing a decoder."""

    name: str
    tried: int = 0
    failed: str = ""
    slowest_s: float = 0.0
    peak_mb: float = 0.0


MAC = st.sampled_from(["0c:8d:db:00:11:22", "0c8ddb001122", "x", "", "0c:8d"])
TIME = st.sampled_from(
    ["2026-05-01T10:00:00Z", 1_677_076_519, 1_677_076_519_123, -1, 1e308, "NaN", "0"]
)
LEAF = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | MAC
    | TIME
)
KEYS = st.sampled_from(
    ["secret", "version", "type", "data", "observations", "clientMac", "latestRecord"]
    + ["nearestApMac", "nearestApRssi", "time", "locations", "rssiRecords", "apMac"]
    + ["rssi", "networkId", "seenEpoch", "seenTime", "topic", "events", "mac", "ap"]
    + ["site_id", "timestamp", "connect", "disconnect", "authorized_time", "client"]
    + ["email", "mobile", "wlan_id", "device", "contact", "location", "hotspot", "at"]
    + ["username", "phone", "id", "logins", "Acct-Status-Type", "User-Name", "value"]
    + ["Calling-Station-Id", "Called-Station-Id", "Event-Timestamp", "Class", "mapping"]
    + ["NAS-Identifier", "Acct-Delay-Time", "Acct-Session-Id"]
)
VALUE = st.recursive(
    LEAF,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6)
    ),
    max_leaves=25,
)
CLIENT = st.fixed_dictionaries(
    {"clientMac": MAC | VALUE},
    optional={
        "latestRecord": st.fixed_dictionaries(
            {"time": TIME | VALUE},
            optional={"nearestApMac": MAC, "nearestApRssi": LEAF},
        )
        | VALUE,
        "locations": st.lists(
            st.fixed_dictionaries({"time": TIME | VALUE, "rssiRecords": VALUE}),
            max_size=3,
        )
        | VALUE,
        "seenEpoch": TIME | VALUE,
        "rssi": LEAF,
    },
)
MERAKI = st.fixed_dictionaries(
    {
        "secret": st.just("demo") | LEAF,
        "version": st.sampled_from(["3.0", "2.0", "2.1", "9"]) | LEAF,
        "type": st.sampled_from(["WiFi", "Bluetooth", "DevicesSeen"]) | LEAF,
        "data": st.fixed_dictionaries(
            {"observations": st.lists(CLIENT | VALUE, max_size=4) | VALUE},
            optional={"networkId": LEAF, "apMac": MAC},
        )
        | VALUE,
    }
)
MIST = st.fixed_dictionaries(
    {
        "topic": st.sampled_from(
            ["zone", "location-client", "client-join", "client-sessions"]
            + ["guest-authorizations", "client_join", "x"]
        )
        | LEAF,
        "events": st.lists(st.dictionaries(KEYS, LEAF | VALUE), max_size=4) | VALUE,
    }
)
ATTRIBUTE = st.fixed_dictionaries(
    {"type": st.sampled_from(["string", "date", "octets", "integer"])},
    optional={"value": st.lists(LEAF, max_size=3) | VALUE, "mapping": VALUE},
)
FREERADIUS = st.dictionaries(KEYS, ATTRIBUTE | VALUE, max_size=8)
PLAIN = st.lists(st.dictionaries(KEYS, LEAF | VALUE, max_size=5), max_size=4) | VALUE


def as_json(values: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    """JSON, some of it cut or changed, or bytes that never were JSON."""
    whole = values.map(lambda value: json.dumps(value).encode())
    broken = st.builds(
        lambda body, at, more: body[: at % (len(body) + 1)] + more,
        whole,
        st.integers(0, 10_000),
        st.binary(max_size=8),
    )
    deep = st.integers(1, 100_000).map(lambda n: b"[" * n)
    return whole | broken | st.binary(max_size=200) | deep


@st.composite
def packets(draw: st.DrawFn) -> bytes:
    """Packets with any attributes, most of them signed correctly."""
    count = draw(st.integers(0, 12))
    body = b""
    for _ in range(count):
        code = draw(
            st.sampled_from([1, 4, 25, 30, 31, 32, 40, 41, 44, 55, 80, 89, 95, 200])
        )
        value = draw(st.binary(max_size=60) | st.just((1).to_bytes(4)))
        body += (
            bytes([code, draw(st.just(len(value) + 2) | st.integers(0, 255))]) + value
        )
    length = draw(st.just(len(body) + 20) | st.integers(0, 5000))
    head = bytes([draw(st.sampled_from([4, 4, 4, 12, 1])), 7]) + length.to_bytes(2)
    if draw(st.booleans()):
        return head + draw(st.binary(min_size=16, max_size=16)) + body
    import hashlib  # noqa: PLC0415  of one line

    digest = hashlib.md5(head + bytes(16) + body + SECRET, usedforsecurity=False)
    return head + digest.digest() + body


def read_packet(data: bytes) -> SourceBatch:
    try:
        data = radius.trimmed(data)
        if not radius.checker(data)(SECRET):
            return SourceBatch()
        packet = radius.parse(data, SECRET)
    except radius.PacketRefused:
        return SourceBatch()
    assert isinstance(packet, AcctPacket)
    radius.answer(packet)
    return radius.decode(packet, NOW)


def read_meraki(body: bytes) -> SourceBatch:
    meraki.verify("demo", {}, body)
    return meraki.decode(body, NOW)


def read_plain(read: Callable[..., SourceBatch]) -> Callable[[bytes], SourceBatch]:
    def decode(body: bytes) -> SourceBatch:
        try:
            read(body, NOW, lines=True, count_max=10_000)
            return read(body, NOW, lines=False, count_max=10_000)
        except (BodyInvalid, TooLarge):
            return SourceBatch()

    return decode


DECODERS: dict[str, tuple[Callable[[bytes], SourceBatch], st.SearchStrategy[bytes]]] = {
    "RADIUS packets": (read_packet, packets() | st.binary(max_size=300)),
    "FreeRADIUS' JSON": (lambda b: freeradius.decode(b, NOW), as_json(FREERADIUS)),
    "Meraki's posts": (read_meraki, as_json(MERAKI)),
    "Mist's posts": (lambda b: mist.decode(b, NOW), as_json(MIST)),
    "observations": (read_plain(plain.observations), as_json(PLAIN)),
    "logins": (read_plain(plain.logins), as_json(PLAIN)),
}


def fuzz(name: str, seconds: float) -> Outcome:
    """Give a decoder any input until the time is over, but at least one round."""
    decode, inputs = DECODERS[name]
    found = Outcome(name)
    until = time.monotonic() + seconds
    number = 0
    while not found.failed:
        number += 1

        @seed(number)
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(inputs)
        def once(data: bytes) -> None:
            began = time.perf_counter()
            heard = decode(data)
            found.slowest_s = max(found.slowest_s, time.perf_counter() - began)
            found.tried += 1
            assert isinstance(heard, SourceBatch)

        try:
            once()
        except Exception as error:  # noqa: BLE001  that is what is looked for
            found.failed = f"{type(error).__name__}: {error}"[:300]
        if time.monotonic() >= until:
            break
    status = Path("/proc/self/status").read_text()
    found.peak_mb = int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1024
    return found


def fuzz_all(seconds: float) -> list[Outcome]:
    """Fuzz each decoder in a process of its own, two at a time."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(2, maxtasksperchild=1) as pool:
        return pool.starmap(fuzz, [(name, seconds) for name in DECODERS], chunksize=1)
