"""Pull to a file: an account's history, a line for each event, each event once.

The events go to `TARGET.part`; the target appears once it is whole. A history that had
to begin a scroll anew gives the events of its last date again: they are left out.
"""

import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, TypeVar

import msgspec

from footfall.errors import AlreadyExists
from footfall.flows.files import part_locked, synced

P = TypeVar("P")


class HistoryItem(msgspec.Struct, frozen=True):
    """An event of a history.

    Attributes:
        raw: Its JSON.
        id: Its id; empty if it has none.
        at: Its instant; None if that cannot be read.
    """

    raw: bytes
    id: str
    at: int | None


class FilePosition(msgspec.Struct, frozen=True):
    """How far a file is.

    Attributes:
        size: The bytes that count; what comes after them is written again.
        count: The events in them.
        latest_at: The latest instant of these.
        latest: The events of that instant, by what tells them apart.
    """

    size: int = 0
    count: int = 0
    latest_at: int | None = None
    latest: tuple[str, ...] = ()


def pull_file(
    target: Path,
    position: FilePosition,
    pages: Callable[[FilePosition], Iterable[tuple[list[HistoryItem], P]]],
    note: Callable[[P, FilePosition], None],
) -> FilePosition:
    """Write a history to a file; return how far it is: whole.

    Args:
        target: The file, which is not there yet.
        position: How far an earlier run came.
        pages: Gives the history's pages from a position on, each with the one after it.
        note: Called with both positions when all before them is on disk.

    Raises:
        AlreadyExists: The target is there, or another run writes it now.
    """
    if target.exists():
        raise AlreadyExists(f"There is a {target} already; delete it or name another.")
    part = target.with_name(target.name + ".part")
    with part_locked(part) as file:
        if os.fstat(file.fileno()).st_size < position.size:
            position = FilePosition()
        file.truncate(position.size)
        for items, at in pages(position):
            position = _write(file, items, position)
            note(at, position)
        part.rename(target)
    return position


def _write(
    file: IO[bytes], items: list[HistoryItem], position: FilePosition
) -> FilePosition:
    latest_at, latest = position.latest_at, dict.fromkeys(position.latest)
    count = position.count
    for item in items:
        if item.at is not None and (latest_at is None or item.at > latest_at):
            latest_at, latest = item.at, {}
        key = item.id or hashlib.blake2b(item.raw, digest_size=16).hexdigest()
        if key in latest:
            continue
        latest[key] = None
        # Another server may have written it over several lines.
        line = (
            msgspec.json.format(item.raw, indent=-1) if b"\n" in item.raw else item.raw
        )
        file.write(line + b"\n")
        count += 1
    synced(file)
    size = os.fstat(file.fileno()).st_size
    return FilePosition(size, count, latest_at, tuple(latest))
