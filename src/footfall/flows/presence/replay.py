"""Replay: take in a history of presence from a file, by the same rules as live data.

The times in the file count, not the present time: stays close when all of the file is
taken in. You may interrupt and repeat it.
"""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

import msgspec

from footfall.core import instants
from footfall.core.observations import (
    Observation,
    PlaceReference,
    SourceBatch,
    parse_mac,
)
from footfall.core.places import LocationRecord
from footfall.core.stays import Rules
from footfall.errors import Invalid, LocationUnknown
from footfall.flows.files import RejectsFile, csv_rows
from footfall.flows.presence.close_stays import close_due
from footfall.flows.presence.observe import Outcome, PresenceOptions, observe
from footfall.sources.reading import epoch_of
from footfall.store import Store
from footfall.store.transaction import Transaction

_BATCH = 250


class Columns(msgspec.Struct, frozen=True):
    """The columns of a file, and the zone of times without an offset."""

    time: str
    device: str
    zone: ZoneInfo | None = None


class Replayed(msgspec.Struct, frozen=True):
    """What happened to a file's lines."""

    file: str
    observed: int = 0
    events: int = 0
    withdrawn: int = 0
    rejected: int = 0
    rejected_file: str | None = None


def location_of(store: Store, organization: str, location: str) -> LocationRecord:
    """Return a registered location.

    Raises:
        LocationUnknown: There is no such location.
    """
    registry = store.read(organization, lambda transaction: transaction.registry.load())
    record = registry.location(location)
    if record is not None:
        return record
    raise LocationUnknown(
        f"There is no location {location}; add it with `footfall location import`."
    )


def rules_for(store: Store, organization: str, location: str) -> Rules:
    """Return the rules of a location."""
    record = location_of(store, organization, location)
    return store.read(
        organization,
        lambda transaction: transaction.registry.load().rules(record.number),
    )


def replay(  # noqa: PLR0913  the command has as many
    store: Store,
    organization: str,
    location: str,
    path: Path,
    *,
    columns: Columns,
    options: PresenceOptions,
    now: int,
    progress: Callable[[int, int], None],
) -> Replayed:
    """Take in a CSV file of observations, also `.gz`.

    Args:
        store: Where the events go.
        organization: The organization that gets them.
        location: The id of the location of all observations in the file.
        path: The file. Rejected lines go to `<path>.rejected.ndjson`.
        columns: The columns to read.
        options: What replaces the organization's settings.
        now: This instant.
        progress: Called with the bytes read and the observations done so far.

    Raises:
        Invalid: Nothing in the file can be understood.
        LocationUnknown: There is no such location.
        OSError: The file cannot be read.
    """
    zone = instants.zone_of(
        location_of(store, organization, location).location.timezone
    )
    reading = _Reading(
        path, PlaceReference(location=location), columns, columns.zone or zone
    )
    done = Replayed(str(path))
    with path.open("rb") as raw:
        lines = reading.observations(raw)
        while batch := list(itertools.islice(lines, _BATCH)):

            def work(
                transaction: Transaction, batch: list[Observation] = batch
            ) -> Outcome:
                return observe(transaction, SourceBatch(batch), now, options)

            # One at a time, so that a server beside it gets its turn in between.
            outcome = store.transaction(organization, work).result()
            for one in outcome.rejections:
                reading.rejects.add({"line": one.index, "error": one.reason})
            done = msgspec.structs.replace(
                done,
                observed=done.observed + outcome.observed,
                events=done.events + outcome.events,
                withdrawn=done.withdrawn + outcome.withdrawn,
            )
            progress(raw.tell(), done.observed)
    closed = close_due(store, now)
    return msgspec.structs.replace(
        done,
        events=done.events + closed,
        rejected=reading.rejects.count,
        rejected_file=reading.rejects.name,
    )


class _Reading:
    """Reads a file's lines, and keeps those that cannot be understood."""

    def __init__(
        self, path: Path, reference: PlaceReference, columns: Columns, zone: ZoneInfo
    ):
        self.rejects = RejectsFile(path)
        self._path = path
        self._place = reference
        self._columns = columns
        self._zone = zone

    def observations(self, raw: IO[bytes]) -> Iterator[Observation]:
        """Yield the observations, in the order of the file."""
        with csv_rows(raw, self._path) as rows:
            missing = {self._columns.time, self._columns.device} - set(
                rows.fieldnames or ()
            )
            if missing:
                raise Invalid(
                    f"{self._path} has no column {' and '.join(sorted(missing))}; "
                    f"it has: {', '.join(rows.fieldnames or ())}."
                )
            for row in rows:
                try:
                    yield self._observation(row, rows.line_num)
                except ValueError as error:
                    rejection = {"error": str(error), "row": row}
                    self.rejects.add({"line": rows.line_num} | rejection)

    def _observation(self, row: dict[str, str], line: int) -> Observation:
        device = (row[self._columns.device] or "").strip()
        if not device:
            raise ValueError("the device is missing")
        try:
            address = parse_mac(device)
        except ValueError:
            # Another name of the device, such as a hash of its address.
            address = b"device:" + device.encode()
        at = self._instant((row[self._columns.time] or "").strip())
        return Observation(at, self._place, address, index=line)

    def _instant(self, text: str) -> int:
        if text.isascii() and text.isdigit():
            return epoch_of(int(text[:20]))
        try:
            return instants.parse_instant(text)
        except ValueError:
            wall_clock = instants.parse_wall_clock(text)
        return instants.from_wall_clock(wall_clock, self._zone)
