"""Observe: what equipment says in, arrivals, logins and visits out.

All that follows from a step of a post happens in one transaction of the organization's
data: the observations are kept, the stays change, the events that no longer hold are
taken back and those that now do are stored. Nothing of it is remembered anywhere else,
so a crash at any point loses nothing, and a post that comes again changes nothing.
"""

import msgspec

from footfall.core.observations import Rejection, SourceBatch
from footfall.core.stays import Rules
from footfall.flows.presence import log_in
from footfall.flows.presence.attribute import (
    ObservationRejected,
    Places,
    check_time,
    hear,
)
from footfall.flows.presence.change_stays import UnitOfWork
from footfall.store.transaction import Transaction

# What the writer takes in one turn: each is some 20 to 50 ms.
# A post of up to so many observations is one step; a larger one comes in smaller steps.
OBSERVATIONS_AT_ONCE = 500
OBSERVATIONS_A_STEP = 250
LOGINS_A_STEP = 200


class PresenceOptions(msgspec.Struct, frozen=True):
    """How presence is judged where it is not by the organization's settings.

    Attributes:
        rules: For every location.
        pseudonymous: Whether unknown devices get a contact each.
        closing: Whether stays may close meanwhile; history closes them at its end.
    """

    rules: Rules | None = None
    pseudonymous: bool | None = None
    closing: bool = True


class Outcome(msgspec.Struct, frozen=True):
    """What came of something that was heard.

    Attributes:
        observed: How many observations and logins were taken in.
        events: How many events were made.
        withdrawn: How many made events were taken back.
        rejections: What could not be placed, and why.
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
    """Take in what a source said, in one transaction; a large post comes in `steps`.

    Args:
        transaction: The organization's.
        heard: What was said.
        now: The instant of its arrival here.
        options: How to judge it.
    """
    unit = UnitOfWork(transaction, now, options.rules, closing=options.closing)
    rejections: list[Rejection] = []
    seen = list(heard.observations)
    for restart in heard.restarts:
        try:
            check_time(restart.at, now)
            log_in.end_sessions(unit, restart)
        except ObservationRejected as rejected:
            rejections.append(Rejection((rejected.error,), b""))
    taken = 0
    for login in sorted(heard.logins, key=lambda login: login.at):
        try:
            check_time(login.at, now)
            seen += log_in.log_in(unit, login, now)
            taken += 1
        except ObservationRejected as rejected:
            rejections.append(Rejection((rejected.error,), b"", login.index))
    kept = []
    places = Places(unit, now)
    for observation in seen:
        try:
            kept.append(places.place(observation))
        except ObservationRejected as rejected:
            rejections.append(Rejection((rejected.error,), b"", observation.index))
    hear(unit, kept, pseudonymous=options.pseudonymous)
    if kept:
        transaction.observations.add(kept, now)
    made, withdrawn = unit.write()
    observed = len(kept) - (len(seen) - len(heard.observations)) + taken
    return Outcome(observed, made, withdrawn, tuple(rejections))


def steps(heard: SourceBatch) -> list[SourceBatch]:
    """Cut what a source said into what the writer takes in one turn, in its order.

    Logins come first, in the order of time: they say whose the observations are.
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
    """Put together what came of two steps."""
    return Outcome(
        one.observed + other.observed,
        one.events + other.events,
        one.withdrawn + other.withdrawn,
        one.rejections + other.rejections,
    )
