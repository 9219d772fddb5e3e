"""What analytics keeps in a store: the facts of events, and how far they are read."""

from collections.abc import Collection, Iterator
from typing import Protocol

import msgspec

from footfall.core.facts import Block


class LogRow(msgspec.Struct, frozen=True, gc=False):
    """An entry of the log; a withdrawal has no body."""

    arrival: int
    contact: int
    type: int
    created_at: int
    body: bytes | None


class Progress(msgspec.Struct, frozen=True):
    """How far the log is read: up to an arrival; `version` counts the changes."""

    arrival: int
    version: int


class Removal(msgspec.Struct, frozen=True, gc=False):
    """An hour of a type from which an erased contact's facts are to go."""

    number: int
    contact: int
    type: int
    hour: int


class AnalyticsPlace(msgspec.Struct, frozen=True, gc=False):
    """A location or a hotspot that facts name by a number; `zone` as events said."""

    number: int
    id: str
    zone: str


class Span(msgspec.Struct, frozen=True, gc=False):
    """Where new facts of some seconds belong: up to `until`, perhaps into a block."""

    since: int
    until: int
    block: Block | None


Key = tuple[int, int, int]  # of a block: its type, start and part
Moment = tuple[int, int]  # a second of a type's facts: the type, the second


class AnalyticsRepository(Protocol):
    """The blocks of facts of an organization; see `core.facts`."""

    def progress(self) -> Progress:
        """Return how far the log is read."""

    def newest(self) -> int:
        """Return the newest arrival number."""

    def log_after(self, arrival: int, limit: int) -> list[LogRow]:
        """Return entries of the log that follow an arrival, in order, up to a limit."""

    def events_between(
        self, kind: int, since: int, until: int, arrival: int
    ) -> list[LogRow]:
        """Return the events of a type in a span of seconds that arrived so far."""

    def removals(self, limit: int) -> list[Removal]:
        """Return what erasures are still to take out, up to a limit."""

    def places(self) -> list[AnalyticsPlace]:
        """Return the places that facts name."""

    def spans(self, asked: Collection[Moment]) -> dict[Moment, Span]:
        """Return the spans of seconds; of the blocks that start in one, the last."""

    def keys(self, kind: int, since: int, until: int) -> list[Key]:
        """Return the keys of the blocks that start in a span of seconds, in order."""

    def blocks(
        self, kind: int, since: int, until: int, columns: Collection[str] = ()
    ) -> Iterator[Block]:
        """Yield the blocks with all facts of a type in a span of seconds, in order.

        Of `hotspot` and `dwell`, only the columns that are named are read.
        """

    def occupancy(self) -> dict[int, int]:
        """Return how many contacts are there now, by the location's number."""

    def open_stays(self) -> list[tuple[int, int]]:
        """Return the stays that go on: the location's number, and since when."""

    def write(
        self,
        dropped: list[Key],
        added: list[tuple[int, Block]],
        places: list[AnalyticsPlace],
        removals: list[Removal],
        after: Progress,
    ) -> None:
        """Drop and add blocks, add places, drop removals, and note how far it is."""
