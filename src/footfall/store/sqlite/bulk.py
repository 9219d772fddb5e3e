"""Bulk statements: one for many rows.

A step of a statement gives up the interpreter's lock, and a thread that computes lets
it wait a millisecond to get it back. A step is a row that is yielded, or the end. So
rows are written and looked up many at a time, and what is found comes as one row:

- `SELECT json_group_array(json_array(…))` yields all rows as one JSON text.
- `RETURNING` a table's own numbers is not asked of SQLite: it numbers the rows of a
  statement one after the other.
"""

import functools
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any

import apsw
import msgspec

from footfall.store.sqlite.statements import SQL

# A row of VALUES, written once: `{(:organization, :key)}`.
_ROW = re.compile(r"\{\(([^)]+)\)\}")
_NAME = re.compile(r":(\w+)")
_RETURNING = re.compile(r"\nRETURNING ([\w, ]+), number$")
_ORGANIZATION = "organization"
# A statement has so many rows. Few sizes, so that all are kept prepared. apsw keeps
# texts of up to 16 KiB, so a statement with many values has fewer rows.
_SIZES = (250, 50, 10, 1)
_TEXT_MAX = 16 * 1024


def run_bulk(
    connection: apsw.Connection,
    name: str,
    organization: int,
    rows: Sequence[Sequence[Any]],
) -> list[Any]:
    """Run a statement on rows of values; returns what it yields for all of them.

    What changes nothing if it is done again may be done twice for a row, and yield it
    twice.

    Args:
        connection: A connection.
        name: The statement's.
        organization: The value of `:organization`, which rows do not have.
        rows: Their values, in the order of the statement.
    """
    found: list[Any] = []
    for part in _parts(name, rows):
        values = (organization, *itertools.chain.from_iterable(part))
        yielded = connection.execute(expanded(name, len(part)), values)
        if _is_packed(name):
            found += msgspec.json.decode(yielded.get)
        elif (places := _returned(name)) is not None:
            first = connection.last_insert_rowid() - len(part) + 1
            found += [
                (*(row[place] for place in places), number)
                for number, row in enumerate(part, first)
            ]
        else:
            found += yielded
    return found


def _parts(name: str, rows: Sequence[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    """Cut rows into as many as a statement takes, and fill up the last."""
    at = 0
    while at < len(rows):
        size = _size_for(name, len(rows) - at)
        part = rows[at : at + size]
        yield [*part, *[part[-1]] * (size - len(part))]
        at += size


def _size_for(name: str, left: int) -> int:
    """Return how many rows the next statement has.

    It is filled up if it may be repeated, and if not most of it would be that.
    """
    sizes = sizes_of(name)
    if _is_repeatable(name):
        filled = next((size for size in reversed(sizes) if size >= left), None)
        if filled is not None and filled <= 2 * left:
            return filled
    return next(size for size in sizes if size <= left)


@functools.cache
def _is_packed(name: str) -> bool:
    return "json_group_array(" in SQL[name]


@functools.cache
def _is_repeatable(name: str) -> bool:
    """Tell whether a statement may have a row twice: it looks up, or puts in place."""
    return not SQL[name].startswith("INSERT") or "ON CONFLICT" in SQL[name]


@functools.cache
def _returned(name: str) -> tuple[int, ...] | None:
    """Return which values of a row a statement returns before the row's number."""
    returning = _RETURNING.search(SQL[name])
    if returning is None:
        return None
    names = names_of(name)
    return tuple(names.index(one) for one in returning[1].split(", "))


@functools.cache
def sizes_of(name: str) -> tuple[int, ...]:
    """Return how many rows a bulk statement is prepared for, the most first."""
    return tuple(size for size in _SIZES if len(expanded(name, size)) < _TEXT_MAX)


@functools.cache
def names_of(name: str) -> tuple[str, ...]:
    """Return the names of a bulk statement's values, in their order."""
    [row] = _ROW.findall(SQL[name])
    return tuple(one for one in _NAME.findall(row) if one != _ORGANIZATION)


@functools.cache
def expanded(name: str, count: int) -> str:
    """Return a bulk statement for so many rows; `?1` is the organization.

    It is made within a turn of the writer, so quickly.
    """

    def place(found: re.Match[str]) -> str:
        return "?1" if found[1] == _ORGANIZATION else "?%d"

    def rows(found: re.Match[str]) -> str:
        row = _NAME.sub(place, f"({found[1]})")
        numbers = range(2, 2 + count * row.count("%d"))
        return ", ".join([row] * count) % tuple(numbers)

    return _ROW.sub(rows, _RETURNING.sub("", SQL[name]))
