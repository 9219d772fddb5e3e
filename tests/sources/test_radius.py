"""The quick check of a packet agrees with pyrad."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrad.packet import AcctPacket, StatusServer

from footfall.sources import radius
from tests.sources.equipment import accounting_request

SECRET, OTHER = b"testing-123", b"another-123"


def status_request(secret):
    made = AcctPacket(StatusServer, id=1, secret=secret, dict=radius.dictionary())
    made["NAS-Identifier"] = "nas-1"
    return made.RequestPacket()


REQUESTS = st.sampled_from([accounting_request(SECRET), status_request(SECRET)])


def verdict(data, secret):
    try:
        data = radius.trimmed(data)
        return radius.checker(data)(secret)
    except radius.PacketRefused:
        return False


def pyrads_verdict(data, secret):
    try:
        return radius.parse(data, secret) is not None
    except radius.PacketRefused:
        return False


@pytest.mark.parametrize("make", [accounting_request, status_request])
def test_a_request_matches_only_the_secret_that_made_it(make):
    assert verdict(make(SECRET), SECRET)
    assert not verdict(make(SECRET), OTHER)
    assert radius.parse(make(SECRET), SECRET)["NAS-Identifier"] == ["nas-1"]


@given(request=REQUESTS, at=st.integers(0, 200), byte=st.integers(0, 255))
def test_a_changed_byte_is_never_accepted_where_pyrad_refuses_it(request, at, byte):
    at %= len(request)
    changed = request[:at] + bytes([byte]) + request[at + 1 :]
    try:
        changed = radius.trimmed(changed)
    except radius.PacketRefused:
        return
    assert verdict(changed, SECRET) == pyrads_verdict(changed, SECRET)


@given(data=st.binary(max_size=100), request=REQUESTS)
def test_bytes_after_a_request_are_ignored(data, request):
    assert radius.trimmed(request + data) == request


@given(data=st.binary(max_size=5000))
def test_any_bytes_are_refused_or_checked_without_another_error(data):
    assert not verdict(data, SECRET)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x04" * 20,
        b"\x04\x00\x00\x14",
        b"\x01" + accounting_request(SECRET)[1:],
        b"\x04\x00\x00\x13" + bytes(16),
        b"\x04\x00\xff\xff" + bytes(4200),
        b"\x0c\x00\x00\x16" + bytes(16) + b"\x50\x01",
        b"\x0c\x00\x00\x16" + bytes(16) + b"\x20\x00",
    ],
)
def test_what_does_not_look_like_a_request_is_refused(data):
    with pytest.raises(radius.PacketRefused):
        radius.checker(radius.trimmed(data))
