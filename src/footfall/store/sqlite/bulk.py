"""Bulk statements: one for many rows.

A statement for each row gives up the interpreter's lock and takes it back each time:
looking up a key costs 17 µs so, and 2 µs where 50 are asked at once.
"""

import functools
import itertools
import re
from collections.abc import Sequence
from typing import Any

import apsw

from footfall.store.sqlite.statements import SQL

# A row of VALUES, written once: `{(:organization, :key)}`.
_ROW = re.compile(r"\{\(([^)]+)\)\}")
_NAME = re.compile(r":(\w+)")
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

    Args:
        connection: A connection.
        name: The statement's.
        organization: The value of `:organization`, which rows do not have.
        rows: Their values, in the order of the statement.
    """
    found: list[Any] = []
    at = 0
    for size in sizes_of(name):
        while len(rows) - at >= size:
            values = itertools.chain.from_iterable(rows[at : at + size])
            found += connection.execute(expanded(name, size), (organization, *values))
            at += size
    return found


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

    return _ROW.sub(rows, SQL[name])
