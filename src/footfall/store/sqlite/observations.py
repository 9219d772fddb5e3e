"""Stored observations, in SQLite: batches of them as they came.

A batch is written once and found by its span of time. Which batches hold a device is
known by *device indexes*: for every `INDEX_OBSERVATIONS`, once they are there, all
pairs of device and batch are sorted and written in pages. It is done beside the writer,
which only inserts the pages: an index that each observation writes to would cost more
than taking it in. What no index covers yet is read through.
"""

from collections.abc import Iterable, Iterator
from itertools import chain, groupby

import apsw
import msgspec
from typing_extensions import override

from footfall.core import observations
from footfall.core.observations import RECORD_BYTES, StoredObservation
from footfall.store.relational.repository import Repository
from footfall.store.sqlite.session import SQLiteSession
from footfall.store.sqlite.statements import SQL
from footfall.store.transaction import BEGINNING, ObservationRepository

INDEX_OBSERVATIONS = 100_000
PAGE_ENTRIES = 300
PREFIX_BYTES = 8
_OFFSET_BYTES = 4
_ENTRY_BYTES = PREFIX_BYTES + _OFFSET_BYTES


class SQLiteObservations(Repository, ObservationRepository):
    """The kept observations of an organization, on one connection."""

    def __init__(self, session: SQLiteSession):
        super().__init__(session)
        self._connection = session.connection
        self._number = session.organization
        self._give_way = session.give_way

    @override
    def add(self, kept: list[StoredObservation], now: int) -> None:
        self._run(
            "add_batch",
            received_at=now,
            first_at=min(one.at for one in kept),
            last_at=max(one.at for one in kept),
            format=observations.FORMAT,
            records=observations.pack(kept),
        )

    @override
    def between(self, since: int, until: int) -> Iterator[StoredObservation]:
        for form, records in self._run("batches", since=since, until=until):
            for one in observations.unpack(records, form):
                if since <= one.at <= until:
                    yield one
            self._give_way()

    @override
    def of_subjects(
        self, subjects: set[bytes], since: int, until: int
    ) -> Iterator[StoredObservation]:
        for form, records in self._batches_of(subjects, since, until):
            for one in observations.unpack_of(records, subjects, form):
                if since <= one.at <= until:
                    yield one
            self._give_way()

    def _batches_of(
        self, subjects: set[bytes], since: int, until: int
    ) -> Iterator[tuple[int, bytes]]:
        """Yield the format and the records of batches that may hold one of these."""
        indexes = list(self._run("indexes_since", since=since))
        asked = [
            (number, subject[:PREFIX_BYTES])
            for (number,) in indexes
            for subject in subjects
        ]
        numbers: set[int] = set()
        for pair in asked:
            for first, entries in self._connection.execute(SQL["page_of_device"], pair):
                numbers.update(first + offset for offset in offsets(entries, pair[1]))
        for number in sorted(numbers):
            yield from self._run("batch", number=number)
        yield from self._run("newest_batches", since=since, until=until)

    @override
    def any_since(self, since: int) -> bool:
        return bool(next(self._run("is_heard_since", since=since))[0])

    @override
    def complete_since(self) -> int | None:
        until = int(next(self._run("forgotten_until"))[0])
        return None if until == BEGINNING else until + 1


class DeviceIndex(msgspec.Struct, frozen=True):
    """A device index as it is to be written.

    Attributes:
        after: The end of the index before it, 0 if there is none.
        number: Its last batch.
        first_batch: Its first.
        last_at: The latest observation in it.
        pages: By their first device.
    """

    after: int
    number: int
    first_batch: int
    last_at: int
    pages: list[tuple[bytes, bytes]]


def offsets(entries: bytes, prefix: bytes) -> list[int]:
    """Return in which batches a page says a device is, counted from the first."""
    return [
        int.from_bytes(entries[place + PREFIX_BYTES : place + _ENTRY_BYTES], "big")
        for place in range(0, len(entries), _ENTRY_BYTES)
        if entries.startswith(prefix, place)
    ]


def read_index(connection: apsw.Connection, size: int) -> DeviceIndex | None:
    """Read what the next index is made of; None while there is too little."""
    after = int(connection.execute(SQL["index_end"]).get)
    count, latest, number, first = 0, BEGINNING, 0, 0
    for row in connection.execute(SQL["uncovered_batches"], (after, size)):
        number, last_at, length = row
        first = first or number
        latest = max(latest, last_at)
        count += length // RECORD_BYTES
        if count >= size:
            break
    if count < size:
        return None
    # By their first byte, as to sort all of them at once stops all threads for 100 ms.
    entries: list[list[bytes]] = [[] for _ in range(256)]
    span = (first, number)
    for batch, records in connection.execute(SQL["records_between"], span):
        suffix = (batch - first).to_bytes(_OFFSET_BYTES, "big")
        for subject in set(observations.subjects(records)):
            entries[subject[0]].append(subject[:PREFIX_BYTES] + suffix)
    in_order = chain.from_iterable(map(sorted, entries))
    return DeviceIndex(after, number, first, latest, list(_pages(in_order)))


def _pages(entries: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
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


def write_index(connection: apsw.Connection, index: DeviceIndex) -> None:
    """Write an index, unless another process was first."""
    if int(connection.execute(SQL["index_end"]).get) != index.after:
        return
    values = (index.number, index.first_batch, index.last_at)
    connection.execute(SQL["add_index"], values)
    connection.executemany(
        SQL["add_index_page"], [(index.number, *page) for page in index.pages]
    )


def forget_indexes(connection: apsw.Connection) -> None:
    """Forget the indexes whose batches are gone."""
    idle = list(connection.execute(SQL["idle_indexes"]))
    connection.executemany(SQL["delete_index_pages"], idle)
    connection.executemany(SQL["delete_index"], idle)
