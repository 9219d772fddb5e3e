"""Stored observations, in PostgreSQL: batches of them as they came.

Which batches hold a device is known by an inverted index (GIN) of the first 8 bytes of
each subject in them, as numbers.
"""

from collections.abc import Iterable, Iterator

from typing_extensions import override

from footfall.core import observations
from footfall.core.observations import StoredObservation
from footfall.store.relational.repository import Repository
from footfall.store.transaction import BEGINNING, ObservationRepository

PREFIX_BYTES = 8


def prefixes(subjects: Iterable[bytes]) -> list[int]:
    """Return what stands for subjects in the index."""
    return sorted(
        {int.from_bytes(one[:PREFIX_BYTES], "big", signed=True) for one in subjects}
    )


class PostgresObservations(Repository, ObservationRepository):
    """The kept observations of an organization, on one connection."""

    @override
    def add(self, kept: list[StoredObservation], now: int) -> None:
        self._run(
            "add_batch",
            received_at=now,
            first_at=min(one.at for one in kept),
            last_at=max(one.at for one in kept),
            format=observations.FORMAT,
            subjects=prefixes(one.subject for one in kept),
            records=observations.pack(kept),
        )

    @override
    def between(self, since: int, until: int) -> Iterator[StoredObservation]:
        for form, records in self._run("batches", since=since, until=until):
            for one in observations.unpack(records, form):
                if since <= one.at <= until:
                    yield one

    @override
    def of_subjects(
        self, subjects: set[bytes], since: int, until: int
    ) -> Iterator[StoredObservation]:
        asked = prefixes(subjects)
        rows = self._run("batches_of", subjects=asked, since=since, until=until)
        for form, records in rows:
            for one in observations.unpack_of(records, subjects, form):
                if since <= one.at <= until:
                    yield one

    @override
    def any_since(self, since: int) -> bool:
        return bool(next(self._run("is_heard_since", since=since))[0])

    @override
    def complete_since(self) -> int | None:
        until = int(next(self._run("forgotten_until"))[0])
        return None if until == BEGINNING else until + 1
