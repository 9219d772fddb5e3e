"""Flat events: an event as a row of cells, for tables (CSV, Parquet).

A column is a path in the event's JSON (`when.createdAt`), and all events have the same
columns whatever their type: those of the structs, in the order `COLUMNS`. What has no
column of its own is kept in the last one, `extra`, as a JSON object, so that no field
is lost. A cell is None where the field is missing or null.
"""

import json
from collections.abc import Iterator
from typing import Any, get_args, get_type_hints

import msgspec

from footfall.core.events.structs import Detail, Event, When, Where

Cell = str | int | float | bool | None
Row = list[Cell]
# footfall announces so that an event it made no longer holds.
WITHDRAWN = "event.withdrawn"
EXTRA = "extra"
_INTEGER_MAX = 2**63
# OWASP, "CSV Injection": cells that spreadsheets take for formulas, full-width too.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001


def _paths(kind: type[msgspec.Struct], prefix: str) -> Iterator[str]:
    """Yield the path of each field of a struct that holds no struct itself."""
    hints = get_type_hints(kind)
    for field in msgspec.structs.fields(kind):
        path = f"{prefix}{field.encode_name}"
        options = (hints[field.name], *get_args(hints[field.name]))
        inner = next((one for one in options if _is_struct(one)), None)
        if inner is None:
            yield path
        else:
            yield from _paths(inner, f"{path}.")


def _is_struct(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


COLUMNS = (
    *(path for path in _paths(Event, "") if "." not in path),
    *_paths(When, "when."),
    *_paths(Detail, "event."),
    WITHDRAWN,
    *_paths(Where, "where."),
    EXTRA,
)
_Tree = dict[str, Any]


def _tree() -> _Tree:
    """Return the columns' positions, nested as the fields are in an event."""
    tree: _Tree = {}
    for position, column in enumerate(COLUMNS[:-1]):
        *parents, name = column.split(".")
        branch = tree
        for parent in parents:
            branch = branch.setdefault(parent, {})
        branch[name] = position
    return tree


_POSITIONS = _tree()


def flatten(body: bytes) -> Row:
    """Return the cells of an event's JSON, in the order of `COLUMNS`."""
    row: Row = [None] * len(COLUMNS)
    extra = _fill(row, msgspec.json.decode(body), _POSITIONS)
    if extra:
        row[-1] = _json(extra)
    return row


def _fill(row: Row, value: dict[str, Any], tree: _Tree) -> dict[str, Any]:
    """Put the fields that have a column into a row; return the others."""
    others: dict[str, Any] = {}
    for name, inner in value.items():
        place = tree.get(name)
        if isinstance(place, int) and _fits(COLUMNS[place], inner):
            row[place] = _json(inner) if isinstance(inner, dict | list) else inner
        elif isinstance(place, dict) and isinstance(inner, dict):
            within = _fill(row, inner, place)
            if within:
                others[name] = within
        elif place is None or inner is not None:
            others[name] = inner
    return others


def _fits(column: str, value: Any) -> bool:
    """Tell whether a column can hold a value: its type is the same for all events."""
    if column == WITHDRAWN:
        return value is None or isinstance(value, bool)
    return not isinstance(value, int) or -_INTEGER_MAX <= value < _INTEGER_MAX


def _json(value: Any) -> str:
    # msgspec writes an integer of more than 64 bits as a string.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def as_text(cell: Cell) -> str:
    """Write a cell as CSV has it: numbers and booleans as in JSON, None as nothing."""
    if isinstance(cell, str):
        return cell
    return "" if cell is None else _json(cell)


def as_harmless_text(cell: Cell) -> str:
    """Write a cell so that no spreadsheet takes text for a formula and runs it.

    Text that begins as formulas do gets a leading apostrophe. A number stays one.
    """
    text = as_text(cell)
    if isinstance(cell, str) and text.startswith(_FORMULA_STARTS):
        return f"'{text}"
    return text
