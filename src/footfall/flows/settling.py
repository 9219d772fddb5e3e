"""Settling: stays change, and with them the events that are made of them.

The events of a transaction are those of its stays afterwards, less those before: what
holds before and after is never touched, what holds no more is taken back.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from footfall.core import outcomes, stays
from footfall.core.events import NewEvent
from footfall.core.outcomes import Scene
from footfall.core.places import Estate
from footfall.core.stays import Rules, Stay
from footfall.store.books import Books, Near, Recorded

# A contact and a location, by their numbers.
Key = tuple[int, int]
# A stay that says the same of a contact at a location is the same fact.
Fact = tuple[str, int, int, int, int]


class Settling:
    """Changes to an organization's stays, inside one transaction."""

    def __init__(self, books: Books, now: int, rules: Rules | None, *, closing: bool):
        self.books = books
        self.estate: Estate = books.estate()
        self._now = now if closing else None
        self._rules = rules
        self._facts: Counter[Fact] = Counter()
        self._events: list[NewEvent] = []

    def rules(self, location: int) -> Rules:
        """Return the rules of a location."""
        return self._rules or self.estate.rules(location)

    def add(self, event: NewEvent) -> None:
        """Store an event that is not made of stays."""
        self._events.append(event)

    def absorb(self, heard: Mapping[Key, Iterable[Stay]]) -> None:
        """Put what was heard of contacts at locations to their stays."""
        asked = [
            Near(*key, run.first_at, run.last_at, self.rules(key[1]).timeout)
            for key, runs in heard.items()
            for run in runs
        ]
        known: dict[Key, dict[int | None, Recorded]] = {}
        for one in self.books.stays(asked):
            known.setdefault((one.contact, one.location), {})[one.number] = one
        self._longer: dict[int, Recorded] = {}
        changed: list[Recorded] = []
        for key, runs in heard.items():
            changed += self._absorb_at(key, runs, list(known.get(key, {}).values()))
        self.books.extend_stays(list(self._longer.values()))
        self.books.put_stays(changed)

    def _absorb_at(
        self, key: Key, runs: Iterable[Stay], known: list[Recorded]
    ) -> list[Recorded]:
        """Return the stays of one place that changed in more than their end."""
        rules = self.rules(key[1])
        changed: list[Recorded] = []
        for run in runs:
            # What changed in more than its end is written whole, so its end too.
            if len(known) == 1 and not changed:
                longer = self._prolonged(known[0], run, rules)
                if longer is not None:
                    known = [longer]
                    continue
            change = stays.absorb([one.stay for one in known], run, rules, self._now)
            if change is None:
                continue
            gone = [one for one in known if any(one.stay is s for s in change.gone)]
            numbers = [one.number for one in gone if one.number is not None]
            for number in numbers:
                self._longer.pop(number, None)
            self._count(gone, -1)
            self.books.drop_stays([one for one in gone if one.number in numbers[1:]])
            stay = Recorded(next(iter(numbers), None), *key, change.stay, rules)
            self._count([stay], +1)
            known = [one for one in known if one not in gone] + [stay]
            changed = [one for one in changed if one not in gone] + [stay]
        return changed

    def _prolonged(self, one: Recorded, run: Stay, rules: Rules) -> Recorded | None:
        """Let a stay that is in the books go on; None where that is not all."""
        if one.number is None or not _alike(one.rules, rules):
            return None
        stay = stays.prolong(one.stay, run, rules, self._now)
        if stay is None or stay is one.stay:
            return None if stay is None else one
        longer = Recorded(one.number, one.contact, one.location, stay, one.rules)
        self._longer[one.number] = longer
        return longer

    def drop(self, gone: list[Recorded]) -> None:
        """Forget stays, and take back what was made of them."""
        self.books.drop_stays(gone)
        self._count(gone, -1)

    def close(self, due: list[Recorded]) -> None:
        """Settle stays by the rules that they were last changed under."""
        settled = [
            msgspec.structs.replace(
                one, stay=stays.settle(one.stay, one.rules, self._now)
            )
            for one in due
        ]
        self._count(due, -1)
        self._count(settled, +1)
        self.books.put_stays(settled)

    def _count(self, records: Iterable[Recorded], sign: int) -> None:
        for one in records:
            for fact in _facts(one):
                self._facts[fact] += sign

    def write(self) -> tuple[int, int]:
        """Store what holds now, take back what does not; returns how many of each."""
        facts = [fact for fact, count in self._facts.items() if count]
        names = self.books.contact_ids({fact[1] for fact in facts})
        made, gone = self._events, list[NewEvent]()
        for fact in sorted(facts):
            if fact[1] in names:
                event = self._make(fact, names[fact[1]])
                (made if self._facts[fact] > 0 else gone).append(event)
        # Who signs up arrives then, and who arrives logs in then.
        made.sort(key=lambda event: (event.created_at, event.type))
        return self.books.append(made), self.books.withdraw(gone)

    def _make(self, fact: Fact, contact: str) -> NewEvent:
        kind, _, location, start_at, more = fact
        if kind == "visit":
            scene = Scene(contact, self.estate, location)
            return outcomes.visit(scene, start_at, more)
        return outcomes.arriving(Scene(contact, self.estate, location, more), start_at)


def _facts(one: Recorded) -> list[Fact]:
    """Return what a stay says; in the order of the words, arriving is the first."""
    stay = one.stay
    if stay.start_at is None:
        return []
    place = (one.contact, one.location, stay.start_at)
    found: list[Fact] = [("arriving", *place, stay.hotspot)]
    if stay.visit_at is not None:
        found.append(("visit", *place, stay.visit_at))
    return found


def _alike(one: Rules, other: Rules) -> bool:
    """Tell whether stays go on under both alike; what opens one is no matter."""
    return (
        one.session_timeout == other.session_timeout
        and one.minimum_dwell == other.minimum_dwell
        and one.maximum_visit == other.maximum_visit
    )
