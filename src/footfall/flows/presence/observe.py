"""Observe: apply a batch of a source; derive arrivals, logins and visits.

All effects of a step happen in one transaction of the organization: the observations
are stored, the stays change, events that no longer hold are withdrawn, and new ones are
stored. There is no other state, so a crash at any point loses nothing, and sending a
post again changes nothing.
"""

from collections.abc import Iterator

import msgspec

from footfall.core.observations import Rejection, SourceBatch, StoredObservation
from footfall.core.pacing import Pace
from footfall.core.places import Registry
from footfall.core.stays import Rules
from footfall.errors import ItemRejected
from footfall.flows.presence import log_in
from footfall.flows.presence.attribute import (
    PlaceResolver,
    absorb_observations,
    check_time,
)
from footfall.flows.presence.change_stays import UnitOfWork
from footfall.store.transaction import Heard, HeardKind, Transaction

# A post of up to so many is one step, and so one job of the writer. A larger one is cut
# into smaller steps, paced, for how long they take depends on what others do meanwhile.
OBSERVATIONS_AT_ONCE, LOGINS_AT_ONCE = 500, 10
OBSERVATIONS_FIRST, OBSERVATIONS_MIN = 250, 50
STEP_S = 0.04
# A login takes as long as so many observations.
LOGIN_WEIGHT = 10


class PresenceOptions(msgspec.Struct, frozen=True):
    """What replaces the organization's settings; None keeps a setting.

    Attributes:
        rules: The rules of every location.
        pseudonymous: Whether unknown devices get a contact each.
        closing: Whether stays may close meanwhile; history closes them at its end.
    """

    rules: Rules | None = None
    pseudonymous: bool | None = None
    closing: bool = True


class Outcome(msgspec.Struct, frozen=True):
    """What a step of a batch changed.

    Attributes:
        observed: How many observations and logins were taken in.
        events: How many events were made.
        withdrawn: How many derived events were withdrawn.
        rejections: Items without a known place or possible time, and why.
    """

    observed: int = 0
    events: int = 0
    withdrawn: int = 0
    rejections: tuple[Rejection, ...] = ()


LIVE = PresenceOptions()


def observe(
    transaction: Transaction,
    heard: SourceBatch,
    now: int,
    options: PresenceOptions = LIVE,
) -> Outcome:
    """Take in a batch of a source in one transaction; see `steps` for large posts.

    Args:
        transaction: The organization's transaction.
        heard: The batch.
        now: The instant of its arrival here.
        options: What replaces the organization's settings.
    """
    unit = UnitOfWork(transaction, now, options.rules, closing=options.closing)
    rejections: list[Rejection] = []
    seen = list(heard.observations)
    # Before the logins, because a NAS that restarted uses its session ids again.
    for restart in heard.restarts:
        try:
            check_time(restart.at, now)
            log_in.end_sessions(unit, restart)
        except ItemRejected as rejected:
            rejections.append(Rejection(rejected.errors, b""))
    taken = 0
    for login in sorted(heard.logins, key=lambda login: login.at):
        try:
            check_time(login.at, now)
            seen += log_in.log_in(unit, login, now)
            taken += 1
        except ItemRejected as rejected:
            rejections.append(Rejection(rejected.errors, b"", login.index))
    kept = []
    resolver = PlaceResolver(unit, now)
    for observation in seen:
        try:
            kept.append(resolver.resolve(observation))
        except ItemRejected as rejected:
            rejections.append(Rejection(rejected.errors, b"", observation.index))
    absorb_observations(unit, kept, pseudonymous=options.pseudonymous)
    if kept:
        transaction.observations.add(kept, now)
        transaction.last_heard.note(_heard(unit.registry, kept))
    made, withdrawn = unit.write()
    # A login is also an observation, but counts once.
    observed = len(kept) - (len(seen) - len(heard.observations)) + taken
    return Outcome(observed, made, withdrawn, tuple(rejections))


def _heard(registry: Registry, kept: list[StoredObservation]) -> dict[Heard, int]:
    """Return when each location and each hotspot last heard somebody."""
    latest: dict[tuple[int, int], int] = {}
    for one in kept:
        place = one.location, one.hotspot
        if one.at > latest.get(place, -1):
            latest[place] = one.at
    found: dict[Heard, int] = {}
    for (location, hotspot), at in latest.items():
        here = HeardKind.LOCATION, registry.locations[location].location.id
        found[here] = max(at, found.get(here, at))
        if hotspot:
            found[HeardKind.HOTSPOT, registry.hotspots[hotspot][0].id] = at
    return found


def pace_of_steps() -> Pace:
    """Return the pace of a post's steps, in observations."""
    return Pace(
        OBSERVATIONS_FIRST,
        least=OBSERVATIONS_MIN,
        most=OBSERVATIONS_AT_ONCE,
        within_s=STEP_S,
    )


def steps(heard: SourceBatch, pace: Pace) -> Iterator[tuple[SourceBatch, bool]]:
    """Cut a batch into steps that each fit into one job of the writer.

    Logins come first, in the order of time, because they decide whose the observations
    are.

    Yields:
        Each step, and whether it is the last.
    """
    is_small = len(heard.observations) <= OBSERVATIONS_AT_ONCE
    if is_small and len(heard.logins) <= LOGINS_AT_ONCE:
        yield heard, True
        return
    logins = sorted(heard.logins, key=lambda login: login.at)
    seen = sorted(heard.observations, key=lambda one: one.at)
    # Restarts and rejections go with the first step.
    part = msgspec.structs.replace(heard, logins=[], observations=[])
    while logins or seen:
        if logins:
            size = max(1, pace.size // LOGIN_WEIGHT)
            part = msgspec.structs.replace(part, logins=logins[:size])
            logins = logins[size:]
        else:
            part = msgspec.structs.replace(part, observations=seen[: pace.size])
            seen = seen[pace.size :]
        yield part, not (logins or seen)
        part = SourceBatch()


def merged(one: Outcome, other: Outcome) -> Outcome:
    """Add up the outcomes of two steps."""
    return Outcome(
        one.observed + other.observed,
        one.events + other.events,
        one.withdrawn + other.withdrawn,
        one.rejections + other.rejections,
    )
