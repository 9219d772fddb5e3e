"""Stays: what becomes of presence.

A *stay* is a run of observations of a contact at a location in which no pause is
longer than the session timeout. It opens with the first observation in it that is
strong enough (`arriving`), and closes when nothing was heard for the timeout; if it
lasted for the minimum dwell it was a `visit`.

A stay is all that must be known of its observations: two stays that lie within the
timeout are one, whichever was known first. So late, repeated and unordered
observations need no case of their own, and one observation is the shortest stay.
Source: SPEC "Visits from presence".
"""

from collections.abc import Iterable, Iterator

import msgspec

from footfall.core.instants import MINUTE
from footfall.errors import FieldError, Invalid


class Rules(msgspec.Struct, frozen=True, rename="camel"):
    """When presence is a visit.

    Attributes:
        minimum_dwell: Minutes that a visit lasts at least; less is a passer-by.
        session_timeout: Minutes of silence that end a stay.
        minimum_signal: dBm that the observation that opens a stay has at least; an
            observation without a signal is strong enough.
        maximum_visit: Minutes after which a visit is over, however long its contact
            is still heard; what follows in that run is no other visit.
    """

    minimum_dwell: int = 5
    session_timeout: int = 15
    minimum_signal: int | None = None
    maximum_visit: int | None = None

    @property
    def timeout(self) -> int:
        """The session timeout in microseconds."""
        return self.session_timeout * MINUTE


ALLOWED = {
    "minimum_dwell": (2, 30),
    "session_timeout": (15, 1440),
    "minimum_signal": (-120, 0),
    "maximum_visit": (30, 43_200),
}


def check(rules: Rules) -> None:
    """Accept only what the API allows; a replay may go beyond it.

    Raises:
        Invalid: Something is outside its range; all that is, is named.
    """
    names = {field.name: field.encode_name for field in msgspec.structs.fields(Rules)}
    errors = [
        FieldError(names[name], f"is {value}; allowed: {least} to {most}")
        for name, (least, most) in ALLOWED.items()
        if (value := getattr(rules, name)) is not None and not least <= value <= most
    ]
    if errors:
        raise Invalid("Some settings are outside their range; see `errors`.", errors)


class Point(msgspec.Struct, frozen=True, gc=False):
    """An observation of a contact at a location.

    Attributes:
        at: The instant, of a whole second.
        rssi: The signal in dBm, where it is known.
        hotspot: The hotspot's number, or 0.
    """

    at: int
    rssi: int | None = None
    hotspot: int = 0


class Stay(msgspec.Struct, frozen=True, gc=False):
    """A run of observations without a pause over the timeout.

    Attributes:
        first_at: The first of them.
        last_at: The last.
        start_at: The first that was strong enough; None if none was.
        hotspot: Where that one was heard; 0 if it is not known.
        visit_at: The end of the visit that was made of it, if one was.
        open: Whether it may go on.
    """

    first_at: int
    last_at: int
    start_at: int | None
    hotspot: int = 0
    visit_at: int | None = None
    open: bool = True


class Change(msgspec.Struct, frozen=True):
    """What an observation changed: a stay, and those that it takes the place of."""

    stay: Stay
    gone: tuple[Stay, ...]


def runs(points: Iterable[Point], rules: Rules) -> Iterator[Stay]:
    """Yield the stays of observations that come in any order."""
    points = list(points)
    if len(points) == 1:
        yield _of(points[0], rules)
        return
    current: Stay | None = None
    for point in sorted(points, key=lambda point: point.at):
        one = _of(point, rules)
        if current is None:
            current = one
        elif one.first_at - current.last_at <= rules.timeout:
            current = _joined(current, one)
        else:
            yield current
            current = one
    if current is not None:
        yield current


def _of(point: Point, rules: Rules) -> Stay:
    weak = (
        rules.minimum_signal is not None
        and point.rssi is not None
        and point.rssi < rules.minimum_signal
    )
    if weak:
        return Stay(point.at, point.at, None)
    return Stay(point.at, point.at, point.at, point.hotspot)


def absorb(
    known: Iterable[Stay], heard: Stay, rules: Rules, now: int | None
) -> Change | None:
    """Put what was heard to the stays that are known of a contact at a location.

    Args:
        known: At least those that lie within the timeout of `heard`.
        heard: Observations that belong together; see `runs`.
        rules: Those of the location.
        now: The instant up to which everything was heard; None leaves it open.

    Returns:
        None if nothing changes.
    """
    stay, gone = heard, list[Stay]()
    rest, timeout = list(known), rules.timeout
    while near := [other for other in rest if _near(stay, other, timeout)]:
        rest = [other for other in rest if other not in near]
        gone += near
        for other in near:
            stay = _joined(stay, other)
    if len(gone) == 1 and _same(stay, gone[0]):
        return None
    return Change(close_if_due(stay, rules, now), tuple(gone))


def prolong(stay: Stay, heard: Stay, rules: Rules, now: int | None) -> Stay | None:
    """Do what `absorb` does, quickly, where an open stay only goes on.

    Returns:
        The stay, the same one if it was as long already; None where that is not all.
    """
    if not stay.open or stay.start_at is None or rules.maximum_visit is not None:
        return None
    opens_later = heard.start_at is None or heard.start_at > stay.start_at
    if not (opens_later and heard.first_at >= stay.first_at):
        return None
    if heard.last_at <= stay.last_at:
        return stay
    latest = heard.last_at + rules.timeout
    if heard.first_at - stay.last_at > rules.timeout or (now or latest) > latest:
        return None
    return Stay(stay.first_at, heard.last_at, stay.start_at, stay.hotspot)


def close_if_due(stay: Stay, rules: Rules, now: int | None) -> Stay:
    """Say whether a stay is over by `now`, and the visit that it was."""
    silent = now is not None and now > stay.last_at + rules.timeout
    end, over = stay.last_at, silent
    if stay.start_at is not None and rules.maximum_visit is not None:
        latest = stay.start_at + rules.maximum_visit * MINUTE
        over = over or end >= latest
        end = min(end, latest)
    is_visit = (
        over
        and stay.start_at is not None
        and end - stay.start_at >= rules.minimum_dwell * MINUTE
    )
    return Stay(
        stay.first_at,
        stay.last_at,
        stay.start_at,
        stay.hotspot,
        end if is_visit else None,
        not silent,
    )


def _near(one: Stay, other: Stay, timeout: int) -> bool:
    return (
        other.first_at - one.last_at <= timeout
        and one.first_at - other.last_at <= timeout
    )


def _joined(one: Stay, other: Stay) -> Stay:
    opener = one if _opens(one, other) else other
    return Stay(
        min(one.first_at, other.first_at),
        max(one.last_at, other.last_at),
        opener.start_at,
        opener.hotspot,
    )


def _opens(one: Stay, other: Stay) -> bool:
    """Tell which of two is the one whose opening is that of both."""
    if one.start_at is None or other.start_at is None:
        return other.start_at is None
    if one.start_at != other.start_at:
        return one.start_at < other.start_at
    # Of two hotspots in one second the known one, then the lower number.
    return (one.hotspot == 0, one.hotspot) <= (other.hotspot == 0, other.hotspot)


def _same(stay: Stay, known: Stay) -> bool:
    return (
        stay.first_at == known.first_at
        and stay.last_at == known.last_at
        and stay.start_at == known.start_at
        and stay.hotspot == known.hotspot
    )
