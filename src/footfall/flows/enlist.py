"""Enlist: locations and hotspots from CSV files.

Safe to repeat: a line whose id is known, or else its externalId or macAddress, changes
what is there. The columns are the fields of the API; tags are separated by `|`.
"""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from footfall.core import places, shapes
from footfall.core.places import Address, Hotspot, Location, PresenceSettings
from footfall.errors import Invalid
from footfall.flows.registry import HOTSPOTS_MAX, SITES_MAX, new_id
from footfall.store import Store
from footfall.store.books import Books

_NUMBERS = ("lat", "lng")


class Refused(msgspec.Struct, frozen=True):
    """A line that was not taken, and why."""

    line: int
    reason: str


class Enlisted(msgspec.Struct, frozen=True):
    """What became of a file's lines."""

    file: str
    stored: int
    refused: list[Refused]


def enlist_locations(store: Store, organization: str, path: Path) -> Enlisted:
    """Add or change the locations of a file.

    Raises:
        Invalid: The file cannot be understood at all.
        OSError: It cannot be read.
    """

    def work(books: Books) -> Enlisted:
        sites = books.estate().sites.values()
        known = {site.location.id: site for site in sites}
        ids = {
            site.location.external_id: site.location.id
            for site in sites
            if site.location.external_id and not site.deleted
        }

        def put(row: dict[str, Any]) -> None:
            found = row.get("id") or ids.get(row.get("externalId", "")) or new_id()
            old = known.get(found)
            base = {} if old is None else msgspec.to_builtins(old.location)
            location = shapes.convert(base | row | {"id": found}, Location)
            places.check_location(location)
            if len(known) >= SITES_MAX:
                raise Invalid(f"there is room for no more than {SITES_MAX} locations")
            settings = PresenceSettings() if old is None else old.settings
            books.put_location(location, settings)

        return _each(path, _location_row, put)

    return store.change(organization, work).result()


def enlist_hotspots(store: Store, organization: str, path: Path) -> Enlisted:
    """Add or change the hotspots of a file.

    Raises:
        Invalid: The file cannot be understood at all.
        OSError: It cannot be read.
    """

    def work(books: Books) -> Enlisted:
        estate = books.estate()
        venues = {s.location.id for s in estate.sites.values() if not s.deleted}
        known = {hotspot.id: hotspot for hotspot, _ in estate.hotspots.values()}
        ids = {h.mac_address or "": h.id for h in known.values() if h.mac_address}

        def put(row: dict[str, Any]) -> None:
            checked = places.check_hotspot(
                shapes.convert({"id": new_id()} | row, Hotspot)
            )
            address = checked.mac_address or ""
            found = str(row.get("id") or ids.get(address) or checked.id)
            if checked.venue_id not in venues:
                raise Invalid(f"there is no location {checked.venue_id}")
            if ids.get(address, found) != found:
                raise Invalid(f"another hotspot has the address {address}")
            if len(known) >= HOTSPOTS_MAX:
                raise Invalid(f"there is room for no more than {HOTSPOTS_MAX} hotspots")
            known[found] = msgspec.structs.replace(checked, id=found)
            if address:
                ids[address] = found
            books.put_hotspot(known[found])

        return _each(path, _bare, put)

    return store.change(organization, work).result()


def _each(
    path: Path,
    read: Callable[[dict[str, str]], dict[str, Any]],
    put: Callable[[dict[str, Any]], None],
) -> Enlisted:
    stored, refused = 0, list[Refused]()
    for line, row in _rows(path):
        try:
            put(read(row))
            stored += 1
        except Invalid as error:
            reasons = [f"{e.field} {e.message}" for e in error.errors]
            refused.append(Refused(line, "; ".join(reasons) or error.detail))
    return Enlisted(str(path), stored, refused)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            for row in reader:
                yield reader.line_num, row
    except (csv.Error, UnicodeDecodeError) as error:
        raise Invalid(f"{path} is not CSV in UTF-8: {error}.") from None


def _bare(row: dict[str, str]) -> dict[str, Any]:
    """Leave out what a line leaves empty, and what its header has no name for."""
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
