"""Observe: apply a batch of a source; derive arrivals, logins and visits.

All effects of a step happen in one transaction of the organization: the observations
are stored, the stays change, events that no longer hold are withdrawn, and new ones are
stored. There is no other state, so a crash at any point loses nothing, and sending a
post again changes nothing.
"""

import msgspec

from footfall.core.observations import Rejection, SourceBatch, StoredObservation
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

# The size of the writer's jobs: each takes some 20 to 50 ms.
# A post of up to this many observations is one step; a larger one is cut into smaller
# steps.
OBSERVATIONS_AT_ONCE = 500
OBSERVATIONS_A_STEP = 250
LOGINS_A_STEP = 50


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


def steps(heard: SourceBatch) -> list[SourceBatch]:
    """Cut a batch into steps that each fit into one job of the writer.

    Logins come first, in the order of time, because they decide whose the observations
    are.
    """
    is_small = len(heard.observations) <= OBSERVATIONS_AT_ONCE
    if is_small and len(heard.logins) <= LOGINS_A_STEP:
        return [heard]
    logins = sorted(heard.logins, key=lambda login: login.at)
    seen = sorted(heard.observations, key=lambda one: one.at)
    parts = [
        SourceBatch(logins=logins[n : n + LOGINS_A_STEP])
        for n in range(0, len(logins), LOGINS_A_STEP)
    ] + [
        SourceBatch(seen[n : n + OBSERVATIONS_A_STEP])
        for n in range(0, len(seen), OBSERVATIONS_A_STEP)
    ]
    parts[0] = msgspec.structs.replace(
        parts[0], restarts=heard.restarts, rejections=heard.rejections
    )
    return parts


def merged(one: Outcome, other: Outcome) -> Outcome:
    """Add up the outcomes of two steps."""
    return Outcome(
        one.observed + other.observed,
        one.events + other.events,
        one.withdrawn + other.withdrawn,
        one.rejections + other.rejections,
    )
