"""Reattribute: give the observations of a device to its new owner.

A login that is reported late changes who owned the device. Its transaction only records
a task (`put_reattribution`). The task is done here: it reads beside the writer and
writes in bounded steps. Its row is deleted when all of it is done, and doing it twice
changes nothing, so a crash at any point loses nothing.
"""

import bisect
import functools
import itertools
from collections.abc import Iterable

import msgspec

from footfall.core.observations import StoredObservation
from footfall.core.shares import Mine, everything
from footfall.core.stays import Stay, runs
from footfall.flows.presence.attribute import (
    attribute,
    by_key,
    places_of,
    runs_by_key,
)
from footfall.flows.presence.change_stays import UnitOfWork
from footfall.store import Store
from footfall.store.transaction import (
    Ownership,
    Reattribution,
    StayKey,
    StayQuery,
    StoredStay,
    Transaction,
)

ROWS_A_ROUND = 100
STAYS_A_STEP = 100


class Plan(msgspec.Struct, frozen=True):
    """What a round changes, and the state that it was read from.

    Attributes:
        owners: The owners of the devices when the plan was made.
        lost: Stays to replace, each with the runs that its contact keeps.
        gained: New runs of contacts, each with the number of stays that it touches.
    """

    owners: dict[bytes, list[Ownership]]
    lost: list[tuple[StoredStay, list[Stay]]]
    gained: list[tuple[StayKey, Stay, int]]


def reattribute(store: Store, organization: str, now: int) -> bool:
    """Do a round of the recorded tasks; return True if there may be more."""
    rows = store.read(
        organization,
        lambda transaction: transaction.people.reattributions(ROWS_A_ROUND),
    )
    if not rows:
        return False
    if rows[0].heir is not None:
        return _inherit(store, organization, rows[0], now)
    # In order, so that an heir has its stays before a later row takes some of them.
    rows = list(itertools.takewhile(lambda one: one.heir is None, rows))
    plan = store.read(organization, lambda transaction: _plan(transaction, rows, now))
    for part in parts_of(plan):
        work = functools.partial(write_part, part=part, now=now)
        if not store.transaction(organization, work).result()[0]:
            return True
    numbers = [one.number for one in rows]
    store.transaction(
        organization,
        lambda transaction: transaction.people.delete_reattributions(numbers),
    ).result()
    return True


def write_part(transaction: Transaction, part: Plan, now: int) -> tuple[bool, int, int]:
    """Write a step; return how many events were made and withdrawn.

    The first value is False if the state that the plan was read from has changed.
    """
    if any(
        transaction.people.ownerships(device) != old
        for device, old in part.owners.items()
    ):
        return False, 0, 0
    unit = UnitOfWork(transaction, now, None, closing=True)
    if not all(_replace(unit, one, left) for one, left in part.lost):
        # Stays that were replaced before this one are stored, so store their events.
        return False, *unit.write()
    heard: dict[StayKey, list[Stay]] = {}
    for key, run, _ in part.gained:
        heard.setdefault(key, []).append(run)
    unit.absorb(heard)
    return True, *unit.write()


def parts_of(plan: Plan) -> list[Plan]:
    """Cut a plan into steps: first the lost stays, then the gained runs."""
    parts: list[Plan] = []
    weight = STAYS_A_STEP
    for one in plan.lost:
        weight += 1 + len(one[1])
        if weight > STAYS_A_STEP:
            parts.append(Plan(plan.owners, [], []))
            weight = 1 + len(one[1])
        parts[-1].lost.append(one)
    weight = STAYS_A_STEP
    for gain in plan.gained:
        weight += gain[2]
        if weight > STAYS_A_STEP:
            parts.append(Plan(plan.owners, [], []))
            weight = gain[2]
        parts[-1].gained.append(gain)
    return parts


def _replace(unit: UnitOfWork, one: StoredStay, left: list[Stay]) -> bool:
    """Replace a stay with its remaining runs; False if it has changed meanwhile."""
    key, stay = (one.contact, one.place), one.stay
    near = StayQuery(*key, stay.first_at, stay.last_at, 0)
    if [found.stay for found in unit.transaction.stays.near([near])] != [stay]:
        return False
    unit.drop([one])
    unit.absorb({key: left})
    return True


def _plan(transaction: Transaction, rows: list[Reattribution], now: int) -> Plan:
    """Read the devices' observations, and the stays of their former owners."""
    unit = UnitOfWork(transaction, now, None, closing=True)
    devices = {one.device for one in rows}
    first = min(one.since_at for one in rows)
    last = max(one.until_at for one in rows)
    heard = list(transaction.observations.of_subjects(devices, first, last))
    owners = attribute(unit, heard, pseudonymous=False)
    of: dict[bytes, list[Reattribution]] = {}
    for row in rows:
        of.setdefault(row.device, []).append(row)
    gained: dict[StayKey, list[StoredObservation]] = {}
    asked: set[StayQuery] = set()
    for one, owner in zip(heard, owners, strict=True):
        for row in of[one.subject]:
            if not row.since_at <= one.at <= row.until_at:
                continue
            for place in places_of(one):
                if owner is not None:
                    gained.setdefault((owner, place), []).append(one)
                if row.former is not None and row.former != owner:
                    asked.add(StayQuery(row.former, place, one.at, one.at, 0))
    found = {one.number: one for one in transaction.stays.near(list(asked))}
    return Plan(
        {device: transaction.people.ownerships(device) for device in devices},
        _remaining(unit, list(found.values())),
        missing_runs(unit, gained),
    )


def missing_runs(
    unit: UnitOfWork, heard: dict[StayKey, list[StoredObservation]]
) -> list[tuple[StayKey, Stay, int]]:
    """Return the runs that are not stays yet, and how many stays each touches.

    A run that joins many stays comes in pieces, each within the timeout of the last, so
    that no step grows without a bound.
    """
    found: list[tuple[StayKey, Stay, int]] = []
    whole = runs_by_key(unit, heard)
    asked = [
        StayQuery(*key, run.first_at, run.last_at, unit.rules(key[1]).timeout)
        for key, some in whole.items()
        for run in some
    ]
    known: dict[StayKey, dict[int, Stay]] = {}
    for one in unit.transaction.stays.near(asked):
        stays = known.setdefault((one.contact, one.place), {})
        stays[one.stay.first_at] = one.stay
    for key, some in whole.items():
        stays = known.get(key, {})
        starts, order = sorted(stays), sorted(heard[key], key=lambda one: one.at)
        times, rules = [one.at for one in order], unit.rules(key[1])
        for run in some:
            same = stays.get(run.first_at)
            if same is not None and _alike(same, run):
                continue
            # The stays that this run touches are starts[low:high]. It is cut at every
            # STAYS_A_STEP-th of them. The observations on both sides of a cut are
            # within the timeout, so the pieces become one stay when they are absorbed.
            low = bisect.bisect_left(starts, run.first_at - rules.timeout)
            high = bisect.bisect_right(starts, run.last_at + rules.timeout)
            cuts = [
                bisect.bisect_left(times, at)
                for at in starts[low + STAYS_A_STEP : high : STAYS_A_STEP]
            ]
            first = bisect.bisect_left(times, run.first_at)
            last = bisect.bisect_right(times, run.last_at)
            weight = 1 + min(high - low, STAYS_A_STEP)
            for start, end in itertools.pairwise([first, *cuts, last]):
                found += [
                    (key, piece, weight) for piece in runs(order[start:end], rules)
                ]
    return found


def _alike(stay: Stay, run: Stay) -> bool:
    """Tell whether a stay is this run, whether or not it has closed."""
    return msgspec.structs.replace(stay, visit_at=None, open=True) == run


def _remaining(
    unit: UnitOfWork, stays: list[StoredStay]
) -> list[tuple[StoredStay, list[Stay]]]:
    """Return the remaining runs of stays, by the present owners of their observations.

    A stay that began before `complete_since` stays as it is: some of its observations
    may be deleted already.
    """
    transaction = unit.transaction
    floor = transaction.observations.complete_since()
    stays = [one for one in stays if floor is None or one.stay.first_at >= floor]
    if not stays:
        return []
    names = transaction.people.contact_ids({one.contact for one in stays})
    subjects = {transaction.people.contact_key(name) for name in names.values()}
    subjects |= {
        own.device for number in names for own in transaction.people.devices(number)
    }
    first = min(one.stay.first_at for one in stays)
    last = max(one.stay.last_at for one in stays)
    heard = heard_by_key(
        unit, transaction.observations.of_subjects(subjects, first, last), None
    )
    return remaining_runs(unit, stays, heard)


def heard_by_key(
    unit: UnitOfWork, kept: Iterable[StoredObservation], location: int | None
) -> dict[StayKey, list[StoredObservation]]:
    """Return what was heard of each contact at each location, or at the given one."""
    heard = [one for one in kept if location in (None, one.location)]
    return by_key(heard, attribute(unit, heard, pseudonymous=False))


def remaining_runs(
    unit: UnitOfWork,
    stays: list[StoredStay],
    heard: dict[StayKey, list[StoredObservation]],
) -> list[tuple[StoredStay, list[Stay]]]:
    """Return, for each stay, the runs that its contact was heard in it still make."""
    found = []
    for one in stays:
        within = [
            observation
            for observation in heard.get((one.contact, one.place), [])
            if one.stay.first_at <= observation.at <= one.stay.last_at
        ]
        found.append((one, runs(within, unit.rules(one.place))))
    return found


def _inherit(store: Store, organization: str, row: Reattribution, now: int) -> bool:
    """Move a step of a pseudonym's stays to its heir; at the end, delete the row."""
    former, heir = row.former or 0, row.heir or 0

    def work(transaction: Transaction) -> None:
        moved = transaction.stays.of_contact(former, STAYS_A_STEP)
        unit = UnitOfWork(transaction, now, None, closing=True)
        unit.drop(moved)
        heard: dict[StayKey, list[Stay]] = {}
        if heir in transaction.people.contact_ids([heir]):
            for one in moved:
                bare = msgspec.structs.replace(one.stay, visit_at=None, open=True)
                heard.setdefault((heir, one.place), []).append(bare)
        unit.absorb(heard)
        unit.write()
        if len(moved) < STAYS_A_STEP:
            transaction.people.delete_reattributions([row.number])

    store.transaction(organization, work).result()
    return True


def reattribute_all(store: Store, now: int, mine: Mine = everything) -> None:
    """Do all recorded tasks; the organizations take turns, one round each."""
    waiting = list(filter(mine, store.organizations_to_reattribute()))
    while waiting:
        waiting = [name for name in waiting if reattribute(store, name, now)]
