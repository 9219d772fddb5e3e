"""Change stays, and with them the events that are derived from them.

The events of a transaction are those of its stays afterwards less those before: an
event that holds before and after is not touched, one that no longer holds is withdrawn.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from footfall.core import derived_events, stays
from footfall.core.derived_events import EventContext
from footfall.core.events.structs import NewEvent
from footfall.core.places import Place, Registry
from footfall.core.stays import Rules, Stay
from footfall.store.transaction import StayKey, StayQuery, StoredStay, Transaction

# What a stay says of a contact at a place; the same again is the same event.
DerivedEvent = tuple[str, int, Place, int, int]


class UnitOfWork:
    """Changes to an organization's stays, inside one transaction."""

    def __init__(
        self, transaction: Transaction, now: int, rules: Rules | None, *, closing: bool
    ):
        self.transaction = transaction
        self.registry: Registry = transaction.registry.load()
        self._now = now if closing else None
        self._rules = rules
        self._rules_of: dict[Place, Rules] = {}
        self._derived_events: defaultdict[DerivedEvent, int] = defaultdict(int)
        self._others: list[NewEvent] = []

    def rules(self, place: Place) -> Rules:
        """Return the rules of a place."""
        known = self._rules_of.get(place)
        if known is None:
            known = self._rules or self.registry.rules(place.number)
            self._rules_of[place] = known
        return known

    def add(self, event: NewEvent) -> None:
        """Add an event that does not derive from stays."""
        self._others.append(event)

    def absorb(self, heard: Mapping[StayKey, Sequence[Stay]]) -> None:
        """Add runs of contacts at places, each in the order of time, to their stays."""
        stored = self.transaction.stays
        longer: list[StoredStay] = []
        first: list[StayKey] = []  # nobody stayed there before
        rest: list[StayKey] = []
        for key, newest in zip(heard, stored.newest(heard), strict=True):
            if newest is None:
                first.append(key)
            elif (one := self._prolonged(newest, heard[key])) is None:
                rest.append(key)
            elif one is not newest:
                longer.append(one)
        stored.extend(longer)
        asked = [
            StayQuery(*key, run.first_at, run.last_at, self.rules(key[1]).timeout)
            for key in rest
            for run in heard[key]
        ]
        known: dict[StayKey, dict[int | None, StoredStay]] = {}
        for near in stored.near(asked):
            known.setdefault((near.contact, near.place), {})[near.number] = near
        changed: list[StoredStay] = []
        for key in first + rest:
            some = list(known.get(key, {}).values())
            changed += self._absorb_at(key, heard[key], some)
        stored.put(changed)

    def _prolonged(self, one: StoredStay, runs: Sequence[Stay]) -> StoredStay | None:
        """Move a stay's end, which is all that most observations do.

        Returns:
            The stay, the same object if its end does not move; None if more changes.
        """
        rules, stay = self.rules(one.place), one.stay
        if not _alike(one.rules, rules):
            return None
        for run in runs:
            longer = stays.prolong(stay, run, rules, self._now)
            if longer is None:
                return None
            stay = longer
        if stay is one.stay:
            return one
        return StoredStay(one.number, one.contact, one.place, stay, one.rules)

    def _absorb_at(
        self, key: StayKey, runs: Iterable[Stay], known: list[StoredStay]
    ) -> list[StoredStay]:
        """Merge runs into the stays of one contact at one place; return the changed."""
        rules = self.rules(key[1])
        changed: list[StoredStay] = []
        for run in runs:
            if not known:
                stay = stays.close_if_due(run, rules, self._now)
                known = changed = [StoredStay(None, *key, stay, rules)]
                self._count(known, +1)
                continue
            change = stays.absorb([one.stay for one in known], run, rules, self._now)
            if change is None:
                continue
            # By identity, as `change.replaced` has the very stays that were passed.
            gone = [one for one in known if any(one.stay is s for s in change.replaced)]
            numbers = [one.number for one in gone if one.number is not None]
            self._count(gone, -1)
            # The joined stay takes the row of the first one; the other rows go.
            self.transaction.stays.delete(
                [one for one in gone if one.number in numbers[1:]]
            )
            new = StoredStay(next(iter(numbers), None), *key, change.stay, rules)
            self._count([new], +1)
            known = [one for one in known if one not in gone] + [new]
            changed = [one for one in changed if one not in gone] + [new]
        return changed

    def drop(self, gone: list[StoredStay]) -> None:
        """Delete stays, and withdraw the events derived from them."""
        self.transaction.stays.delete(gone)
        self._count(gone, -1)

    def close(self, due: list[StoredStay]) -> None:
        """Close the stays that are over, by the rules of their last change."""
        closed = [
            msgspec.structs.replace(
                one, stay=stays.close_if_due(one.stay, one.rules, self._now)
            )
            for one in due
        ]
        self._count(due, -1)
        self._count(closed, +1)
        self.transaction.stays.put(closed)

    def _count(self, records: Iterable[StoredStay], sign: int) -> None:
        for one in records:
            for derived in _derived_events(one):
                self._derived_events[derived] += sign

    def write(self) -> tuple[int, int]:
        """Store new events, withdraw those that no longer hold; return both counts."""
        changed = [derived for derived, count in self._derived_events.items() if count]
        names = self.transaction.people.contact_ids({derived[1] for derived in changed})
        made, gone = self._others, list[NewEvent]()
        for derived in sorted(changed):
            if derived[1] in names:
                event = self._make(derived, names[derived[1]])
                (made if self._derived_events[derived] > 0 else gone).append(event)
        # At equal times: signup, arriving, login.
        made.sort(key=lambda event: (event.created_at, event.type))
        known = {name: number for number, name in names.items()}
        events = self.transaction.events
        return events.append(made, known), events.withdraw(gone)

    def _make(self, derived: DerivedEvent, contact: str) -> NewEvent:
        kind, _, place, start_at, more = derived
        location = place.number
        if kind == "visit":
            context = EventContext(contact, self.registry, location)
            return derived_events.visit(context, start_at, more)
        return derived_events.arriving(
            EventContext(contact, self.registry, location, more), start_at
        )


def _derived_events(one: StoredStay) -> list[DerivedEvent]:
    """Return the events of a stay; sorted by name, `arriving` comes first."""
    stay = one.stay
    if stay.start_at is None:
        return []
    place = (one.contact, one.place, stay.start_at)
    found: list[DerivedEvent] = [("arriving", *place, stay.hotspot)]
    if stay.visit_at is not None:
        found.append(("visit", *place, stay.visit_at))
    return found


def _alike(one: Rules, other: Rules) -> bool:
    """Tell whether two rules prolong stays alike; what opens a stay does not matter."""
    return (
        one.session_timeout == other.session_timeout
        and one.minimum_dwell == other.minimum_dwell
        and one.maximum_visit == other.maximum_visit
    )
