"""`footfall location …` and `footfall hotspot …`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from footfall.cli.output import opened, print_json, print_list, say, warn
from footfall.errors import NothingAccepted

if TYPE_CHECKING:
    from footfall.flows.places.import_csv import ImportedPlaces
    from footfall.store import Store


def import_locations(
    file: Path, *, organization: str, store: str | None = None, json: bool = False
) -> None:
    """Add or change locations from a CSV file; its columns are the API's fields.

    Columns: id, name, timezone, lat, lng, externalId, tags (separated by |), address,
    city, state, zip, country. You may repeat it.

    Example: footfall location import venues.csv --organization ID

    Args:
        file: The file.
        organization: The organization's id.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
        json: Print JSON.
    """
    from footfall.flows.places.import_csv import import_locations

    _import(import_locations, file, organization, store, json=json)


def import_hotspots(
    file: Path, *, organization: str, store: str | None = None, json: bool = False
) -> None:
    """Add or change hotspots from a CSV file; its columns are the API's fields.

    Columns: id, name, venueId, vendor, macAddress, nasIdentifier. You may repeat it.

    Example: footfall hotspot import access-points.csv --organization ID

    Args:
        file: The file.
        organization: The organization's id.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
        json: Print JSON.
    """
    from footfall.flows.places.import_csv import import_hotspots

    _import(import_hotspots, file, organization, store, json=json)


def _import(
    import_file: "Callable[[Store, str, Path], ImportedPlaces]",
    file: Path,
    organization: str,
    store: str | None,
    *,
    json: bool,
) -> None:
    with opened(store) as data:
        done = import_file(data, organization, file)
    if json:
        print_json(done)
    else:
        say(f"{done.file}: {done.stored} stored")
    for rejected in () if json else done.rejected:
        warn(f"line {rejected.line}: {rejected.reason}")
    if done.rejected and not done.stored:
        raise NothingAccepted("Nothing was imported; see the reason for each line.")


def list_locations(
    *, organization: str, store: str | None = None, json: bool = False
) -> None:
    """List the locations of an organization.

    Example: footfall location list --organization ID

    Args:
        organization: The organization's id.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
        json: Print JSON.
    """
    from footfall.flows.places.manage import list_locations as find

    with opened(store) as data:
        found = find(data, organization, (), None)
    print_list(found, ("id", "name", "timezone", "externalId"), json=json)


def list_hotspots(
    *, organization: str, store: str | None = None, json: bool = False
) -> None:
    """List the hotspots of an organization.

    Example: footfall hotspot list --organization ID

    Args:
        organization: The organization's id.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
        json: Print JSON.
    """
    from footfall.flows.places.manage import list_hotspots as find

    with opened(store) as data:
        found = find(data, organization, None)
    columns = ("id", "name", "macAddress", "nasIdentifier", "venueId")
    print_list(found, columns, json=json)
