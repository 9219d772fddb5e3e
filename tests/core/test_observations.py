import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core.instants import SECOND
from footfall.core.observations import (
    FORMAT,
    PlaceReference,
    StoredObservation,
    contacts,
    digest,
    is_randomised,
    pack,
    parse_mac,
    unpack,
    unpack_of,
    with_contacts,
)

MAC = bytes.fromhex("0c8ddb001122")


@pytest.mark.parametrize(
    "text",
    ["0c:8d:db:00:11:22", "0C-8D-DB-00-11-22", "0c8d.db00.1122", "0c8ddb001122"],
)
def test_a_mac_is_read_in_every_usual_form(text):
    assert parse_mac(text) == MAC


@pytest.mark.parametrize(
    "text", ["", "0c:8d:db:00:11", "0c:8d:db:00:11:2g", "0c8ddb00112233", "0c 8ddb0011"]
)
def test_an_invalid_mac_is_refused(text):
    with pytest.raises(ValueError, match="is not a MAC address"):
        parse_mac(text)


@pytest.mark.parametrize("digit", "0123456789abcdef")
def test_a_mac_is_randomised_if_its_second_digit_is_2_6_a_or_e(digit):
    assert is_randomised(parse_mac(f"0{digit}8ddb001122")) == (digit in "26ae")


def test_a_device_name_that_is_not_a_mac_is_never_randomised():
    assert not is_randomised(b"\x02ab")


def test_a_digest_depends_on_the_key():
    assert digest(b"one", MAC) != digest(b"two", MAC)
    assert len(digest(b"one", MAC)) == 16


def test_a_place_reference_shows_what_the_equipment_sent():
    assert str(PlaceReference(mac=MAC, nas="n1")) == (
        "access point '0c:8d:db:00:11:22', NAS 'n1'"
    )


kept = st.builds(
    StoredObservation,
    # Zeros stand for an overwritten subject.
    subject=st.binary(min_size=16, max_size=16).filter(any),
    at=st.integers(0, 10**10).map(lambda n: n * SECOND),
    location=st.integers(1, 2**32 - 1),
    hotspot=st.integers(0, 2**32 - 1),
    rssi=st.none() | st.integers(-200, 100),
    by_contact=st.booleans(),
    ephemeral=st.booleans(),
)


@given(st.lists(kept, max_size=20))
def test_packed_observations_are_unpacked_unchanged(some):
    assert list(unpack(pack(some))) == some


def test_observations_of_an_unknown_format_are_not_read():
    with pytest.raises(ValueError, match=f"only {FORMAT}"):
        list(unpack(b"", FORMAT + 1))
    with pytest.raises(ValueError, match=f"only {FORMAT}"):
        list(unpack_of(b"", (), FORMAT + 1))


@given(st.lists(kept, max_size=20))
def test_contacts_are_named_otherwise_and_devices_are_left_alone(some):
    batch = pack(some)
    found = {one.subject for one in some if one.by_contact}
    assert contacts(batch) == found
    others = {subject: digest(b"other", subject) for subject in found}
    changed = [
        msgspec.structs.replace(one, subject=others[one.subject])
        if one.by_contact
        else one
        for one in some
    ]
    assert list(unpack(with_contacts(batch, others))) == changed
