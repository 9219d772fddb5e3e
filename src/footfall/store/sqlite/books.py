"""The books in SQLite; see `footfall.store.books.Books`."""

import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from typing import Any

import apsw
import msgspec

from footfall.core import observations, outcomes
from footfall.core.events import NewEvent
from footfall.core.observations import Kept
from footfall.core.places import Estate, Hotspot, Location, PresenceSettings, Site
from footfall.core.stays import Rules, Stay
from footfall.store.books import (
    BEGINNING,
    Near,
    Ownership,
    ProblemKept,
    Recorded,
    Session,
    Source,
)
from footfall.store.sqlite.appending import (
    Rows,
    append,
    contact_key,
    next_arrival,
)
from footfall.store.sqlite.recent import Recent
from footfall.store.sqlite.statements import SQL

KEY_BYTES = 32
PROBLEMS_MAX = 10_000
ESTATES_MAX = 256
# As many stays of a contact at a location are read before all are.
_NEIGHBOURS = 4

Estates = dict[int, tuple[int, Estate]]


class SQLiteBooks:
    """An organization's books on one connection, for as long as its transaction."""

    def __init__(
        self,
        connection: apsw.Connection,
        number: int,
        name: str,
        estates: Estates | None = None,
        recent: Recent | None = None,
    ):
        """Open them; what the writer knows is given to it alone, others only read."""
        self._connection = connection
        self._number = number
        self._name = name
        self._estates = estates
        self._recent = recent or Recent()

    def _run(self, name: str, **values: Any) -> apsw.Cursor:
        return self._connection.execute(
            SQL[name], {"organization": self._number} | values
        )

    def _many(self, name: str, rows: Iterable[Sequence[Any]]) -> apsw.Cursor:
        return self._connection.executemany(SQL[name], rows)

    # What is registered.

    def estate(self) -> Estate:
        """See `Books.estate`; read anew only after a change."""
        version, settings = next(self._run("estate_version"))
        known = (self._estates or {}).get(self._number)
        if known is not None and known[0] == version:
            return known[1]
        device_key, identity_key = self._key("device"), self._key("identity")
        version, settings = next(self._run("estate_version"))
        estate = Estate(
            organization=self._name,
            sites={row[0]: _site(row) for row in self._run("locations")},
            hotspots={
                number: (msgspec.json.decode(body, type=Hotspot), location)
                for number, body, location in self._run("hotspots")
            },
            settings=msgspec.json.decode(settings, type=PresenceSettings),
            device_key=device_key,
            identity_key=identity_key,
        )
        if self._estates is not None:
            if len(self._estates) >= ESTATES_MAX:
                self._estates.clear()
            self._estates[self._number] = version, estate
        return estate

    def _key(self, purpose: str) -> bytes:
        row = self._run("key", purpose=purpose).fetchone()
        if row is not None and any(row[0]):
            return bytes(row[0])
        if self._estates is None:
            return b""
        key = secrets.token_bytes(KEY_BYTES)
        self._run("add_key", purpose=purpose, key=key)
        self._run("touch_estate")
        return key

    def put_location(
        self, location: Location, settings: PresenceSettings, *, deleted: bool = False
    ) -> None:
        """See `Books.put_location`."""
        self._run(
            "put_location",
            id=location.id,
            body=msgspec.json.encode(location),
            settings=msgspec.json.encode(settings),
            deleted=deleted,
        )
        self._run("touch_estate")

    def put_hotspot(self, hotspot: Hotspot) -> None:
        """See `Books.put_hotspot`."""
        body = msgspec.json.encode(hotspot)
        self._run("put_hotspot", id=hotspot.id, location=hotspot.venue_id, body=body)
        self._run("touch_estate")

    def delete_hotspot(self, hotspot: str) -> None:
        """See `Books.delete_hotspot`."""
        self._run("delete_hotspot", id=hotspot)
        self._run("touch_estate")

    def put_settings(self, settings: PresenceSettings) -> None:
        """See `Books.put_settings`."""
        self._run("put_settings", settings=msgspec.json.encode(settings).decode())

    def delete_device_key(self) -> None:
        """See `Books.delete_device_key`."""
        self._run("wipe_keys", purpose="device")
        self._run("touch_estate")

    # Who is known.

    def find_contact(self, contact: str) -> int | None:
        """See `Books.find_contact`."""
        key = contact_key(contact)
        return self.contacts_by_key([key]).get(key)

    def put_contact(self, contact: str) -> int:
        """See `Books.put_contact`."""
        key = contact_key(contact)
        self._many("add_contact", [(self._number, key, contact)])
        return self.contacts_by_key([key])[key]

    def contact_ids(self, numbers: Iterable[int]) -> dict[int, str]:
        """See `Books.contact_ids`."""
        found = {}
        for number in numbers:
            row = self._connection.execute(SQL["contact_id"], (number,)).fetchone()
            if row is not None:
                found[number] = str(row[0])
        return found

    def contacts_by_key(self, keys: Iterable[bytes]) -> dict[bytes, int]:
        """See `Books.contacts_by_key`."""
        rows = self._many("contact_number", [(self._number, key) for key in keys])
        return {key: number for key, number in rows if number is not None}

    def contact_key(self, contact: str) -> bytes:
        """See `Books.contact_key`."""
        return contact_key(contact)

    def profile(self, contact: int) -> bytes | None:
        """See `Books.profile`."""
        row = self._run("profile", contact=contact).fetchone()
        return None if row is None else bytes(row[0])

    def put_profile(self, contact: int, body: bytes) -> None:
        """See `Books.put_profile`."""
        self._run("wipe_profiles", contact=contact)
        self._run("add_profile", contact=contact, body=body)

    def identity(self, key: bytes) -> int | None:
        """See `Books.identity`."""
        row = self._run("identity", key=key).fetchone()
        return None if row is None else int(row[0])

    def put_identities(self, contact: int, keys: Iterable[bytes]) -> None:
        """See `Books.put_identities`."""
        self._run("drop_identities", contact=contact)
        self._many("put_identity", [(self._number, key, contact) for key in keys])

    # Whose a device is.

    def owners(self, asked: list[tuple[bytes, int]]) -> list[int | None]:
        """See `Books.owners`."""
        recent = self._recent.owners.setdefault(self._number, {})
        found: list[int | None] = [None] * len(asked)
        missing = []
        for place, (device, at) in enumerate(asked):
            known = recent.get(device)
            if known is not None and at >= known[1]:
                found[place] = known[0]
            else:
                missing.append(place)
        rows = self._many("owner_at", [(self._number, *asked[n]) for n in missing])
        for place, (contact, since_at, newest_at) in zip(missing, rows, strict=True):
            found[place] = contact
            if contact is not None and since_at == newest_at:
                recent[asked[place][0]] = contact, since_at
        return found

    def ownerships(self, device: bytes) -> list[Ownership]:
        """See `Books.ownerships`."""
        return [_ownership(row) for row in self._run("ownerships", device=device)]

    def devices(self, contact: int) -> list[Ownership]:
        """See `Books.devices`."""
        return [_ownership(row) for row in self._run("devices", contact=contact)]

    def put_ownership(self, ownership: Ownership) -> None:
        """See `Books.put_ownership`."""
        self._run("put_ownership", **msgspec.structs.asdict(ownership))
        self._recent.owners.get(self._number, {}).pop(ownership.device, None)

    # Stays, and the events that are made of them.

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

    def stays_of(self, contact: int) -> list[Recorded]:
        """See `Books.stays_of`."""
        return [_recorded(row) for row in self._run("stays_of", contact=contact)]

    def stays_due(self, now: int, limit: int) -> list[Recorded]:
        """See `Books.stays_due`."""
        rows = self._run("stays_due", now=now, limit=limit)
        return [_recorded(row) for row in rows]

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
            append(self._connection, self._number, Rows(fresh))
        return len(fresh)

    def withdraw(self, events: list[NewEvent]) -> int:
        """See `Books.withdraw`."""
        arrival, count = next_arrival(self._connection), 0
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
            count += 1
        return count

    # What was heard.

    def keep(self, kept: list[Kept], now: int) -> None:
        """See `Books.keep`."""
        self._run(
            "add_block",
            received_at=now,
            first_at=min(one.at for one in kept),
            last_at=max(one.at for one in kept),
            records=observations.pack(kept),
        )

    def kept(
        self, since: int, until: int, subject: bytes | None = None
    ) -> Iterator[Kept]:
        """See `Books.kept`."""
        blocks = self._run("blocks", since=since, until=until, subject=subject)
        for (records,) in blocks:
            for one in observations.unpack(records):
                if since <= one.at <= until and subject in (None, one.subject):
                    yield one

    def kept_since(self) -> int | None:
        """See `Books.kept_since`."""
        until = int(next(self._run("forgotten_until"))[0])
        return None if until == BEGINNING else until + 1

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

    # Where it comes from.

    def put_source(self, source: Source) -> None:
        """See `Books.put_source`."""
        body = msgspec.json.encode(source)
        self._run("put_source", id=source.id, kind=source.kind, body=body)

    def delete_source(self, source: str) -> bool:
        """See `Books.delete_source`."""
        self._run("delete_source", id=source)
        return self._connection.changes() > 0

    def put_problems(self, problems: list[ProblemKept]) -> None:
        """See `Books.put_problems`."""
        self._many(
            "add_problem",
            [
                (self._number, p.source, p.at, p.reason, p.body.encode())
                for p in problems
            ],
        )
        surplus = list(self._run("surplus_problems", most=PROBLEMS_MAX))
        forget_problems(self._connection, surplus)

    def problems(self, limit: int) -> list[ProblemKept]:
        """See `Books.problems`."""
        return [
            ProblemKept(source, at, reason, bytes(body).decode())
            for source, at, reason, body in self._run("problems", limit=limit)
        ]


def erase_presence(connection: apsw.Connection, contact: int) -> None:
    """Erase what is kept of a contact beside its events."""
    values = {"contact": contact}
    for name in (
        "wipe_profiles",
        "wipe_withdrawals",
        "drop_withdrawals",
        "drop_identities",
        "drop_ownerships",
        "drop_ends",
        "drop_stays",
    ):
        connection.execute(SQL[name], values)


def forget(connection: apsw.Connection, observed: int, unclear: int) -> bool:
    """Forget a part of what is older; True if there may be more."""
    blocks = list(connection.execute(SQL["old_blocks"], {"before": observed}))
    connection.executemany(
        SQL["note_forgotten"], [(last_at, number) for _, number, last_at in blocks]
    )
    connection.executemany(SQL["delete_block"], [(row[0],) for row in blocks])
    connection.execute(SQL["forget_sessions"], {"before": observed})
    problems = list(connection.execute(SQL["old_problems"], {"before": unclear}))
    forget_problems(connection, problems)
    return bool(blocks or problems)


def forget_problems(connection: apsw.Connection, numbers: list[Any]) -> None:
    """Overwrite problems in their place, then delete them."""
    connection.executemany(SQL["wipe_problem"], numbers)
    connection.executemany(SQL["delete_problem"], numbers)


def _site(row: Sequence[Any]) -> Site:
    number, body, settings, deleted = row
    return Site(
        number,
        msgspec.json.decode(body, type=Location),
        msgspec.json.decode(settings, type=PresenceSettings),
        bool(deleted),
    )


def _ownership(row: Sequence[Any]) -> Ownership:
    device, since_at, contact, randomised, pseudonym = row
    return Ownership(device, since_at, contact, bool(randomised), bool(pseudonym))


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
