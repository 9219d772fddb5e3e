"""Recompute: derive visits again from the stored observations.

A day is read beside the writer and compared with the stored stays; only differences are
written, in bounded steps.
"""

import functools
import time
from collections.abc import Callable

import msgspec

from footfall.core import stays
from footfall.core.instants import DAY
from footfall.core.observations import StoredObservation
from footfall.core.stays import Stay
from footfall.errors import Invalid
from footfall.flows.presence.attribute import attribute
from footfall.flows.presence.change_stays import UnitOfWork
from footfall.flows.presence.reattribute import (
    Plan,
    heard_by_key,
    missing_runs,
    parts_of,
    remaining_runs,
    write_part,
)
from footfall.flows.presence.replay import location_of
from footfall.store import Store
from footfall.store.transaction import StayKey, StayQuery, StoredStay, Transaction

_STEP = DAY
PSEUDONYMS_A_STEP = 200
# A pause after each step: another process may be waiting for the database's lock.
GIVE_WAY_S = 0.02


class Recomputed(msgspec.Struct, frozen=True):
    """How many events were made, and how many were withdrawn."""

    events: int = 0
    withdrawn: int = 0


def recompute(  # noqa: PLR0913  the command has as many
    store: Store,
    organization: str,
    location: str | None,
    *,
    since: int,
    until: int,
    now: int,
    progress: Callable[[int, int], None],
) -> Recomputed:
    """Derive visits again after a change of settings, a day at a time.

    A stay that began before `complete_since` stays as it is: some of its observations
    may be deleted already. You may interrupt and repeat it.

    Raises:
        Invalid: The span ends before it starts.
        LocationUnknown: There is no such location.
    """
    if since > until:
        raise Invalid("--since must not be after --until.")
    number = (
        None if location is None else location_of(store, organization, location).number
    )
    total = Recomputed()
    for first in range(since, until + 1, _STEP):
        last = min(first + _STEP - 1, until)
        _make_pseudonyms(store, organization, (first, last), now)
        done = False
        while not done:
            read = functools.partial(
                _plan, number=number, since=first, until=last, now=now
            )
            done = True
            for part in parts_of(store.read(organization, read)):
                work = functools.partial(write_part, part=part, now=now)
                fresh, made, gone = store.transaction(organization, work).result()
                total = Recomputed(total.events + made, total.withdrawn + gone)
                time.sleep(GIVE_WAY_S)
                # If something changed meanwhile, plan the day again.
                done = done and fresh
        progress(last + 1 - since, until + 1 - since)
    return total


def _make_pseudonyms(
    store: Store, organization: str, span: tuple[int, int], now: int
) -> None:
    """Make pseudonyms for a day's unknown devices, if the organization has them."""

    def unknown_devices(transaction: Transaction) -> list[StoredObservation]:
        if not transaction.registry.load().pseudonymous:
            return []
        found = {one.subject: one for one in transaction.observations.between(*span)}
        some = list(found.values())
        unit = UnitOfWork(transaction, now, None, closing=True)
        owners = attribute(unit, some, pseudonymous=False)
        return [
            one
            for one, owner in zip(some, owners, strict=True)
            if owner is None and not (one.by_contact or one.ephemeral)
        ]

    unknown = store.read(organization, unknown_devices)
    for first in range(0, len(unknown), PSEUDONYMS_A_STEP):

        def name(transaction: Transaction, first: int = first) -> None:
            unit = UnitOfWork(transaction, now, None, closing=True)
            attribute(unit, unknown[first : first + PSEUDONYMS_A_STEP])

        store.transaction(organization, name).result()
        time.sleep(GIVE_WAY_S)


def _plan(
    transaction: Transaction, number: int | None, since: int, until: int, now: int
) -> Plan:
    """Compare the stays of a span with the observations in it and in the stays."""
    unit = UnitOfWork(transaction, now, None, closing=True)
    floor = transaction.observations.complete_since()
    since = since if floor is None else max(since, floor)
    heard = heard_by_key(unit, transaction.observations.between(since, until), number)
    near = [StayQuery(*key, since, until, 0) for key in heard]
    found = {one.number: one for one in transaction.stays.near(near)}.values()
    old = [one for one in found if floor is None or one.stay.first_at >= floor]
    first = min((one.stay.first_at for one in old), default=since)
    last = max((one.stay.last_at for one in old), default=until)
    if first < since or last > until:
        span = transaction.observations.between(min(first, since), max(last, until))
        heard = heard_by_key(unit, span, number)
    spans, whole = _spans(old, since, until), (since, until)
    within = {
        key: [one for one in some if _within(one.at, spans.get(key, whole))]
        for key, some in heard.items()
    }
    gained = missing_runs(unit, within)
    joined: dict[StayKey, list[Stay]] = {}
    for key, run, _ in gained:
        joined.setdefault(key, []).append(run)
    lost = []
    for one, left in remaining_runs(unit, old, heard):
        key = (one.contact, one.place)
        # What is part of something longer is taken over by it.
        grows = _same(one.stay, left) and any(
            run.first_at <= one.stay.first_at
            and one.stay.last_at <= run.last_at
            and _ends(run) != _ends(one.stay)
            for run in joined.get(key, ())
        )
        if not grows and not _holds(unit, one, left, now):
            lost.append((one, left))
    return Plan({}, lost, gained)


def _within(at: int, span: tuple[int, int]) -> bool:
    return span[0] <= at <= span[1]


def _same(stay: Stay, left: list[Stay]) -> bool:
    """Tell whether the stay itself is all that is left of it."""
    bare = msgspec.structs.replace(stay, visit_at=None, open=True)
    return left == [bare]


def _holds(unit: UnitOfWork, one: StoredStay, left: list[Stay], now: int) -> bool:
    """Tell whether a stay is what the rules of now make of what was heard in it."""
    rules = unit.rules(one.place)
    alike = msgspec.structs.replace(rules, minimum_signal=None) == one.rules
    return alike and [stays.close_if_due(run, rules, now) for run in left] == [one.stay]


def _ends(stay: Stay) -> tuple[int, int]:
    return stay.first_at, stay.last_at


def _spans(
    old: list[StoredStay], since: int, until: int
) -> dict[StayKey, tuple[int, int]]:
    """Return the span of each contact and location, widened by its stays."""
    spans: dict[StayKey, tuple[int, int]] = {}
    for one in old:
        key = (one.contact, one.place)
        low, high = spans.get(key, (since, until))
        spans[key] = min(low, one.stay.first_at), max(high, one.stay.last_at)
    return spans
