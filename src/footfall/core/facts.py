"""Facts: what analytics keeps of an event, in columns.

A *block* has facts of one type of an organization that follow each other in time: from
its start up to the start of the next one. The facts of all blocks are a function
of the stored events: whatever their order of arrival, what was withdrawn or erased is
not in them. numpy reads a block as it lies in the store; it is the library that
everybody computes columns with.
"""

import itertools
from collections.abc import Iterable
from typing import Any, Self

import msgspec
import numpy as np
import numpy.typing as npt

from footfall.core.instants import EARLIEST, LATEST, SECOND

# `place` and `hotspot` are numbers of ids; `dwell` is a visit's length in seconds.
FACT = np.dtype(
    [
        ("second", "<i8"),
        ("contact", "<u4"),
        ("place", "<u4"),
        ("hotspot", "<u4"),
        ("dwell", "<u4"),
    ]
)
FactRows = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
DWELL_MAX = 2**32 - 1
# In seconds: all facts lie between.
BEGIN = EARLIEST // SECOND
END = LATEST // SECOND
# With so many facts a usual block fits in a page of PostgreSQL, in 12 bytes each.
BLOCK_MAX = 640
# The columns that are read only where they are needed.
DETAILS = ("hotspot", "dwell")
# So many blocks are joined while the processor still has them in its cache.
_TOGETHER = 64
_OFFSET_END = 2**32
_CONTACT_BYTES = 4
# Where a block has the columns of facts, in their order.
_ATTRIBUTES = {
    "second": "seconds",
    "contact": "contacts",
    "place": "places",
    "hotspot": "hotspots",
    "dwell": "dwells",
}


class Block(msgspec.Struct, frozen=True, gc=False):
    """Facts as a store keeps them, in order of time: columns of unsigned numbers.

    A contact takes 4 bytes; the numbers of another column 1, 2 or 4, as the largest
    needs it.

    Attributes:
        start: The second of the first fact.
        part: The block's number among those that start in this second.
        seconds: The facts' seconds since the start.
        contacts: The numbers of contacts.
        places: The numbers of locations.
        hotspots: The numbers of hotspots; None if they were not asked for.
        dwells: The lengths of visits; None if they were not asked for.
    """

    start: int
    part: int
    seconds: bytes
    contacts: bytes
    places: bytes
    hotspots: bytes | None = None
    dwells: bytes | None = None


class RawFact(msgspec.Struct, frozen=True, gc=False):
    """What a stored event says, with the ids of its places.

    Attributes:
        location: The location's id; empty if it has none.
        hotspot: The hotspot's id; empty if it has none.
        zone: The time zone that it names; empty if it names none.
        dwell: The length of a visit in seconds; 0 for other types.
    """

    location: str
    hotspot: str
    zone: str
    dwell: int


class _Where(msgspec.Struct, gc=False):
    location: str | None = msgspec.field(default=None, name="locationId")
    hotspot: str | None = msgspec.field(default=None, name="hotspotId")


class _Visit(msgspec.Struct, gc=False):
    duration: float | None = None


class _Kind(msgspec.Struct, gc=False):
    visit: _Visit | None = None


class _When(msgspec.Struct, gc=False):
    timezone: str | None = None


class _Event(msgspec.Struct, gc=False):
    event: _Kind | None = None
    where: _Where | None = None
    when: _When | None = None


_decode = msgspec.json.Decoder(_Event).decode


def read_fact(body: bytes) -> RawFact:
    """Read a stored event's body; what is not as expected counts as missing."""
    try:
        found = _decode(body)
    except msgspec.ValidationError:
        return _read_odd(msgspec.json.decode(body))
    where, when, kind = found.where, found.when, found.event
    return RawFact(
        _text(where and where.location),
        _text(where and where.hotspot),
        _text(when and when.timezone),
        _dwell(kind and kind.visit and kind.visit.duration),
    )


def _read_odd(value: Any) -> RawFact:
    """Read an event that has a value of another type than usual somewhere."""
    event = _object(value)
    where = _object(event.get("where"))
    visit = _object(_object(event.get("event")).get("visit"))
    return RawFact(
        _text(where.get("locationId")),
        _text(where.get("hotspotId")),
        _text(_object(event.get("when")).get("timezone")),
        _dwell(visit.get("duration")),
    )


def _dwell(minutes: Any) -> int:
    """Return a length in seconds."""
    if not isinstance(minutes, int | float):
        return 0
    return int(max(0.0, min(minutes * 60.0, DWELL_MAX)))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    # PostgreSQL's texts hold no NUL.
    return value.replace("\0", "\ufffd") if isinstance(value, str) else ""


def second_of(created_at: int) -> int:
    """Return an instant in seconds."""
    return created_at // SECOND


def pack(rows: Iterable[tuple[int, int, int, int, int]]) -> FactRows:
    """Make facts of (contact, place, hotspot, dwell, created_at), in order of time."""
    return sort(np.array([(second_of(row[4]), *row[:4]) for row in rows], FACT))


def sort(rows: FactRows) -> FactRows:
    """Return facts in order of time."""
    return rows[np.argsort(rows["second"], kind="stable")]


def unpack(block: Block) -> FactRows:
    """Return the facts of a whole block."""
    columns = join([block])
    rows = np.empty(len(columns), FACT)
    for name in _ATTRIBUTES:
        rows[name] = columns[name]
    return rows


def cut(rows: FactRows, *, newest: bool, part: int = 0) -> list[Block]:
    """Cut facts, in order of time, into blocks.

    The newest facts fill their blocks, as what follows comes behind them. Others leave
    room for late ones. The facts of a second stay together, unless they are too many.

    Args:
        rows: The facts.
        newest: Whether nothing follows them.
        part: The number of the first block among those of its second.
    """
    if not len(rows):
        return []
    seconds = rows["second"]
    full = len(rows) > BLOCK_MAX
    if full or seconds[-1] - seconds[0] >= _OFFSET_END:
        middle = seconds[BLOCK_MAX if full and newest else len(rows) // 2]
        at = int(np.searchsorted(seconds, middle))
        at = at or int(np.searchsorted(seconds, middle, "right"))
        if at < len(rows):
            first = cut(rows[:at], newest=newest, part=part)
            return first + cut(rows[at:], newest=newest)
    pieces = (rows[at : at + BLOCK_MAX] for at in range(0, len(rows), BLOCK_MAX))
    return [_block(piece, number) for number, piece in enumerate(pieces, part)]


def _block(rows: FactRows, part: int) -> Block:
    start = rows["second"][0]
    return Block(
        int(start),
        part,
        _narrow(rows["second"] - start),
        rows["contact"].tobytes(),
        *(_narrow(rows[name]) for name in ("place", "hotspot", "dwell")),
    )


def _narrow(column: npt.NDArray[Any]) -> bytes:
    width = np.min_scalar_type(int(column.max())).itemsize
    return column.astype(f"<u{width}").tobytes()


class Facts:
    """Facts in order of time; `facts["contact"]` is a column, as in `FACT`."""

    def __init__(self, columns: dict[str, npt.NDArray[Any]]):
        """Take the columns that were read, `second` among them."""
        self._columns = columns

    def __len__(self) -> int:
        return len(self._columns["second"])

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """Return a column.

        Raises:
            KeyError: It was not read.
        """
        return self._columns[name]

    def bounds(self, seconds: Ints) -> Ints:
        """Return how many facts come before each of these instants."""
        return np.searchsorted(self._columns["second"], seconds)

    def some(self, which: slice | Ints | Mask) -> Self:
        """Return some of the facts."""
        return type(self)({name: one[which] for name, one in self._columns.items()})


def join(blocks: Iterable[Block]) -> Facts:
    """Return the facts of blocks that follow each other."""
    remaining = iter(blocks)
    starts, counts = list[int](), list[int]()
    columns: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in _ATTRIBUTES}
    while some := list(itertools.islice(remaining, _TOGETHER)):
        sizes = [len(block.contacts) // _CONTACT_BYTES for block in some]
        starts += [block.start for block in some]
        counts += sizes
        for name, attribute in _ATTRIBUTES.items():
            values = [getattr(block, attribute) for block in some]
            if None in values:
                columns.pop(name, None)
            else:
                columns[name].append(_widen(values, sizes))
    joined = {
        name: np.concatenate([np.empty(0, np.uint8), *parts])
        for name, parts in columns.items()
    }
    offsets = joined["second"]
    joined["second"] = np.repeat(np.array(starts, np.int64), counts)
    joined["second"] += offsets
    return Facts(joined)


def _widen(values: list[bytes], sizes: list[int]) -> npt.NDArray[Any]:
    """Return a column of several blocks."""
    widths = [len(value) // size for value, size in zip(values, sizes, strict=True)]
    if len(set(widths)) == 1:
        return np.frombuffer(b"".join(values), f"<u{widths[0]}")
    each = zip(values, widths, strict=True)
    return np.concatenate([np.frombuffer(value, f"<u{width}") for value, width in each])
