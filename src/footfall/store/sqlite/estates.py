"""What is registered, in SQLite: places, rules, keys, sources and their problems."""

import secrets
from collections.abc import Sequence
from typing import Any

import apsw
import msgspec

from footfall.core.places import Estate, Hotspot, Location, PresenceSettings, Site
from footfall.store.books import ProblemKept, Source
from footfall.store.sqlite.chapter import Chapter
from footfall.store.sqlite.keys import KEY_BYTES
from footfall.store.sqlite.statements import SQL

PROBLEMS_MAX = 10_000
ESTATES_MAX = 256


class EstateChapter(Chapter):
    """See `footfall.store.books.Books`."""

    def estate(self) -> Estate:
        """See `Books.estate`; after a change only what is newer is read.

        What a transaction changed itself stays its own until it is committed: a version
        that is undone is given again, to something else.
        """
        version, settings = next(self._run("estate_version"))
        known = self._own or self._estates.get(self._number)
        if known is None or known[0] > version:
            known = (0, Estate.empty(self._name))
        # Without keys it is only good to look at.
        has_keys = known[1].device_key and known[1].identity_key
        if known[0] == version and (has_keys or not self._writes):
            return known[1]
        keys = self._key("device"), self._key("identity")
        version, settings = next(self._run("estate_version"))
        estate = known[1].updated(
            [_site(row) for row in self._run("locations", since=known[0])],
            [_hotspot(row) for row in self._run("hotspots", since=known[0])],
            msgspec.json.decode(settings, type=PresenceSettings),
            keys,
        )
        if self._touched:
            self._own = version, estate
        else:
            if len(self._estates) >= ESTATES_MAX:
                self._estates.clear()
            self._estates[self._number] = version, estate
        return estate

    def _touch(self) -> None:
        """Give the registry its next version, that of what changes now."""
        self._touched = True
        self._run("touch_estate")

    def _key(self, purpose: str) -> bytes:
        row = self._run("key", purpose=purpose).fetchone()
        if row is not None and any(row[0]):
            return self._keys.open(bytes(row[0]), self._name, purpose)
        if not self._writes:
            return b""
        key = secrets.token_bytes(KEY_BYTES)
        sealed = self._keys.seal(key, self._name, purpose)
        self._run("add_key", purpose=purpose, key=sealed)
        self._touch()
        return key

    def put_location(
        self, location: Location, settings: PresenceSettings, *, deleted: bool = False
    ) -> None:
        """See `Books.put_location`."""
        self._touch()
        self._run(
            "put_location",
            id=location.id,
            body=msgspec.json.encode(location),
            settings=msgspec.json.encode(settings),
            deleted=deleted,
        )

    def put_hotspot(self, hotspot: Hotspot) -> None:
        """See `Books.put_hotspot`."""
        self._touch()
        body = msgspec.json.encode(hotspot)
        self._run("put_hotspot", id=hotspot.id, location=hotspot.venue_id, body=body)

    def delete_hotspot(self, hotspot: str) -> None:
        """See `Books.delete_hotspot`."""
        self._touch()
        self._run("delete_hotspot", id=hotspot)

    def put_settings(self, settings: PresenceSettings) -> None:
        """See `Books.put_settings`."""
        self._touched = True
        self._run("put_settings", settings=msgspec.json.encode(settings).decode())

    def delete_device_key(self) -> None:
        """See `Books.delete_device_key`."""
        self._run("wipe_keys", purpose="device")
        self._touch()

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


def forget_problems(connection: apsw.Connection, numbers: list[Any]) -> None:
    """Overwrite problems in their place, then delete them."""
    connection.executemany(SQL["wipe_problem"], numbers)
    connection.executemany(SQL["delete_problem"], numbers)


def _hotspot(row: Sequence[Any]) -> tuple[int, Hotspot, int, bool]:
    number, body, location, deleted = row
    return number, msgspec.json.decode(body, type=Hotspot), location, bool(deleted)


def _site(row: Sequence[Any]) -> Site:
    number, body, settings, deleted = row
    return Site(
        number,
        msgspec.json.decode(body, type=Location),
        msgspec.json.decode(settings, type=PresenceSettings),
        bool(deleted),
    )
