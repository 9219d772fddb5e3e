"""Export to files: the whole result of a query, which appears only once it is whole.

The events go to `TARGET.part`, a line each; `TARGET.part.checkpoint` notes how far that
is, so an export that was killed goes on from there. What is to be a table, or parted by
date, is then made of these lines beside the target. At last it gets its name.
"""

import contextlib
import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import msgspec

from footfall.core.instants import format_wall_clock, parse_wall_clock
from footfall.core.queries import EventQuery, Position, Sort
from footfall.errors import AlreadyExists, Invalid
from footfall.flows.events.export import Slices
from footfall.flows.events.export_tables import (
    Kind,
    Writer,
    open_writer,
    parquet_schema,
)
from footfall.flows.files import part_locked, synced
from footfall.store import Store

_CHECKPOINT_EVERY = 20
_BATCH = 10_000
_BATCH_BYTES = 16 * 1024 * 1024


class Shape(msgspec.Struct, frozen=True):
    """How an export is written.

    Attributes:
        kind: The format.
        by_date: Whether the target is a folder with a file for each day,
            `date=2026-05-01/events.csv`, by the venue's clock.
        raw: Whether text in CSV that looks like a formula stays as it is.
    """

    kind: Kind
    by_date: bool = False
    raw: bool = False


class Progress:
    """What is told while an export goes on; both take the events done so far.

    `read` is told the events that there are at most, too, where that is known.
    """

    def __init__(
        self, read: Callable[[int, int | None], None], wrote: Callable[[int], None]
    ):
        self.read = read
        self.wrote = wrote


class _Checkpoint(msgspec.Struct, frozen=True):
    """How far a part file is.

    Attributes:
        query: What is exported.
        position: After which event it goes on.
        bound: The newest arrival of when it began.
        count: The events in it.
        size: Their bytes; what comes after them in the file does not count.
        complete: Whether these are all.
    """

    query: EventQuery
    position: Position | None
    bound: int | None
    count: int
    size: int
    complete: bool


def export_file(
    store: Store, query: EventQuery, target: Path, shape: Shape, progress: Progress
) -> int:
    """Write all that a query finds to a file or a folder; return how many events.

    Raises:
        AlreadyExists: There is something at the target, or another export goes there.
        Invalid: What a killed export left there is of another query; or the order does
            not suit the parts.
        ContactUnknown: The organization never saw the contact.
        SettingInvalid: The format needs a package that is not installed.
    """
    if shape.by_date and query.sort is not Sort.BUSINESS_TIME:
        raise Invalid("Files for each date need the order businessTime.")
    if shape.kind is Kind.PARQUET:
        parquet_schema()  # fails before the work where pyarrow is not installed
    if target.exists():
        raise AlreadyExists(f"There is a {target} already; delete it or name another.")
    part, new = (target.with_name(target.name + end) for end in (".part", ".new"))
    note = target.with_name(target.name + ".part.checkpoint")
    with part_locked(part) as file:
        count = _read_all(store, query, file, note, progress)
        if shape.kind is Kind.NDJSON and not shape.by_date:
            part.rename(target)
        else:
            _write_all(file, new, shape, progress)
            new.rename(target)
            part.unlink()
        note.unlink()
    return count


def _read_all(
    store: Store, query: EventQuery, file: IO[bytes], note: Path, progress: Progress
) -> int:
    """Bring all events into the part file, on from where it is."""
    done = _checkpoint_of(query, file, note)
    file.truncate(done.size)
    slices = Slices(store, query, done.position, done.bound)
    slices.count, slices.ended = done.count, done.complete
    whole = EventQuery(query.organization, sort=query.sort, reverse=query.reverse)
    for number in itertools.count(1):
        if slices.ended:
            break
        page = slices.next()
        if page.count:
            file.write(page.body)
            file.write(b"\n")
        if not page.has_more or number % _CHECKPOINT_EVERY == 0:
            _note(file, note, slices, query)
        progress.read(slices.count, slices.bound if query == whole else None)
    progress.read(slices.count, slices.count)
    return slices.count


def _checkpoint_of(query: EventQuery, file: IO[bytes], note: Path) -> _Checkpoint:
    """Return how far the part file is; at its beginning if nothing was noted."""
    if not note.exists():
        return _Checkpoint(query, None, None, 0, 0, complete=False)
    done = msgspec.json.decode(note.read_bytes(), type=_Checkpoint)
    if os.fstat(file.fileno()).st_size < done.size:
        return _Checkpoint(query, None, None, 0, 0, complete=False)
    if done.query != query:
        raise Invalid(
            f"{file.name} was left by an export of other events: repeat that one, or "
            f"delete {file.name} and {note}."
        )
    return done


def _note(file: IO[bytes], note: Path, slices: Slices, query: EventQuery) -> None:
    synced(file)
    size = os.fstat(file.fileno()).st_size
    done = _Checkpoint(
        query, slices.position, slices.bound, slices.count, size, slices.ended
    )
    new = note.with_name(note.name + ".new")
    with new.open("wb") as noted:
        noted.write(msgspec.json.encode(done))
        synced(noted)
    new.replace(note)


def _write_all(file: IO[bytes], new: Path, shape: Shape, progress: Progress) -> None:
    """Make what is to be the target of the events in the part file."""
    if new.is_dir():
        shutil.rmtree(new)
    new.unlink(missing_ok=True)
    if shape.by_date:
        new.mkdir()
    file.seek(0)
    wrote = 0
    groups = itertools.groupby(file, _day_of if shape.by_date else lambda _: "")
    for day, lines in groups:
        path = new / f"date={day}" / f"events.{shape.kind}" if day else new
        path.parent.mkdir(exist_ok=True)
        with _writing(path, shape) as writer:
            for batch in _batches(lines):
                writer.write(batch)
                wrote += len(batch)
                progress.wrote(wrote)
    if not (wrote or shape.by_date):
        with _writing(new, shape):
            pass  # a table without rows


@contextlib.contextmanager
def _writing(path: Path, shape: Shape) -> Iterator[Writer]:
    with path.open("wb") as file:
        writer = open_writer(file, shape.kind, raw=shape.raw)
        yield writer
        writer.close()
        synced(file)


def _batches(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    """Yield the lines, some at a time: bounded in number and in bytes."""
    batch: list[bytes] = []
    size = 0
    for line in lines:
        batch.append(line)
        size += len(line)
        if len(batch) == _BATCH or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class _When(msgspec.Struct, gc=False):
    local: str = msgspec.field(name="createdAtLocal")


class _Dated(msgspec.Struct, gc=False):
    when: _When


_dated = msgspec.json.Decoder(_Dated)


def _day_of(line: bytes) -> str:
    local = parse_wall_clock(_dated.decode(line).when.local)
    return format_wall_clock(local).partition("T")[0]
