"""What is registered, in SQLite: places, rules, keys, sources and their problems."""

import secrets
from collections.abc import Sequence
from typing import Any

import apsw
import msgspec

from footfall.core.places import Estate, Hotspot, Location, PresenceSettings, Site
from footfall.store.books import ProblemKept, Source
from footfall.store.sqlite.chapter import Chapter
from footfall.store.sqlite.statements import SQL

KEY_BYTES = 32
PROBLEMS_MAX = 10_000
ESTATES_MAX = 256


class EstateChapter(Chapter):
    """See `footfall.store.books.Books`."""

    def estate(self) -> Estate:
        """See `Books.estate`; read anew only after a change."""
        version, settings = next(self._run("estate_version"))
        known = self._estates.get(self._number)
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
        # Without keys it is only good to look at.
        if device_key and identity_key:
            if len(self._estates) >= ESTATES_MAX:
                self._estates.clear()
            self._estates[self._number] = version, estate
        return estate

    def _key(self, purpose: str) -> bytes:
        row = self._run("key", purpose=purpose).fetchone()
        if row is not None and any(row[0]):
            return bytes(row[0])
        if not self._writes:
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


def _site(row: Sequence[Any]) -> Site:
    number, body, settings, deleted = row
    return Site(
        number,
        msgspec.json.decode(body, type=Location),
        msgspec.json.decode(settings, type=PresenceSettings),
        bool(deleted),
    )
