"""Meraki's posts, a real one among them."""

import json

import pytest

from footfall.core import instants
from footfall.core.observations import parse_mac
from footfall.sources import meraki
from tests.shared import data

NOW = instants.parse_instant("2026-05-01T10:00:00Z")


@pytest.fixture(scope="module")
def post():
    return data("meraki-scanning-v3.json").read_bytes()


def test_every_client_of_a_real_post_is_heard_wherever_it_was(post):
    heard = meraki.decode(post, NOW)
    assert heard.rejections == []
    sent = json.loads(post)["data"]["observations"]
    assert {o.index for o in heard.observations} == set(range(31))
    count = sum(len(client["locations"]) + 1 for client in sent)
    assert len(heard.observations) == count
    first = heard.observations[0]
    assert first.device == bytes.fromhex("30230357b10d")
    assert first.at == instants.parse_instant("2020-03-09T17:54:06Z")
    assert first.reference.mac == bytes.fromhex("e0553dc07356")
    assert first.rssi == -62
    assert first.reference.external_id == "L_566327653141843049"


def test_signals_that_are_text_are_numbers(post):
    heard = meraki.decode(post, NOW)
    latest = [o for o in heard.observations if o.index == 0][-1]
    assert latest.rssi == -74
    assert latest.reference.mac == parse_mac("e0:55:3d:c0:76:f4")


def test_a_client_without_locations_is_heard_by_its_latest_record(post):
    sent = json.loads(post)["data"]["observations"]
    empty = [i for i, client in enumerate(sent) if not client["locations"]]
    assert empty
    heard = meraki.decode(post, NOW)
    for index in empty:
        assert len([o for o in heard.observations if o.index == index]) == 1


def test_a_post_is_proven_by_the_secret_in_its_body(post):
    assert meraki.verify("demo", {}, post)
    assert not meraki.verify("demo2", {}, post)
    assert not meraki.verify("", {}, post.replace(b'"demo"', b'""'))
    assert not meraki.verify("demo", {}, b"{")
    assert not meraki.verify("demo", {}, b'{"secret": 1}')
    assert not meraki.verify("demo", {}, b'{"secret": "d\xc3\xa9mo"}')


def client(**changes):
    return {
        "clientMac": "30:23:03:57:b1:0d",
        "latestRecord": {
            "nearestApMac": "e0:55:3d:c0:76:f4",
            "nearestApRssi": "-74",
            "time": "2020-03-09T17:54:42Z",
        },
        "locations": [],
    } | changes


def v3(*clients, kind="WiFi"):
    body = {"version": "3.0", "secret": "s", "type": kind}
    return body | {"data": {"networkId": "L_1", "observations": list(clients)}}


def decode(value):
    return meraki.decode(json.dumps(value).encode(), NOW)


def test_nan_is_no_reason_to_drop_a_post():
    place = {
        "time": "2020-03-09T17:54:06Z",
        "lat": float("nan"),
        "variance": float("nan"),
        "rssiRecords": [{"apMac": "e0:55:3d:c0:76:f4", "rssi": float("nan")}],
    }
    body = json.dumps(v3(client(locations=[place]))).encode()
    assert b"NaN" in body
    assert meraki.verify("s", {}, body)
    heard = meraki.decode(body, NOW)
    assert heard.rejections == []
    assert [o.rssi for o in heard.observations] == [None, -74]


def test_bluetooth_addresses_say_nothing_about_people():
    heard = decode(v3(client(), kind="Bluetooth"))
    assert [o.ephemeral for o in heard.observations] == [True]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"clientMac": "x"}, "is not a MAC address"),
        ({"clientMac": None}, "is not a MAC address"),
        ({"latestRecord": None}, "has no time"),
        ({"latestRecord": {"time": "yesterday"}}, "is not an ISO 8601 time"),
        ({"latestRecord": {"time": 5}}, "is not an ISO 8601 time"),
        ({"locations": [{"rssiRecords": []}]}, "is not an ISO 8601 time"),
    ],
)
def test_a_client_that_cannot_be_understood_is_rejected_alone(changes, said):
    heard = decode(v3(client(), client(**changes)))
    assert [o.index for o in heard.observations] == [0]
    [rejections] = heard.rejections
    assert rejections.index == 1
    assert rejections.errors[0].field == "data.observations[1]"
    assert said in rejections.reason
    assert json.loads(rejections.raw)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b"\xff", b'{"version":"3.0"}', b"[" * 100_000]
    + [b'{"version":"9","type":"WiFi"}', b'{"version":"3","type":"WiFi","data":[]}'],
)
def test_a_post_that_cannot_be_understood_is_rejected_whole(body):
    heard = meraki.decode(body, NOW)
    assert not heard.observations
    assert len(heard.rejections) == 1


def test_version_2_is_read_by_its_access_point():
    seen = {"clientMac": "18:fe:34:fc:00:01", "rssi": 47, "seenEpoch": 1474675583}
    later = {"clientMac": "18:fe:34:fc:00:02", "seenTime": "2016-09-24T00:06:40Z"}
    body: dict[str, object] = {"version": "2.1", "type": "DevicesSeen"}
    body["data"] = {"apMac": "00:18:0a:13:dd:b0", "observations": [seen, later]}
    heard = decode(body)
    assert heard.rejections == []
    one, two = heard.observations
    assert one.reference.mac == bytes.fromhex("00180a13ddb0")
    assert one.rssi == 47 - 95
    assert one.at == 1474675583 * instants.SECOND
    assert two.rssi is None
    assert two.at == instants.parse_instant("2016-09-24T00:06:40Z")
