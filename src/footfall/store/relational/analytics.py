"""Blocks of facts as rows, for both engines."""

import heapq
from abc import abstractmethod
from operator import attrgetter

from typing_extensions import override

from footfall.core.instants import HOUR
from footfall.store.analytics import (
    AnalyticsPlace,
    AnalyticsRepository,
    Block,
    LogRow,
    Progress,
    Removal,
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
        merged = heapq.merge(*found, key=attrgetter("arrival"))
        return [row for row in merged if not cut or row.arrival <= min(cut)]

    @override
    def events_of_hour(self, kind: int, hour: int, arrival: int) -> list[LogRow]:
        rows = self._run(
            "analytics_events_of_hour",
            type=kind,
            since=hour * HOUR,
            until=(hour + 1) * HOUR,
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
    def block(self, kind: int, hour: int) -> bytes:
        row = self._one("analytics_block", type=kind, hour=hour)
        return b"" if row is None else bytes(row[0])

    @override
    def blocks(self, kind: int, first: int, last: int) -> list[tuple[int, bytes]]:
        rows = self._run("analytics_blocks", type=kind, first=first, last=last)
        return [(hour, facts) for hour, facts in rows]

    @override
    def occupancy(self) -> dict[int, int]:
        return dict(self._run("analytics_occupancy"))

    @override
    def open_stays(self) -> list[tuple[int, int]]:
        return list(self._run("analytics_open_stays"))

    @override
    def write(
        self,
        blocks: list[Block],
        places: list[AnalyticsPlace],
        removals: list[Removal],
        after: Progress,
    ) -> None:
        full = [
            {"type": kind, "hour": hour, "facts": facts}
            for kind, hour, facts in blocks
            if facts
        ]
        empty = [
            {"type": kind, "hour": hour} for kind, hour, facts in blocks if not facts
        ]
        self._many("put_analytics_block", full)
        self._many("delete_analytics_block", empty)
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

    @override
    def clear(self) -> None:
        version = self.progress().version
        self._run("clear_analytics_blocks")
        self._run("put_analytics_progress", arrival=0, version=version + 1)
