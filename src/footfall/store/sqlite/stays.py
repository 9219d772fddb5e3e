"""Stays, in SQLite."""

from collections import Counter
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

from typing_extensions import override

from footfall.core.stays import Rules, Stay
from footfall.store.sqlite.repository import Repository
from footfall.store.sqlite.statements import SQL
from footfall.store.transaction import StayQuery, StayRepository, StoredStay

# As many stays of a contact at a location are read before all are.
_NEIGHBOURS = 4


class SQLiteStays(Repository, StayRepository):
    """The stays of an organization, on one connection."""

    @override
    def near(self, asked: list[StayQuery]) -> list[StoredStay]:
        newest = self._cache.newest
        unread = [one for one in asked if (one.contact, one.location) not in newest]
        places = {(one.contact, one.location) for one in unread}
        newest.update(dict.fromkeys(places))
        for row in self._many("newest_stay", places):
            newest[row[1:3]] = _stored_stay(row)
        found, deeper = [], []
        for one in asked:
            last = newest.get((one.contact, one.location))
            if last is None:
                continue
            # What lies before it is further from it than the timeout, and so from
            # all that is not before it too.
            if one.first_at >= last.stay.first_at and last.rules.timeout >= one.timeout:
                if last.stay.last_at >= one.first_at - one.timeout:
                    found.append(last)
            else:
                deeper.append(one)
        return found + self._stays_before(deeper)

    def _stays_before(self, asked: list[StayQuery]) -> list[StoredStay]:
        """Look for stays in the trees: a few at a place, or all if those are few."""
        spans = [
            (n.contact, n.location, n.first_at - n.timeout, n.last_at + n.timeout)
            for n in asked
        ]
        rows = self._many("stays", [(*span, _NEIGHBOURS) for span in spans])
        found = [_stored_stay(row) for row in rows]
        counts = Counter((one.contact, one.location) for one in found)
        many = [span for span in spans if counts[span[:2]] >= _NEIGHBOURS]
        rows = self._many("stays", [(*span, -1) for span in many])
        return found + [_stored_stay(row) for row in rows]

    @override
    def of_contact(self, contact: int, limit: int = -1) -> list[StoredStay]:
        rows = self._run("stays_of", contact=contact, limit=limit)
        return [_stored_stay(row) for row in rows]

    @override
    def due(self, now: int, limit: int) -> list[StoredStay]:
        rows = self._run("stays_due", now=now, limit=limit)
        return [_stored_stay(row) for row in rows]

    @override
    def postpone(self, stay: int, until: int) -> None:
        self._many("postpone_stay", [(until, stay)])

    @override
    def extend(self, longer: list[StoredStay]) -> None:
        ends = [(one.stay.last_at, one.number) for one in longer]
        self._many("extend_stay", sorted(ends, key=itemgetter(1)))
        for one in longer:
            self._cache.changed(one)

    @override
    def put(self, stays: list[StoredStay]) -> None:
        new = [one for one in stays if one.number is None]
        known = [one for one in stays if one.number is not None]
        rows = [(*_row(one), self._number, one.contact, one.location) for one in new]
        numbers = [row[0] for row in self._many("add_stay", rows)]
        made = [
            StoredStay(number, one.contact, one.location, one.stay, one.rules)
            for number, one in zip(numbers, new, strict=True)
        ]
        self._many("add_end", [(one.stay.last_at, one.number) for one in made])
        self._many("change_stay", [(*_row(one), one.number) for one in known])
        self._many("extend_stay", [(one.stay.last_at, one.number) for one in known])
        for one in known + made:
            self._cache.changed(one)

    @override
    def delete(self, stays: Iterable[StoredStay]) -> None:
        for one in stays:
            self._connection.execute(SQL["drop_stay"], (one.number,))
            self._connection.execute(SQL["drop_end"], (one.number,))
            self._cache.dropped(one)


def _stored_stay(row: Sequence[Any]) -> StoredStay:
    number, contact, location, first_at, last_at, start_at, hotspot, visit_at = row[:8]
    dwell, timeout, maximum, is_open = row[8:]
    stay = Stay(first_at, last_at, start_at, hotspot, visit_at, bool(is_open))
    rules = Rules(dwell, timeout, None, maximum)
    return StoredStay(number, contact, location, stay, rules)


def _row(one: StoredStay) -> tuple[Any, ...]:
    stay, rules = one.stay, one.rules
    return (
        stay.first_at,
        stay.start_at,
        stay.hotspot,
        stay.visit_at,
        rules.minimum_dwell,
        rules.session_timeout,
        rules.maximum_visit,
        stay.last_at + rules.timeout + 1 if stay.open else None,
    )
