"""Export: the whole result of a query, slice by slice, however large it is.

A slice is read while the one before it is written, so two slices and nothing else are
in memory. The bound of the first holds for all: what arrives later is in none, and the
export ends. Events that are erased meanwhile just disappear.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Protocol

import msgspec

from footfall.core import exports
from footfall.core.flat_events import COLUMNS, as_harmless_text, as_text, flatten
from footfall.core.queries import EventQuery, Position, Separator
from footfall.core.scrolls import Scroll, ScrollSeal
from footfall.errors import ContactUnknown
from footfall.flows.events.export_tables import csv_rows
from footfall.flows.events.read import EventReader
from footfall.store import Page, Store

# Twice what a slice of a page is: each has a fixed cost, and there are many.
LINE_SLICE = 5_000
SLICE_BYTES = 2_500_000
_FIRST = 250
# A row of a table costs as much as ten lines.
TABLE_SLICE = 500


class Slices:
    """A position in a query's result, which goes on by a slice at a time.

    Attributes:
        query: What is asked for; its size does not count.
        position: After which event it goes on.
        bound: Only what arrived up to this number; None until the first slice.
        count: How many events have been read.
        ended: Whether all have been read.
    """

    def __init__(
        self,
        store: Store,
        query: EventQuery,
        position: Position | None = None,
        bound: int | None = None,
        slice_max: int = LINE_SLICE,
    ):
        if (
            query.endless
            and position
            and bound is not None
            and position.arrival >= bound
        ):
            bound = None  # All up to the bound was read: go on with what is newer.
        self._store = store
        self.query = msgspec.structs.replace(query, separator=Separator.LINE_BREAK)
        self.position = position
        self.bound = bound
        self.count = 0
        self.ended = False
        self._slice_max = slice_max
        self._size = min(_FIRST, slice_max)

    def next(self) -> Page:
        """Read the next slice."""
        query = msgspec.structs.replace(self.query, size=self._size)
        try:
            page = self._store.page(query, self.position, self.bound)
        except ContactUnknown:
            if self.bound is None:
                raise
            page = Page(0, b"", None, has_more=False, newest=self.bound)  # just erased
        self.bound = page.newest if self.bound is None else self.bound
        self.position = page.last or self.position
        self.count += page.count
        self.ended = not page.has_more
        if page.count:
            fitting = SLICE_BYTES * page.count // len(page.body)
            self._size = max(1, min(fitting, self._slice_max))
        return page

    @property
    def scroll(self) -> Scroll | None:
        """Where to go on; None at an end that stays one."""
        bound = self.bound or 0
        if self.ended and self.query.endless:
            return Scroll(self.query, Position(bound, bound), bound)
        if self.ended or self.position is None:
            return None
        return Scroll(self.query, self.position, bound)


class Format(Protocol):
    """How an export is written."""

    slice_max: int

    def begin(self) -> bytes:
        """Write what comes before all events."""

    def write(self, page: Page, slices: Slices) -> tuple[bytes, ...]:
        """Write a slice, in pieces so as not to copy it; `slices` stands behind it."""


class LineFormat:
    """NDJSON: a line for each event, and those of `core.exports`."""

    slice_max = LINE_SLICE

    def __init__(self, seal: ScrollSeal):
        self._seal = seal

    def begin(self) -> bytes:
        """Write nothing."""
        return b""

    def write(self, page: Page, slices: Slices) -> tuple[bytes, ...]:
        """Write the events, and where to go on or that this is all."""
        scroll = slices.scroll
        scroll_id = None if scroll is None else self._seal.seal(scroll)
        if slices.ended or scroll_id is None:
            last = exports.completion(slices.count, scroll_id)
        else:
            last = exports.marker(scroll_id)
        return (page.body, b"\n" + last) if page.count else (last,)


class TableFormat:
    """CSV (RFC 4180): a header, and a row for each event; see `core.flat_events`."""

    slice_max = TABLE_SLICE

    def __init__(self, *, raw: bool = False):
        """Keep text that looks like a formula as it is (`raw`), or make it harmless."""
        self._text = as_text if raw else as_harmless_text

    def begin(self) -> bytes:
        """Write the header."""
        return csv_rows([list(COLUMNS)])

    def write(self, page: Page, slices: Slices) -> tuple[bytes, ...]:  # noqa: ARG002  the protocol
        """Write the events' rows."""
        text = self._text
        rows = [[text(cell) for cell in flatten(line)] for line in lines_of(page)]
        return (csv_rows(rows),)


def lines_of(page: Page) -> list[bytes]:
    """Return the JSON of each event of a slice."""
    return page.body.split(b"\n") if page.count else []


async def begin_export(
    reader: EventReader,
    organization: str,
    contact: str | None,
    parameters: Mapping[str, list[str]],
    written: Format,
) -> AsyncGenerator[bytes, None]:
    """Read the first slice of an export; return what yields it and all others.

    Args:
        reader: What reads large answers.
        organization: Whose events.
        contact: Only this contact's events, if given.
        parameters: The request's parameters as sent; see `core.exports`.
        written: How it is written.

    Raises:
        ParameterInvalid: A parameter cannot be understood.
        ScrollTampered, ScrollForeign, ScrollMismatch: The scrollId does not fit.
        ContactUnknown: The organization never saw the contact.
    """
    request = exports.parse_export(organization, contact, parameters)
    query, position, bound = request.query, None, None
    if request.scroll_id is not None:
        scroll = reader.seal.open(request.scroll_id, request)
        query, position, bound = scroll.query, scroll.position, scroll.bound
    slices = Slices(reader.store, query, position, bound, written.slice_max)

    def step() -> tuple[tuple[bytes, ...], bool]:
        page = slices.next()
        return written.write(page, slices), slices.ended

    first = await reader.in_turn(organization, step)

    async def chunks() -> AsyncGenerator[bytes, None]:
        yield written.begin()
        chunk, ended = first
        while not ended:
            ahead = asyncio.ensure_future(reader.in_turn(organization, step))
            try:
                await asyncio.sleep(0)  # so that it begins before the writing does
                for one in chunk:
                    yield one
                chunk, ended = await ahead
            finally:
                ahead.cancel()
        for one in chunk:
            yield one

    return chunks()
