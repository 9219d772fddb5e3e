"""Where equipment sends to, and what of it was rejected."""

import msgspec
from typing_extensions import override

from footfall.store.relational.repository import Repository
from footfall.store.transaction import Source, SourceRepository, StoredRejection

REJECTIONS_MAX = 10_000
_NUMBER_MAX = 2**63 - 1


class SQLSources(Repository, SourceRepository):
    """The sources of an organization."""

    @override
    def put(self, source: Source) -> None:
        body = msgspec.json.encode(source)
        self._run("put_source", id=source.id, kind=source.kind, body=body)

    @override
    def delete(self, source: str) -> bool:
        return self._one("delete_source", id=source) is not None

    @override
    def add_rejections(self, rejections: list[StoredRejection]) -> None:
        self._many(
            "add_rejection",
            [
                {
                    "source": one.source,
                    "at": one.at,
                    # The text of PostgreSQL has no NUL.
                    "reason": one.reason.replace("\0", "\N{REPLACEMENT CHARACTER}"),
                    "body": one.body.encode(),
                }
                for one in rejections
            ],
        )
        surplus = list(self._run("surplus_rejections", most=REJECTIONS_MAX))
        self._many("delete_rejection", [{"number": number} for (number,) in surplus])

    @override
    def all(self) -> list[Source]:
        rows = self._run("own_sources")
        return [msgspec.json.decode(body, type=Source) for (body,) in rows]

    @override
    def rejections(
        self, limit: int, source: str | None = None, before: int | None = None
    ) -> list[StoredRejection]:
        if source is None:
            rows = self._run("rejections", limit=limit)
        else:
            before = _NUMBER_MAX if before is None else before
            rows = self._run(
                "rejections_of_source", source=source, before=before, limit=limit
            )
        return [
            StoredRejection(source, at, reason, bytes(body).decode(), number)
            for source, at, reason, body, number in rows
        ]

    @override
    def rejection_counts(self) -> dict[str, int]:
        return dict(self._run("rejection_counts"))
