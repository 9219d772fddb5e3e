"""Tables: events as the rows of a CSV or Parquet file."""

import csv
import io
from enum import StrEnum
from typing import IO, TYPE_CHECKING, Any, Protocol

from footfall.core import instants
from footfall.core.flat_events import (
    COLUMNS,
    WITHDRAWN,
    as_harmless_text,
    as_text,
    flatten,
)
from footfall.errors import SettingInvalid

if TYPE_CHECKING:
    import pyarrow as pa

INSTANTS = frozenset({"when.createdAt", "event.visit.startAt"})
WALL_CLOCKS = frozenset({"when.createdAtLocal", "event.visit.startAtLocal"})
INTEGERS = frozenset({"event.visit.duration"})


class Kind(StrEnum):
    """The formats of files."""

    NDJSON = "ndjson"
    CSV = "csv"
    PARQUET = "parquet"


class Writer(Protocol):
    """Writes events to a file in a format."""

    def write(self, lines: list[bytes]) -> None:
        """Write events, each the JSON of a line."""

    def close(self) -> None:
        """Write what ends the file."""


def open_writer(file: IO[bytes], kind: Kind, *, raw: bool) -> Writer:
    """Return what writes to a file.

    Raises:
        SettingInvalid: The format needs a package that is not installed.
    """
    if kind is Kind.PARQUET:
        return _ParquetWriter(file)
    return _TableWriter(file, raw=raw) if kind is Kind.CSV else _LineWriter(file)


class _LineWriter:
    def __init__(self, file: IO[bytes]):
        self._file = file

    def write(self, lines: list[bytes]) -> None:
        self._file.writelines(lines)

    def close(self) -> None:
        pass


class _TableWriter:
    def __init__(self, file: IO[bytes], *, raw: bool):
        self._file = file
        self._text = as_text if raw else as_harmless_text
        file.write(csv_rows([list(COLUMNS)]))

    def write(self, lines: list[bytes]) -> None:
        text = self._text
        rows = [[text(cell) for cell in flatten(line)] for line in lines]
        self._file.write(csv_rows(rows))

    def close(self) -> None:
        pass


def csv_rows(rows: list[list[str]]) -> bytes:
    """Write rows as CSV (RFC 4180)."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


class _ParquetWriter:
    """A row group for each `write`; so no more than that is in memory."""

    def __init__(self, file: IO[bytes]):
        self._schema = parquet_schema()
        # Loaded by `parquet_schema`, or that failed.
        import pyarrow.parquet as pq  # noqa: PLC0415  an extra

        self._writer = pq.ParquetWriter(file, self._schema, compression="zstd")

    def write(self, lines: list[bytes]) -> None:
        import pyarrow as pa  # noqa: PLC0415  an extra

        columns = zip(*map(flatten, lines), strict=True)
        arrays = [
            pa.array([_typed(field.name, cell) for cell in cells], field.type)
            for field, cells in zip(self._schema, columns, strict=True)
        ]
        self._writer.write_batch(pa.record_batch(arrays, schema=self._schema))

    def close(self) -> None:
        self._writer.close()


def parquet_schema() -> "pa.Schema":
    """Return the columns with their types: instants in UTC, wall clocks without zone.

    Raises:
        SettingInvalid: pyarrow is not installed.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415  an extra
    except ModuleNotFoundError:
        raise SettingInvalid(
            "Parquet needs pyarrow: pip install 'footfall[parquet]'"
        ) from None

    types = (
        dict.fromkeys(INSTANTS, pa.timestamp("us", "UTC"))
        | dict.fromkeys(WALL_CLOCKS, pa.timestamp("us"))
        | dict.fromkeys(INTEGERS, pa.int64())
        | {WITHDRAWN: pa.bool_()}
    )
    return pa.schema([(name, types.get(name, pa.string())) for name in COLUMNS])


def _typed(column: str, cell: Any) -> Any:
    """Return a cell as its column's type takes it: times as microseconds."""
    if cell is None or column in INTEGERS or column == WITHDRAWN:
        return cell
    if column in INSTANTS:
        return instants.parse_instant(cell)
    if column in WALL_CLOCKS:
        return instants.parse_wall_clock(cell)
    return as_text(cell)
