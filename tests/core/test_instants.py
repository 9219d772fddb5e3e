from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core import instants

MICROSECOND = timedelta(microseconds=1)


def of(text: str) -> int:
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // (
        MICROSECOND
    )


@given(st.datetimes(timezones=st.timezones()))
def test_an_instant_with_an_offset_is_read_exactly(moment):
    expected = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // MICROSECOND
    assert instants.parse_instant(moment.isoformat()) == expected


def test_every_instant_that_can_be_read_lies_between_the_first_and_the_last():
    first = instants.parse_instant("0001-01-01T00:00:00+23:59")
    last = instants.parse_instant("9999-12-31T23:59:59.999999-23:59")
    assert instants.EARLIEST < first < last < instants.LATEST


@given(st.integers(-62135596800, 253402300799))
def test_a_formatted_instant_is_parsed_back(second):
    text = instants.format_instant(second * instants.SECOND)
    assert len(text) == len("2022-07-21T18:41:09Z")
    assert instants.parse_instant(text) == second * instants.SECOND


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2022-07-21", "2022-13-01T00:00:00Z", "0000-01-01T00:00:00Z"]
    + ["10000-01-01T00:00:00Z", "2022-07-21T18:41:09", "12:00:00Z"],
)
def test_an_invalid_instant_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match=r"such as 2022|has no offset"):
        instants.parse_instant(text)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("2022-07-21T22:23:24Z", "2022-07-21T22:23:24+00:00"),
        ("2022-07-21T22:23:24", "2022-07-21T22:23:24+00:00"),
        ("2022-07-21T22:23:24 02:00", "2022-07-21T22:23:24+02:00"),
        ("2022-07-21 22:23:24 02:00", "2022-07-21T22:23:24+02:00"),
        ("2022-07-21T22:23:24-07:00", "2022-07-21T22:23:24-07:00"),
        ("2022-07-21T22:23:24.25Z", "2022-07-21T22:23:24.250000+00:00"),
    ],
)
def test_a_bound_is_utc_without_an_offset_and_a_space_is_a_plus(text, meaning):
    assert instants.parse_bound(text, last=False) == of(meaning)
    assert instants.parse_bound(text, last=True) == of(meaning)


def test_a_date_alone_is_the_whole_day():
    first = instants.parse_bound("2022-07-21", last=False)
    last = instants.parse_bound("2022-07-21", last=True)
    assert first == of("2022-07-21T00:00:00+00:00")
    assert last == of("2022-07-21T23:59:59.999999+00:00")


def test_a_wall_clock_is_its_digits_whatever_follows_them():
    digits = "2022-07-21T11:41:09"
    read = {instants.parse_wall_clock(digits + end) for end in ("", "Z", "-07:00")}
    assert read == {of(digits + "+00:00")}


def test_a_wall_clock_follows_its_zone_through_a_clock_change():
    rome = instants.zone_of("Europe/Rome")
    before, after = of("2026-10-25T00:30:00+00:00"), of("2026-10-25T01:30:00+00:00")
    shown = {instants.to_wall_clock(instant, rome) for instant in (before, after)}
    assert shown == {of("2026-10-25T02:30:00+00:00")}
    offsets = [instants.format_offset(instant, rome) for instant in (before, after)]
    assert offsets == ["+02:00", "+01:00"]
    assert instants.from_wall_clock(shown.pop(), rome) == before


def test_a_negative_offset_of_half_an_hour_is_written_right():
    zone = instants.zone_of("America/St_Johns")
    assert instants.format_offset(of("2026-01-01T00:00:00+00:00"), zone) == "-03:30"


@pytest.mark.parametrize("name", ["Mars/Phobos", "", "../../etc/passwd", "/etc", "\0"])
def test_an_unknown_zone_is_refused(name):
    with pytest.raises(ValueError, match="IANA"):
        instants.zone_of(name)
