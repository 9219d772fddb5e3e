"""Reattribute: what a device was heard of goes to whom it is now.

A login that footfall learns of late changes whose a device was. The login's own
transaction only notes that (`Books.put_reattribution`); the work is done here, read
beside the writer and written in bounded steps. A row of it is deleted once it is done
whole, and doing it twice changes nothing, so a crash at any point loses nothing.
"""

import bisect
import functools
import itertools
from collections.abc import Iterable

import msgspec

from footfall.core.observations import Kept
from footfall.core.stays import Point, Stay, runs
from footfall.flows.hearing import attribute, gathered
from footfall.flows.settling import Key, Settling
from footfall.store import Store
from footfall.store.books import Books, Near, Ownership, Reattribution, Recorded

ROWS_A_ROUND = 100
STAYS_A_STEP = 100


class Plan(msgspec.Struct, frozen=True):
    """What a round changes, and what it was read from.

    Attributes:
        owners: Whose the devices were when it was read.
        lost: Stays to be made anew of what is left to their contacts.
        gained: What contacts were heard of besides, and how many stays it touches.
    """

    owners: dict[bytes, list[Ownership]]
    lost: list[tuple[Recorded, list[Stay]]]
    gained: list[tuple[Key, Stay, int]]


def reattribute(store: Store, organization: str, now: int) -> bool:
    """Do a round of what is to be attributed anew; True if there may be more."""
    rows = store.look(organization, lambda books: books.reattributions(ROWS_A_ROUND))
    if not rows:
        return False
    if rows[0].heir is not None:
        return _inherit(store, organization, rows[0], now)
    # In order: what an heir gets is there before others take of it.
    rows = list(itertools.takewhile(lambda one: one.heir is None, rows))
    plan = store.look(organization, lambda books: _plan(books, rows, now))
    for part in parts_of(plan):
        work = functools.partial(write_part, part=part, now=now)
        if not store.change(organization, work).result()[0]:
            return True
    numbers = [one.number for one in rows]
    store.change(
        organization, lambda books: books.drop_reattributions(numbers)
    ).result()
    return True


def write_part(books: Books, part: Plan, now: int) -> tuple[bool, int, int]:
    """Write a step; returns how many events were made and withdrawn.

    The first is False if what it was read from holds no more.
    """
    if any(books.ownerships(device) != old for device, old in part.owners.items()):
        return False, 0, 0
    settling = Settling(books, now, None, closing=True)
    if not all(_replace(settling, one, left) for one, left in part.lost):
        # What was replaced holds; its events go with it.
        return False, *settling.write()
    heard: dict[Key, list[Stay]] = {}
    for key, run, _ in part.gained:
        heard.setdefault(key, []).append(run)
    settling.absorb(heard)
    return True, *settling.write()


def parts_of(plan: Plan) -> list[Plan]:
    """Cut a plan into steps: first what is lost, then what is gained."""
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


def _replace(settling: Settling, one: Recorded, left: list[Stay]) -> bool:
    """Put what is left of a stay in its place; False if it is another by now."""
    key, stay = (one.contact, one.location), one.stay
    near = Near(*key, stay.first_at, stay.last_at, 0)
    if [found.stay for found in settling.books.stays([near])] != [stay]:
        return False
    settling.drop([one])
    settling.absorb({key: left})
    return True


def _plan(books: Books, rows: list[Reattribution], now: int) -> Plan:
    """Read what the devices were heard of, and the stays of those who had them."""
    settling = Settling(books, now, None, closing=True)
    devices = {one.device for one in rows}
    first = min(one.since_at for one in rows)
    last = max(one.until_at for one in rows)
    heard = list(books.kept_of(devices, first, last))
    owners = attribute(settling, heard, pseudonymous=False)
    of: dict[bytes, list[Reattribution]] = {}
    for row in rows:
        of.setdefault(row.device, []).append(row)
    gained: dict[Key, list[Point]] = {}
    asked: set[Near] = set()
    for one, owner in zip(heard, owners, strict=True):
        for row in of[one.subject]:
            if not row.since_at <= one.at <= row.until_at:
                continue
            if owner is not None:
                point = Point(one.at, one.rssi, one.hotspot)
                gained.setdefault((owner, one.location), []).append(point)
            if row.former is not None and row.former != owner:
                asked.add(Near(row.former, one.location, one.at, one.at, 0))
    found = {one.number: one for one in books.stays(list(asked))}
    return Plan(
        {device: books.ownerships(device) for device in devices},
        _left(settling, list(found.values())),
        gains(settling, gained),
    )


def gains(
    settling: Settling, points: dict[Key, list[Point]]
) -> list[tuple[Key, Stay, int]]:
    """Return the runs of what was heard that are no stays yet, and what each touches.

    One that joins many stays comes in pieces, each within the timeout of the last.
    """
    found: list[tuple[Key, Stay, int]] = []
    whole = gathered(settling, points)
    asked = [
        Near(*key, run.first_at, run.last_at, settling.rules(key[1]).timeout)
        for key, some in whole.items()
        for run in some
    ]
    known: dict[Key, dict[int, Stay]] = {}
    for one in settling.books.stays(asked):
        stays = known.setdefault((one.contact, one.location), {})
        stays[one.stay.first_at] = one.stay
    for key, some in whole.items():
        stays = known.get(key, {})
        starts, order = sorted(stays), sorted(points[key], key=lambda p: p.at)
        times, rules = [point.at for point in order], settling.rules(key[1])
        for run in some:
            same = stays.get(run.first_at)
            if same is not None and _alike(same, run):
                continue
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
    """Tell whether a stay is of the same run; how it closed is no matter."""
    return msgspec.structs.replace(stay, visit_at=None, open=True) == run


def _left(
    settling: Settling, stays: list[Recorded]
) -> list[tuple[Recorded, list[Stay]]]:
    """Return what is left of stays by whose the observations in them are now.

    A stay that began before the first observation that is kept whole stays as it is.
    """
    books = settling.books
    floor = books.kept_since()
    stays = [one for one in stays if floor is None or one.stay.first_at >= floor]
    if not stays:
        return []
    names = books.contact_ids({one.contact for one in stays})
    subjects = {books.contact_key(name) for name in names.values()}
    subjects |= {own.device for number in names for own in books.devices(number)}
    first = min(one.stay.first_at for one in stays)
    last = max(one.stay.last_at for one in stays)
    heard = gathered_by_key(settling, books.kept_of(subjects, first, last), None)
    return left_of(settling, stays, heard)


def gathered_by_key(
    settling: Settling, kept: Iterable[Kept], site: int | None
) -> dict[Key, list[Point]]:
    """Return what each contact was heard of at each location, or at the one named."""
    heard = [one for one in kept if site in (None, one.location)]
    points: dict[Key, list[Point]] = {}
    owners = attribute(settling, heard, pseudonymous=False)
    for one, owner in zip(heard, owners, strict=True):
        if owner is not None:
            point = Point(one.at, one.rssi, one.hotspot)
            points.setdefault((owner, one.location), []).append(point)
    return points


def left_of(
    settling: Settling, stays: list[Recorded], heard: dict[Key, list[Point]]
) -> list[tuple[Recorded, list[Stay]]]:
    """Return the runs that lie in each stay by what was heard."""
    found = []
    for one in stays:
        points = [
            point
            for point in heard.get((one.contact, one.location), [])
            if one.stay.first_at <= point.at <= one.stay.last_at
        ]
        found.append((one, list(runs(points, settling.rules(one.location)))))
    return found


def _inherit(store: Store, organization: str, row: Reattribution, now: int) -> bool:
    """Give an heir some of the stays of a pseudonym, and note when it has all."""
    former, heir = row.former or 0, row.heir or 0

    def work(books: Books) -> None:
        moved = books.stays_of(former, STAYS_A_STEP)
        settling = Settling(books, now, None, closing=True)
        settling.drop(moved)
        heard: dict[Key, list[Stay]] = {}
        if heir in books.contact_ids([heir]):
            for one in moved:
                bare = msgspec.structs.replace(one.stay, visit_at=None, open=True)
                heard.setdefault((heir, one.location), []).append(bare)
        settling.absorb(heard)
        settling.write()
        if len(moved) < STAYS_A_STEP:
            books.drop_reattributions([row.number])

    store.change(organization, work).result()
    return True


def reattribute_all(store: Store, now: int) -> None:
    """Do all that is to be attributed anew, a round of each organization in turn."""
    waiting = store.unsettled()
    while waiting:
        waiting = [name for name in waiting if reattribute(store, name, now)]
