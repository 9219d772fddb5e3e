"""Instants and wall clocks.

An *instant* is a moment in the world, held as whole microseconds since 1970-01-01
UTC. A *wall clock* is the time that the clock in a venue showed, held as microseconds
since 1970-01-01 00:00 on the same clock, without a zone: the API writes it with a false
`Z` (`createdAtLocal`). Digits of a fraction beyond the sixth are ignored.
"""

import functools
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
# Zones lie between UTC-12 and UTC+14: a wall clock further from its instant than
# that contradicts it.
ZONE_MIN = -12 * HOUR
ZONE_MAX = 14 * HOUR
# All instants that can be read lie between: the years 1 to 9999, on clocks that are
# less than a day from UTC.
EARLIEST = -62_135_596_800 * SECOND - DAY
LATEST = 253_402_300_800 * SECOND + DAY

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TIMED = len("2022-07-21T18:41")


def parse_instant(text: str) -> int:
    """Read an ISO 8601 time with an offset (`2022-07-21T18:41:09Z`).

    Raises:
        ValueError: It is not such a time; the message says what is allowed.
    """
    moment = _parse(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no offset; end it with Z or ±hh:mm")
    return (moment - _EPOCH) // _MICROSECOND


def parse_wall_clock(text: str) -> int:
    """Read the digits of a local time; a `Z` or an offset after them is ignored.

    Raises:
        ValueError: It is not an ISO 8601 time.
    """
    moment = _parse(text)
    if moment.tzinfo is not UTC:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MICROSECOND


def parse_bound(text: str, *, last: bool) -> int:
    """Read a bound of a search: an instant, or a date that means the whole day.

    Without an offset it is UTC. A `+` that arrived as a space is a plus.

    Args:
        text: What the client sent.
        last: For a date alone, take its last instant, not its first.

    Raises:
        ValueError: It is neither a time nor a date.
    """
    text = text[:11] + text[11:].replace(" ", "+")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        try:
            moment = _parse(text)
        except ValueError as error:
            raise ValueError(f"{error}, or a date such as 2022-07-21") from None
        return (moment.replace(tzinfo=moment.tzinfo or UTC) - _EPOCH) // _MICROSECOND
    first = (day - _EPOCH.date()).days * DAY
    return first + DAY - 1 if last else first


def _parse(text: str) -> datetime:
    """Read a date with a time; a date alone would silently mean midnight."""
    try:
        if len(text) < _TIMED and "T" not in text:
            raise ValueError
        return datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text[:64]!r} is not an ISO 8601 time of the years 1 to 9999, "
            "such as 2022-07-21T18:41:09Z"
        ) from None


def format_instant(instant: int) -> str:
    """Write an instant as footfall does: UTC, whole seconds, `Z`."""
    return _format_second(instant // SECOND)


@functools.lru_cache(maxsize=1024)
def _format_second(second: int) -> str:
    moment = _EPOCH + timedelta(seconds=second)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")


# The same format: the original puts a false `Z` after local times.
format_wall_clock = format_instant


def zone_of(name: str) -> ZoneInfo:
    """Return the IANA time zone of that name.

    Raises:
        ValueError: There is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"{name[:64]!r} is not an IANA time zone, such as Europe/Rome"
        ) from None


def to_wall_clock(instant: int, zone: ZoneInfo) -> int:
    """Return what the clock in `zone` shows at `instant`."""
    return instant + _offset(instant, zone)


def from_wall_clock(wall_clock: int, zone: ZoneInfo) -> int:
    """Return the instant at which the clock in `zone` shows `wall_clock`.

    In an hour that a clock change repeats, it is the first of the two instants.
    """
    moment = (_EPOCH + wall_clock * _MICROSECOND).replace(tzinfo=zone)
    return (moment - _EPOCH) // _MICROSECOND


def format_offset(instant: int, zone: ZoneInfo) -> str:
    """Write the zone's offset from UTC at `instant`, such as `-07:00`."""
    minutes = _offset(instant, zone) // (60 * SECOND)
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _offset(instant: int, zone: ZoneInfo) -> int:
    moment = datetime.fromtimestamp(instant // SECOND, zone)
    distance = moment.utcoffset()
    return 0 if distance is None else distance // _MICROSECOND
