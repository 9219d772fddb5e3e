"""Blocks of facts as rows, for both engines."""

import heapq
from abc import abstractmethod
from collections.abc import Collection, Iterator
from operator import attrgetter

import msgspec
from typing_extensions import override

from footfall.core.facts import BEGIN, DETAILS, END, Block
from footfall.core.instants import SECOND
from footfall.store.analytics import (
    AnalyticsPlace,
    AnalyticsRepository,
    Key,
    LogRow,
    Moment,
    Progress,
    Removal,
    Span,
)
from footfall.store.relational.repository import Repository


class SQLAnalytics(Repository, AnalyticsRepository):
    """What analytics keeps of an organization."""

    @abstractmethod
    def _row_of(self, arrival: int) -> int:
        """Return up to which row what had arrived by a number lies."""

    @override
    def progress(self) -> Progress:
        row = self._one("analytics_progress")
        return Progress(0, 0) if row is None else Progress(*row)

    @override
    def newest(self) -> int:
        row = self._one("analytics_newest")
        return 0 if row is None else int(row[0])

    @override
    def log_after(self, arrival: int, limit: int) -> list[LogRow]:
        after = self._row_of(arrival)
        found = [
            [LogRow(*row) for row in self._run(name, after=after, limit=limit)]
            for name in ("analytics_events_after", "analytics_withdrawals_after")
        ]
        # Beyond the end of a part that was cut off, the other has gaps.
        cut = [part[-1].arrival for part in found if len(part) == limit]
        merged = heapq.merge(*filter(None, found), key=attrgetter("arrival"))
        return [row for row in merged if not cut or row.arrival <= min(cut)]

    @override
    def events_between(
        self, kind: int, since: int, until: int, arrival: int
    ) -> list[LogRow]:
        rows = self._run(
            "analytics_events_between",
            type=kind,
            since=since * SECOND,
            until=until * SECOND,
            bound=self._row_of(arrival),
        )
        return [LogRow(0, contact, kind, at, body) for contact, at, body in rows]

    @override
    def removals(self, limit: int) -> list[Removal]:
        return [Removal(*row) for row in self._run("analytics_removals", limit=limit)]

    @override
    def places(self) -> list[AnalyticsPlace]:
        return [AnalyticsPlace(*row) for row in self._run("analytics_places")]

    @override
    def spans(self, asked: Collection[Moment]) -> dict[Moment, Span]:
        found = self._bulk("analytics_spans", list(asked))
        starts = {(kind, start) for kind, _, start, _ in found if start is not None}
        rows = self._bulk("analytics_blocks_at", list(starts))
        blocks = {(kind, row[0]): Block(*row) for kind, *row in rows}
        return {
            (kind, second): Span(
                BEGIN if start is None else start,
                END if until is None else until,
                blocks.get((kind, start)),
            )
            for kind, second, start, until in found
        }

    @override
    def keys(self, kind: int, since: int, until: int) -> list[Key]:
        span = {"type": kind, "since": since, "until": until}
        return [(kind, *row) for row in self._run("analytics_keys", **span)]

    @override
    def blocks(
        self, kind: int, since: int, until: int, columns: Collection[str] = ()
    ) -> Iterator[Block]:
        span = {"type": kind, "since": since, "until": until}
        named = {name: name in columns for name in DETAILS}
        for row in self._run("analytics_blocks", **span, **named):
            yield Block(*row)

    @override
    def occupancy(self) -> dict[int, int]:
        return dict(self._run("analytics_occupancy"))

    @override
    def open_stays(self) -> list[tuple[int, int]]:
        return list(self._run("analytics_open_stays"))

    @override
    def write(
        self,
        dropped: list[Key],
        added: list[tuple[int, Block]],
        places: list[AnalyticsPlace],
        removals: list[Removal],
        after: Progress,
    ) -> None:
        self._bulk("delete_analytics_blocks", dropped)
        rows = [(kind, *msgspec.structs.astuple(block)) for kind, block in added]
        self._bulk("add_analytics_blocks", rows)
        self._many(
            "add_analytics_place",
            [{"number": p.number, "id": p.id, "zone": p.zone} for p in places],
        )
        self._many(
            "delete_analytics_removal", [{"number": one.number} for one in removals]
        )
        self._run(
            "put_analytics_progress", arrival=after.arrival, version=after.version
        )
