"""The stays of contacts at places."""

import functools
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from typing_extensions import override

from footfall.core.places import Place
from footfall.core.stays import Rules, Stay
from footfall.store.relational.repository import Repository
from footfall.store.transaction import StayKey, StayQuery, StayRepository, StoredStay

# As many stays of a contact at a location are read before all are.
_NEIGHBOURS = 4
_ALL = 2**31 - 1


# Stays have few different ones, and many stays are kept in memory.
_rules = functools.lru_cache(1_000)(Rules)
_place_of = functools.lru_cache(10_000)(Place)


class SQLStays(Repository, StayRepository):
    """The stays of an organization."""

    @override
    def newest(self, keys: Collection[StayKey]) -> list[StoredStay | None]:
        newest = self._cache.newest
        unread = [key for key in keys if key[0] not in newest[key[1]]]
        if unread:
            self._read_newest(set(unread))
        return [newest[place][contact] for contact, place in keys]

    def _read_newest(self, keys: set[StayKey]) -> None:
        rows = self._bulk("newest_stays", [_place(*key) for key in keys])
        stays = map(_stored_stay, rows)
        found = {(stay.contact, stay.place): stay for stay in stays}
        for key in keys:
            self._cache.read(*key, found.get(key))

    @override
    def near(self, asked: list[StayQuery]) -> list[StoredStay]:
        newest = self.newest([(one.contact, one.place) for one in asked])
        found, deeper = [], []
        for one, last in zip(asked, newest, strict=True):
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
        rows = self._many("stays", [_span(one, _NEIGHBOURS) for one in asked])
        found = [_stored_stay(row) for row in rows]
        counts = Counter((one.contact, one.place) for one in found)
        many = [n for n in asked if counts[n.contact, n.place] >= _NEIGHBOURS]
        rows = self._many("stays", [_span(one, _ALL) for one in many])
        return found + [_stored_stay(row) for row in rows]

    @override
    def of_contact(self, contact: int, limit: int | None = None) -> list[StoredStay]:
        limit = _ALL if limit is None else limit
        rows = self._run("stays_of", contact=contact, limit=limit)
        return [_stored_stay(row) for row in rows]

    @override
    def open_of(self, contact: int, limit: int) -> list[StoredStay]:
        rows = self._run("open_stays", contact=contact, limit=limit)
        return [_stored_stay(row) for row in rows]

    @override
    def due(self, now: int, limit: int) -> list[StoredStay]:
        rows = self._run("stays_due", now=now, limit=limit)
        return [_stored_stay(row) for row in rows]

    @override
    def postpone(self, stay: int, until: int) -> None:
        self._run("postpone_stay", check_at=until, stay=stay)

    @override
    def extend(self, longer: list[StoredStay]) -> None:
        ends = [(one.number, one.stay.last_at) for one in longer]
        self._bulk("put_ends", sorted(ends))
        for one in longer:
            self._cache.changed(one)

    @override
    def put(self, stays: list[StoredStay]) -> None:
        new = [one for one in stays if one.number is None]
        known = [one for one in stays if one.number is not None]
        rows = [(*_key(one), *_row(one)) for one in new]
        # Stays of one place never overlap, so this tells them apart.
        numbers = {tuple(row[:4]): row[4] for row in self._bulk("add_stays", rows)}
        made = [
            StoredStay(numbers[_key(one)], one.contact, one.place, one.stay, one.rules)
            for one in new
        ]
        self._many("change_stay", map(_change, known))
        self._bulk("add_ends", list(map(_end, made)))
        self._bulk("put_ends", list(map(_end, known)))
        for one in known + made:
            self._cache.changed(one)

    @override
    def delete(self, stays: Iterable[StoredStay]) -> None:
        stays = list(stays)
        if not stays:
            return
        self._many("delete_stay", [{"stay": one.number} for one in stays])
        self._many("delete_end", [{"stay": one.number} for one in stays])
        for one in stays:
            self._cache.dropped(one)


def _stored_stay(row: Sequence[Any]) -> StoredStay:
    number, contact, kind, place, first_at, last_at, start_at, hotspot = row[:8]
    visit_at, dwell, timeout, maximum, is_open = row[8:]
    stay = Stay(first_at, last_at, start_at, hotspot, visit_at, bool(is_open))
    rules = _rules(dwell, timeout, None, maximum)
    return StoredStay(number, contact, _place_of(kind, place), stay, rules)


def _at(contact: int, place: Place) -> dict[str, Any]:
    return {"contact": contact, "place_kind": int(place.kind), "place": place.number}


def _span(one: StayQuery, limit: int) -> dict[str, Any]:
    span = {"low": one.first_at - one.timeout, "high": one.last_at + one.timeout}
    return _at(one.contact, one.place) | span | {"limit": limit}


def _place(contact: int, place: Place) -> tuple[int, int, int]:
    return contact, int(place.kind), place.number


def _key(one: StoredStay) -> tuple[int, int, int, int]:
    return *_place(one.contact, one.place), one.stay.first_at


def _end(one: StoredStay) -> tuple[int | None, int]:
    return one.number, one.stay.last_at


def _change(one: StoredStay) -> dict[str, Any]:
    row = dict(zip(_COLUMNS, _row(one), strict=True))
    return row | {"stay": one.number, "first_at": one.stay.first_at}


# What a stay says of itself but when it began.
_COLUMNS = (
    *("start_at", "hotspot", "visit_at"),
    *("minimum_dwell", "session_timeout", "maximum_visit", "check_at"),
)


def _row(one: StoredStay) -> tuple[int | None, ...]:
    """Return a stay's values of `_COLUMNS`."""
    stay, rules = one.stay, one.rules
    return (
        stay.start_at,
        stay.hotspot,
        stay.visit_at,
        rules.minimum_dwell,
        rules.session_timeout,
        rules.maximum_visit,
        stay.last_at + rules.timeout + 1 if stay.open else None,
    )
