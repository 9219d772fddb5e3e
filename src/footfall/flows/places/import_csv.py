"""Import: locations and hotspots from CSV files.

You may repeat it: a line changes the place with its id or, if that is missing, with its
externalId or macAddress. The columns are the API's fields; `|` separates tags.
"""

import contextlib
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import msgspec

from footfall.core import decoding, places
from footfall.core.observations import parse_mac
from footfall.core.places import Address, Hotspot, Location, PresenceSettings
from footfall.errors import Invalid
from footfall.flows.files import csv_rows
from footfall.flows.places.manage import (
    HOTSPOTS_MAX,
    LOCATIONS_MAX,
    check_addresses,
    check_external_id,
    new_id,
)
from footfall.store import Store
from footfall.store.transaction import Transaction

# Writing this many lines takes some 20 ms.
STEP_LINES = 500
_NUMBERS = ("lat", "lng")


Row = dict[str, Any]


class RejectedLine(msgspec.Struct, frozen=True):
    """A line that was rejected, and why."""

    line: int
    reason: str


class ImportedPlaces(msgspec.Struct, frozen=True):
    """What happened to a file's lines."""

    file: str
    stored: int
    rejected: list[RejectedLine]


class _Lines(Protocol):
    """The lines of one step, inside its transaction."""

    def __init__(self, transaction: Transaction): ...

    def put(self, row: Row) -> None:
        """Store a line, or raise Invalid."""


class _Locations:
    """Lines of locations, found by id or, without one, by externalId."""

    def __init__(self, transaction: Transaction):
        self._transaction = transaction
        self._registry = transaction.registry.load()
        # The locations of this step, by id and by externalId.
        self._fresh: dict[str, Location] = {}
        self._taken: dict[str, str] = {}

    def put(self, row: Row) -> None:
        old = self._find(row)
        base = {"id": new_id()} if old is None else msgspec.to_builtins(old)
        location = decoding.convert(base | row, Location)
        places.check_location(location)
        check_external_id(self._registry, location)
        name = location.external_id
        if name and self._taken.get(name, location.id) != location.id:
            raise Invalid("another line has this externalId")
        known = len(self._registry.locations) + len(self._fresh)
        if old is None and known >= LOCATIONS_MAX:
            raise Invalid(f"an organization may have at most {LOCATIONS_MAX} locations")
        self._fresh[location.id] = location
        if name:
            self._taken[name] = location.id
        record = self._registry.location(location.id)
        settings = PresenceSettings() if record is None else record.settings
        self._transaction.registry.put_location(location, settings)

    def _find(self, row: Row) -> Location | None:
        name = row.get("externalId", "")
        holder = self._registry.location_of_external_id(name)
        found = self._taken.get(name)
        if found is None and holder is not None:
            found = holder.location.id
        return self._named(row.get("id") or found)

    def _named(self, location: str | None) -> Location | None:
        if location is None or location in self._fresh:
            return None if location is None else self._fresh[location]
        record = self._registry.location(location)
        return None if record is None else record.location


class _Hotspots:
    """Lines of hotspots, found by id or, without one, by macAddress."""

    def __init__(self, transaction: Transaction):
        self._transaction = transaction
        self._registry = transaction.registry.load()
        # The hotspots of this step, by id and by their unique names.
        self._fresh: dict[str, Hotspot] = {}
        self._taken: dict[str | bytes, str] = {}

    def put(self, row: Row) -> None:
        old = self._find(row)
        base = {"id": new_id()} if old is None else msgspec.to_builtins(old)
        hotspot = places.check_hotspot(decoding.convert(base | row, Hotspot))
        self._check(hotspot)
        known = len(self._registry.hotspots) + len(self._fresh)
        if old is None and known >= HOTSPOTS_MAX:
            raise Invalid(f"an organization may have at most {HOTSPOTS_MAX} hotspots")
        self._fresh[hotspot.id] = hotspot
        self._taken |= dict.fromkeys(_names(hotspot).values(), hotspot.id)
        self._transaction.registry.put_hotspot(hotspot)

    def _check(self, hotspot: Hotspot) -> None:
        if self._registry.location(hotspot.venue_id) is None:
            raise Invalid(f"there is no location {hotspot.venue_id}")
        check_addresses(self._registry, hotspot, None)
        for name, value in _names(hotspot).items():
            if self._taken.get(value, hotspot.id) != hotspot.id:
                raise Invalid(f"another line has this {name}")

    def _find(self, row: Row) -> Hotspot | None:
        name = row.get("id")
        with contextlib.suppress(ValueError):
            address = parse_mac(row.get("macAddress", ""))
            holder = self._registry.hotspot(address)
            name = name or self._taken.get(address) or (holder and holder.id)
        if name is None:
            return None
        return self._fresh.get(name) or self._registry.hotspot(name)


def _names(hotspot: Hotspot) -> dict[str, str | bytes]:
    """Return the names of a hotspot that must be unique."""
    mac = parse_mac(hotspot.mac_address) if hotspot.mac_address else None
    both = {"macAddress": mac, "nasIdentifier": hotspot.nas_identifier}
    return {name: value for name, value in both.items() if value}


def import_locations(store: Store, organization: str, path: Path) -> ImportedPlaces:
    """Add or change the locations of a file; fields that it leaves out stay.

    Raises:
        Invalid: Nothing in the file can be understood.
        OSError: The file cannot be read.
    """
    return _in_steps(store, organization, path, _location_row, _Locations)


def import_hotspots(store: Store, organization: str, path: Path) -> ImportedPlaces:
    """Add or change the hotspots of a file; fields that it leaves out stay.

    Raises:
        Invalid: Nothing in the file can be understood.
        OSError: The file cannot be read.
    """
    return _in_steps(store, organization, path, _bare, _Hotspots)


def _in_steps(
    store: Store,
    organization: str,
    path: Path,
    read: Callable[[dict[str, str]], Row],
    lines_of: type[_Lines],
) -> ImportedPlaces:
    """Store a file's lines a step at a time, so that other writers get their turn."""
    stored, rejected = 0, list[RejectedLine]()
    rows = _rows(path)
    while step := list(itertools.islice(rows, STEP_LINES)):

        def work(
            transaction: Transaction, step: list[tuple[int, dict[str, str]]] = step
        ) -> list[RejectedLine]:
            lines, bad = lines_of(transaction), list[RejectedLine]()
            for line, row in step:
                try:
                    lines.put(read(row))
                except Invalid as error:
                    reasons = [f"{e.field} {e.message}" for e in error.errors]
                    bad.append(RejectedLine(line, "; ".join(reasons) or error.detail))
            return bad

        bad = store.transaction(organization, work).result()
        stored += len(step) - len(bad)
        rejected += bad
    return ImportedPlaces(str(path), stored, rejected)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    with path.open("rb") as raw, csv_rows(raw, path) as rows:
        for row in rows:
            yield rows.line_num, row


def _bare(row: dict[str, str]) -> dict[str, Any]:
    """Leave out empty cells, and cells without a column name."""
    return {name: text for name, text in row.items() if name and text}


def _location_row(row: dict[str, str]) -> dict[str, Any]:
    value = _bare(row)
    for name in _NUMBERS:
        try:
            value |= {name: float(value[name])} if name in value else {}
        except ValueError:
            raise Invalid(f"{name} {value[name][:32]!r} is not a number") from None
    if "tags" in value:
        tags = (tag.strip() for tag in value["tags"].split("|"))
        value["tags"] = [tag for tag in tags if tag]
    parts = {
        name: value.pop(name) for name in Address.__struct_fields__ if name in value
    }
    return value | ({"address": parts} if parts else {})
