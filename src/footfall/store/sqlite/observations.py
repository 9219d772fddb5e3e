"""Stored observations, in SQLite: batches of them as they came.

A block is written once and found by its span of time. Which blocks hold a device is
known by *segments*: for every `SEGMENT_OBSERVATIONS`, once they are there, all pairs of
device and block are sorted and written in pages. It is done beside the writer, which
only inserts the pages: an index that each observation writes to would cost more than
taking it in. What no segment covers yet is read through.
"""

from collections.abc import Iterator
from itertools import groupby

import apsw
import msgspec
from typing_extensions import override

from footfall.core import observations
from footfall.core.observations import RECORD_BYTES, StoredObservation
from footfall.store.sqlite.repository import Repository
from footfall.store.sqlite.statements import SQL
from footfall.store.transaction import BEGINNING, ObservationRepository

SEGMENT_OBSERVATIONS = 100_000
PAGE_ENTRIES = 300
PREFIX_BYTES = 8
_OFFSET_BYTES = 4
_ENTRY_BYTES = PREFIX_BYTES + _OFFSET_BYTES


class SQLiteObservations(Repository, ObservationRepository):
    """The kept observations of an organization, on one connection."""

    @override
    def add(self, kept: list[StoredObservation], now: int) -> None:
        self._run(
            "add_block",
            received_at=now,
            first_at=min(one.at for one in kept),
            last_at=max(one.at for one in kept),
            records=observations.pack(kept),
        )

    @override
    def between(self, since: int, until: int) -> Iterator[StoredObservation]:
        for (records,) in self._run("blocks", since=since, until=until):
            for one in observations.unpack(records):
                if since <= one.at <= until:
                    yield one

    @override
    def of_subjects(
        self, subjects: set[bytes], since: int, until: int
    ) -> Iterator[StoredObservation]:
        for records in self._blocks_of(subjects, since, until):
            for one in observations.unpack_of(records, subjects):
                if since <= one.at <= until:
                    yield one

    def _blocks_of(
        self, subjects: set[bytes], since: int, until: int
    ) -> Iterator[bytes]:
        """Yield the records of blocks that may hold one of these."""
        segments = list(self._run("segments_since", since=since))
        asked = [
            (number, subject[:PREFIX_BYTES])
            for (number,) in segments
            for subject in subjects
        ]
        numbers: set[int] = set()
        for pair in asked:
            for first, entries in self._many("page_of_device", [pair]):
                numbers.update(first + offset for offset in offsets(entries, pair[1]))
        for number in sorted(numbers):
            for (records,) in self._many("block", [(number, self._number)]):
                yield records
        for _, records in self._run("newest_blocks", since=since, until=until):
            yield records

    @override
    def any_since(self, since: int) -> bool:
        return bool(self._run("is_heard_since", since=since).get)

    @override
    def complete_since(self) -> int | None:
        until = int(next(self._run("forgotten_until"))[0])
        return None if until == BEGINNING else until + 1


class Segment(msgspec.Struct, frozen=True):
    """A segment as it is to be written.

    Attributes:
        after: The end of the segment before it, 0 if there is none.
        number: Its last block.
        first_block: Its first.
        last_at: The latest observation in it.
        pages: By their first device.
    """

    after: int
    number: int
    first_block: int
    last_at: int
    pages: list[tuple[bytes, bytes]]


def offsets(entries: bytes, prefix: bytes) -> list[int]:
    """Return in which blocks a page says a device is, counted from the first."""
    return [
        int.from_bytes(entries[place + PREFIX_BYTES : place + _ENTRY_BYTES], "big")
        for place in range(0, len(entries), _ENTRY_BYTES)
        if entries.startswith(prefix, place)
    ]


def read_segment(connection: apsw.Connection, size: int) -> Segment | None:
    """Read what the next segment is made of; None while there is too little."""
    after = int(connection.execute(SQL["segment_end"]).get)
    count, latest, number, first = 0, BEGINNING, 0, 0
    for row in connection.execute(SQL["uncovered_blocks"], (after, size)):
        number, last_at, length = row
        first = first or number
        latest = max(latest, last_at)
        count += length // RECORD_BYTES
        if count >= size:
            break
    if count < size:
        return None
    entries: set[bytes] = set()
    span = (first, number)
    for block, records in connection.execute(SQL["records_between"], span):
        suffix = (block - first).to_bytes(_OFFSET_BYTES, "big")
        found = set(observations.subjects(records))
        entries.update([subject[:PREFIX_BYTES] + suffix for subject in found])
    return Segment(after, number, first, latest, list(_pages(sorted(entries))))


def _pages(entries: list[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Cut sorted entries into pages, never between two of a device."""
    page: list[bytes] = []
    for _, some in groupby(entries, key=lambda entry: entry[:PREFIX_BYTES]):
        same = list(some)
        if page and len(page) + len(same) > PAGE_ENTRIES:
            yield page[0][:PREFIX_BYTES], b"".join(page)
            page = []
        page += same
    if page:
        yield page[0][:PREFIX_BYTES], b"".join(page)


def write_segment(connection: apsw.Connection, segment: Segment) -> None:
    """Write a segment, unless another process was first."""
    if int(connection.execute(SQL["segment_end"]).get) != segment.after:
        return
    values = (segment.number, segment.first_block, segment.last_at)
    connection.execute(SQL["add_segment"], values)
    connection.executemany(
        SQL["add_segment_page"], [(segment.number, *page) for page in segment.pages]
    )


def forget_segments(connection: apsw.Connection) -> None:
    """Forget the segments whose blocks are gone."""
    idle = list(connection.execute(SQL["idle_segments"]))
    connection.executemany(SQL["delete_segment_pages"], idle)
    connection.executemany(SQL["delete_segment"], idle)
