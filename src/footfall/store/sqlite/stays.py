"""What was heard, in SQLite: stays, the events made of them, observations, sessions."""

from collections import Counter
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

from footfall.core import outcomes
from footfall.core.events import NewEvent
from footfall.core.stays import Rules, Stay
from footfall.store.books import Near, Recorded, Session
from footfall.store.sqlite.appending import Rows, append, next_arrival
from footfall.store.sqlite.chapter import Chapter
from footfall.store.sqlite.statements import SQL
from footfall.store.sqlite.summaries import add_blocks

# As many stays of a contact at a location are read before all are.
_NEIGHBOURS = 4


class StaysChapter(Chapter):
    """See `footfall.store.books.Books`."""

    def stays(self, asked: list[Near]) -> list[Recorded]:
        """See `Books.stays`."""
        newest = self._recent.newest
        unread = [one for one in asked if (one.contact, one.location) not in newest]
        places = {(one.contact, one.location) for one in unread}
        newest.update(dict.fromkeys(places))
        for row in self._many("newest_stay", places):
            newest[row[1:3]] = _recorded(row)
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

    def _stays_before(self, asked: list[Near]) -> list[Recorded]:
        """Look for stays in the trees: a few at a place, or all if those are few."""
        spans = [
            (n.contact, n.location, n.first_at - n.timeout, n.last_at + n.timeout)
            for n in asked
        ]
        rows = self._many("stays", [(*span, _NEIGHBOURS) for span in spans])
        found = [_recorded(row) for row in rows]
        counts = Counter((one.contact, one.location) for one in found)
        many = [span for span in spans if counts[span[:2]] >= _NEIGHBOURS]
        rows = self._many("stays", [(*span, -1) for span in many])
        return found + [_recorded(row) for row in rows]

    def stays_of(self, contact: int, limit: int = -1) -> list[Recorded]:
        """See `Books.stays_of`."""
        rows = self._run("stays_of", contact=contact, limit=limit)
        return [_recorded(row) for row in rows]

    def stays_due(self, now: int, limit: int) -> list[Recorded]:
        """See `Books.stays_due`."""
        rows = self._run("stays_due", now=now, limit=limit)
        return [_recorded(row) for row in rows]

    def postpone_stay(self, stay: int, until: int) -> None:
        """See `Books.postpone_stay`."""
        self._many("postpone_stay", [(until, stay)])

    def extend_stays(self, longer: list[Recorded]) -> None:
        """See `Books.extend_stays`."""
        ends = [(one.stay.last_at, one.number) for one in longer]
        self._many("extend_stay", sorted(ends, key=itemgetter(1)))
        for one in longer:
            self._recent.changed(one)

    def put_stays(self, stays: list[Recorded]) -> None:
        """See `Books.put_stays`."""
        new = [one for one in stays if one.number is None]
        known = [one for one in stays if one.number is not None]
        rows = [(*_row(one), self._number, one.contact, one.location) for one in new]
        numbers = [row[0] for row in self._many("add_stay", rows)]
        made = [
            Recorded(number, one.contact, one.location, one.stay, one.rules)
            for number, one in zip(numbers, new, strict=True)
        ]
        self._many("add_end", [(one.stay.last_at, one.number) for one in made])
        self._many("change_stay", [(*_row(one), one.number) for one in known])
        self._many("extend_stay", [(one.stay.last_at, one.number) for one in known])
        for one in known + made:
            self._recent.changed(one)

    def drop_stays(self, stays: Iterable[Recorded]) -> None:
        """See `Books.drop_stays`."""
        for one in stays:
            self._connection.execute(SQL["drop_stay"], (one.number,))
            self._connection.execute(SQL["drop_end"], (one.number,))
            self._recent.dropped(one)

    def append(self, events: list[NewEvent]) -> int:
        """See `Books.append`."""
        fresh, seen = [], set[bytes]()
        for event in events:
            place = (self._number, event.key)
            stored = self._connection.execute(SQL["is_stored"], place).get
            if not stored and event.key not in seen:
                fresh.append(event)
                seen.add(event.key)
        if fresh:
            append(self._connection, self._number, Rows(fresh, self._keys))
        return len(fresh)

    def withdraw(self, events: list[NewEvent]) -> int:
        """See `Books.withdraw`."""
        arrival, count = next_arrival(self._connection), 0
        seen: list[tuple[int, int]] = []
        for event in events:
            place = (self._number, event.key)
            row = self._connection.execute(SQL["event"], place).fetchone()
            if row is None:
                continue
            old, contact, kind, created_at, body = row
            self._connection.execute(SQL["drop_event"], (old,))
            self._connection.execute(SQL["wipe_body"], (old,))
            self._connection.execute(
                SQL["add_withdrawal"],
                (arrival + count, self._number, contact, kind, created_at),
            )
            announced = outcomes.withdrawn(body)
            self._connection.execute(SQL["add_body"], (arrival + count, announced))
            seen.append((kind, created_at))
            count += 1
        add_blocks(self._connection, "withdrawal", self._number, arrival, seen)
        return count

    def session(self, key: bytes) -> Session | None:
        """See `Books.session`."""
        row = self._run("session", key=key).fetchone()
        return None if row is None else Session(*row)

    def put_session(self, key: bytes, nas: bytes, at: int) -> None:
        """See `Books.put_session`."""
        self._run("put_session", key=key, nas=nas, at=at)

    def end_sessions(self, nas: bytes, at: int) -> int:
        """See `Books.end_sessions`."""
        self._run("end_sessions", nas=nas, at=at)
        return self._connection.changes()


def _recorded(row: Sequence[Any]) -> Recorded:
    number, contact, location, first_at, last_at, start_at, hotspot, visit_at = row[:8]
    dwell, timeout, maximum, is_open = row[8:]
    stay = Stay(first_at, last_at, start_at, hotspot, visit_at, bool(is_open))
    rules = Rules(dwell, timeout, None, maximum)
    return Recorded(number, contact, location, stay, rules)


def _row(one: Recorded) -> tuple[Any, ...]:
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
