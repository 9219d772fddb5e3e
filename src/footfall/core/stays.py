"""Stays: the rules that turn presence into visits.

A *stay* is a run of observations of a contact at a location with no pause longer than
the session timeout. The first observation that is strong enough opens it (`arriving`).
It closes when nothing was heard for the timeout; if it lasted at least the minimum
dwell, it becomes a `visit`.

A stay holds all that must be known of its observations, and an observation is the
shortest stay. Two stays within the timeout of each other are one, whichever was known
first. So late, repeated and unordered observations are not special cases.
Source: SPEC "Visits from presence".
"""

from collections.abc import Iterable, Sequence

import msgspec

from footfall.core.instants import MINUTE
from footfall.core.observations import StoredObservation
from footfall.errors import FieldError, Invalid


class Rules(msgspec.Struct, frozen=True, rename="camel", gc=False):
    """When presence is a visit.

    Attributes:
        minimum_dwell: The least minutes of a visit; a shorter stay is a passer-by.
        session_timeout: Minutes of silence that end a stay.
        minimum_signal: The least dBm of the observation that opens a stay; an
            observation without a signal is strong enough.
        maximum_visit: Minutes after which a visit ends, even if its contact is still
            heard; the rest of that run makes no other visit.
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
    """Accept only rules that the API allows; a replay may go beyond them.

    Raises:
        Invalid: Some rules are out of range; names all of them.
    """
    names = {field.name: field.encode_name for field in msgspec.structs.fields(Rules)}
    errors = [
        FieldError(names[name], f"is {value}; allowed: {least} to {most}")
        for name, (least, most) in ALLOWED.items()
        if (value := getattr(rules, name)) is not None and not least <= value <= most
    ]
    if errors:
        raise Invalid("Some settings are outside their range; see `errors`.", errors)


class Stay(msgspec.Struct, frozen=True, gc=False):
    """A run of observations without a pause over the timeout.

    Attributes:
        first_at: The instant of the first observation.
        last_at: The instant of the last.
        start_at: The instant of the first that was strong enough; None if none was.
        hotspot: The hotspot of that one; 0 if it is not known.
        visit_at: The end of its visit, if it has become one.
        open: Whether it may go on.
    """

    first_at: int
    last_at: int
    start_at: int | None
    hotspot: int = 0
    visit_at: int | None = None
    open: bool = True


class Change(msgspec.Struct, frozen=True):
    """A changed stay, and the stays that it replaces."""

    stay: Stay
    replaced: tuple[Stay, ...]


def runs(heard: Sequence[StoredObservation], rules: Rules) -> list[Stay]:
    """Return the stays of one contact's observations at a place, in the order of time.

    Args:
        heard: The observations, in any order.
        rules: The place's rules.
    """
    if len(heard) == 1:
        return [_of(heard[0], rules)]
    found: list[Stay] = []
    for observation in sorted(heard, key=lambda one: one.at):
        one = _of(observation, rules)
        if found and one.first_at - found[-1].last_at <= rules.timeout:
            found[-1] = _joined(found[-1], one)
        else:
            found.append(one)
    return found


def _of(one: StoredObservation, rules: Rules) -> Stay:
    weak = (
        rules.minimum_signal is not None
        and one.rssi is not None
        and one.rssi < rules.minimum_signal
    )
    if weak:
        return Stay(one.at, one.at, None)
    return Stay(one.at, one.at, one.at, one.hotspot)


def absorb(
    known: Iterable[Stay], run: Stay, rules: Rules, now: int | None
) -> Change | None:
    """Merge a run into the known stays of a contact at a location.

    Args:
        known: At least the stays within the timeout of `run`.
        run: The run; see `runs`.
        rules: The location's rules.
        now: The instant up to which everything was heard; None leaves the stay open.

    Returns:
        None if nothing changes.
    """
    stay, replaced = run, list[Stay]()
    rest, timeout = list(known), rules.timeout
    # A joined stay is longer, so further stays may now be within the timeout.
    while near := [other for other in rest if _near(stay, other, timeout)]:
        rest = [other for other in rest if other not in near]
        replaced += near
        for other in near:
            stay = _joined(stay, other)
    if len(replaced) == 1 and _same(stay, replaced[0]):
        return None
    return Change(close_if_due(stay, rules, now), tuple(replaced))


def prolong(stay: Stay, run: Stay, rules: Rules, now: int | None) -> Stay | None:
    """Do what `absorb` does, but faster, if only the end of an open stay moves.

    Returns:
        The stay, the same object if its end does not move; None if `absorb` is needed.
    """
    if not stay.open or stay.start_at is None or rules.maximum_visit is not None:
        return None
    opens_later = run.start_at is None or run.start_at > stay.start_at
    if not (opens_later and run.first_at >= stay.first_at):
        return None
    if run.last_at <= stay.last_at:
        return stay
    latest = run.last_at + rules.timeout
    if run.first_at - stay.last_at > rules.timeout or (now or latest) > latest:
        return None
    return Stay(stay.first_at, run.last_at, stay.start_at, stay.hotspot)


def close_if_due(stay: Stay, rules: Rules, now: int | None) -> Stay:
    """Return the stay as of `now`: closed, and with its visit, if it is over."""
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
    """Tell whether `one`, not `other`, opens the joined stay."""
    if one.start_at is None or other.start_at is None:
        return other.start_at is None
    if one.start_at != other.start_at:
        return one.start_at < other.start_at
    # In the same second, a known hotspot wins, then the lower number.
    return (one.hotspot == 0, one.hotspot) <= (other.hotspot == 0, other.hotspot)


def _same(stay: Stay, known: Stay) -> bool:
    return (
        stay.first_at == known.first_at
        and stay.last_at == known.last_at
        and stay.start_at == known.start_at
        and stay.hotspot == known.hotspot
    )
