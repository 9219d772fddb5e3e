"""Mist's webhooks, in the forms of its own examples."""

import json

import pytest

from footfall.core import instants
from footfall.core.instants import SECOND
from footfall.sources import mist
from tests.shared import data

NOW = instants.parse_instant("2026-05-01T10:00:00Z")
AP, GUEST = "5c5b350e55c8", "ac2316eca70a"


@pytest.fixture(scope="module")
def examples():
    found = json.loads(data("mist-webhook-examples.json").read_text("utf-8"))
    return {name: value["Example"]["value"] for name, value in found.items()}


def decode(value):
    return mist.decode(json.dumps(value).encode(), NOW)


def event(topic, **fields):
    return {"topic": topic, "events": [fields]}


def test_an_example_of_a_guest_is_a_login(examples):
    heard = decode(examples["guest_authorizations"])
    [login] = heard.logins
    assert login.at == 1677076519 * SECOND
    # The example's phone number is invalid, so the e-mail address names the guest.
    assert login.identities == (("email", "abcd@abcd.com"),)
    assert login.device == bytes.fromhex(GUEST)
    assert login.reference.mac == bytes.fromhex(AP)
    assert login.reference.external_id == "ec3b5624-73f1-4ed3-b3fd-5ba3ee40368a"


def test_an_example_of_a_client_on_a_map_is_presence_at_its_site(examples):
    heard = decode(examples["location_client"])
    [seen] = heard.observations
    assert seen.device == bytes.fromhex("5684dae9ac8b")
    assert seen.at == 1461220784 * SECOND
    assert seen.reference.external_id == "4ac1dcf4-9d8b-7211-65c4-057819f0862b"


def test_the_example_of_an_asset_in_a_zone_makes_nothing(examples):
    heard = decode(examples["zone"])
    assert (heard.observations, heard.logins, heard.rejections) == ([], [], [])


@pytest.mark.parametrize("name", ["client_join", "client_sessions"])
def test_an_example_that_only_names_types_is_filled_in_and_understood(examples, name):
    [sent] = examples[name]["events"]
    assert decode(examples[name]).rejections  # its address is the word `string`
    sent = sent | {"mac": GUEST, "ap": AP, "connect": 1_677_076_519, "rssi": -60}
    sent |= {"disconnect": 1_677_077_519} if "disconnect" in sent else {}
    heard = decode(examples[name] | {"events": [sent]})
    assert heard.rejections == []
    times = [o.at // SECOND - 1_677_076_519 for o in heard.observations]
    assert times == ([0, 1000] if name == "client_sessions" else [0])
    assert {o.reference.mac for o in heard.observations} == {bytes.fromhex(AP)}
    assert {o.rssi for o in heard.observations} == {-60}


def test_a_device_in_a_zone_is_presence():
    heard = decode(
        event("zone", mac=GUEST, type="wifi", site_id="s", timestamp=5, trigger="enter")
    )
    assert [o.at for o in heard.observations] == [5 * SECOND]


def test_times_in_milliseconds_are_told_from_seconds():
    heard = decode(event("client-join", mac=GUEST, timestamp=1677076519123))
    assert [o.at for o in heard.observations] == [1677076519123000]


@pytest.mark.parametrize(
    "fields",
    [{}, {"mac": 5}, {"mac": GUEST}, {"mac": GUEST, "timestamp": "x"}]
    + [{"mac": GUEST, "timestamp": -1}, {"mac": GUEST, "timestamp": 1e300}]
    + [{"mac": GUEST, "timestamp": True}],
)
def test_an_event_that_cannot_be_understood_is_rejected_alone(fields):
    good = {"mac": GUEST, "timestamp": 5}
    heard = decode({"topic": "client-join", "events": [fields, good]})
    assert [o.index for o in heard.observations] == [1]
    assert [u.index for u in heard.rejections] == [0]


@pytest.mark.parametrize(
    "value", [{}, [], {"topic": "alarms", "events": []}, {"topic": "zone"}]
)
def test_a_post_of_another_kind_is_rejected_whole(value):
    assert len(decode(value).rejections) == 1


def test_a_signature_is_that_of_the_body():
    body = b'{"topic":"zone","events":[]}'
    # echo -n "$body" | openssl dgst -sha256 -hmac key
    good = "c8ac5d4f7b3a4c7f"
    signed = {mist.SIGNATURE: mist.sign("key", body)}
    assert mist.verify("key", signed, body)
    assert not mist.verify("key", signed, body + b" ")
    assert not mist.verify("other", signed, body)
    assert not mist.verify("key", {mist.SIGNATURE: good}, body)
    assert not mist.verify("key", {}, body)
    assert not mist.verify("key", {mist.SIGNATURE: "é"}, body)
