"""What RADIUS attributes mean, however they arrive."""

import json

import pytest

from footfall.core import instants
from footfall.core.instants import SECOND
from footfall.sources import accounting, freeradius

NOW = instants.parse_instant("2026-05-01T10:00:00Z")
START = {
    "Acct-Status-Type": ["1"],
    "User-Name": ["ann"],
    "Calling-Station-Id": ["0C-8D-DB-00-11-22"],
    "Called-Station-Id": ["00-10-A4-23-19-C0:Guests"],
    "NAS-Identifier": ["nas-1"],
    "Acct-Session-Id": ["s1"],
}


def decode(**changes):
    named = {name.replace("_", "-"): value for name, value in changes.items()}
    return accounting.decode(
        {k: v for k, v in (START | named).items() if v is not None}, NOW
    )


def test_a_start_is_a_login():
    [login] = decode().logins
    assert login.identities == (("username", "ann"),)
    assert login.device == bytes.fromhex("0c8ddb001122")
    assert login.reference.mac == bytes.fromhex("0010a42319c0")
    assert (login.nas, login.session, login.at) == ("nas-1", "s1", NOW)


@pytest.mark.parametrize("status", ["2", "3", "Stop", "Interim-Update", "Alive"])
def test_the_rest_of_a_session_is_presence(status):
    heard = decode(Acct_Status_Type=[status])
    assert len(heard.observations) == 1
    assert heard.logins == ()


@pytest.mark.parametrize("status", ["7", "8", "Accounting-On", "Accounting-Off"])
def test_a_nas_that_goes_on_or_off_restarts(status):
    [restart] = decode(Acct_Status_Type=[status], Calling_Station_Id=None).restarts
    assert (restart.nas, restart.at) == ("nas-1", NOW)


@pytest.mark.parametrize(
    ("stamp", "delay", "at"),
    [
        (None, None, NOW),
        (None, ["90"], NOW - 90 * SECOND),
        (["1700000000"], ["90"], 1700000000 * SECOND),
        (["2023-11-14T22:13:20Z"], None, 1700000000 * SECOND),
    ],
)
def test_the_time_is_the_nas_clocks_or_else_the_arrival_less_the_delay(
    stamp, delay, at
):
    [login] = decode(Event_Timestamp=stamp, Acct_Delay_Time=delay).logins
    assert login.at == at


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (["ann"], (("username", "ann"),)),
        (["0c8ddb001122"], ()),
        (["0C-8D-DB-00-11-22"], ()),
        (["anonymous@example.com"], ()),
        (["@example.com"], ()),
        (None, ()),
    ],
)
def test_a_name_that_is_an_address_or_anonymous_identifies_nobody(name, expected):
    assert decode(User_Name=name).logins[0].identities == expected


def test_class_and_chargeable_user_identity_identify_too():
    [login] = decode(User_Name=None, Class=["c"], Chargeable_User_Identity=["u"]).logins
    assert login.identities == (("class", "c"), ("cui", "u"))


@pytest.mark.parametrize(
    ("called", "expected"),
    [
        ("00-10-A4-23-19-C0:Guests", "0010a42319c0"),
        ("00:10:a4:23:19:c0:Guests", "0010a42319c0"),
        ("0010a42319c0:Guests", "0010a42319c0"),
        ("0010.a423.19c0", "0010a42319c0"),
        ("Guests", None),
    ],
)
def test_an_access_point_is_read_with_and_without_its_network(called, expected):
    [login] = decode(Called_Station_Id=[called]).logins
    assert login.reference.mac == (bytes.fromhex(expected) if expected else None)
    assert login.reference.nas == "nas-1"


@pytest.mark.parametrize(
    "changes",
    [{"Acct_Status_Type": ["15"]}, {"Acct_Status_Type": None}]
    + [{"Calling_Station_Id": None}, {"Calling_Station_Id": ["x"]}]
    + [{"Event_Timestamp": ["soon"]}]
    + [{"Acct_Status_Type": ["7"], "NAS_Identifier": None}],
)
def test_attributes_that_cannot_be_understood_are_rejected(changes):
    heard = decode(**changes)
    assert len(heard.rejections) == 1
    assert (heard.logins, heard.observations, heard.restarts) == ((), (), ())


def test_freeradius_json_is_read_by_the_names_of_its_numbers():
    post = {
        "Acct-Status-Type": {"type": "integer", "value": [1], "mapping": ["Start"]},
        "Calling-Station-Id": {"type": "string", "value": ["0c-8d-db-00-11-22"]},
        "User-Name": {"type": "string", "value": "ann"},
        "Junk": {"type": "x", "value": [{"a": 1}]},
        "NAS-Identifier": "nas-1",
    }
    [login] = freeradius.decode(json.dumps(post).encode(), NOW).logins
    assert login.identities == (("username", "ann"),)
    assert login.nas == "nas-1"


@pytest.mark.parametrize(
    ("sent", "at"),
    [
        ("Nov 14 2023 22:13:20 UTC", 1700000000 * SECOND),
        ("1700000000", 1700000000 * SECOND),
        ("Nov 14 2023 23:13:20 CET", NOW),  # only the server knows that zone
    ],
)
def test_freeradius_dates_and_octets_are_read(sent, at):
    post = {
        "Acct-Status-Type": {"type": "integer", "value": ["Start"]},
        "Calling-Station-Id": {"type": "string", "value": ["0c-8d-db-00-11-22"]},
        "Event-Timestamp": {"type": "date", "value": [sent]},
        "Class": {"type": "octets", "value": ["0x636c617373"]},
    }
    [login] = freeradius.decode(json.dumps(post).encode(), NOW).logins
    assert login.at == at
    assert login.identities == (("class", "class"),)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"a":', b"5"])
def test_a_freeradius_post_that_cannot_be_understood_is_rejected(body):
    assert len(freeradius.decode(body, NOW).rejections) == 1


def test_freeradius_proves_itself_with_its_password():
    def verify(header):
        return freeradius.verify("secret", {"authorization": header}, b"")

    assert verify("Basic Zm9vdGZhbGw6c2VjcmV0")
    assert verify("basic Zm9vdGZhbGw6c2VjcmV0")
    assert not verify("Basic Zm9vdGZhbGw6c2VjcmV1")
    assert not verify("Bearer secret")
    assert not verify("Basic ###")
    assert not freeradius.verify("secret", {}, b"")
