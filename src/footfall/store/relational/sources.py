"""Where equipment sends to, and what of it was rejected."""

import msgspec
from typing_extensions import override

from footfall.store.relational.repository import Repository
from footfall.store.transaction import Source, SourceRepository, StoredRejection

REJECTIONS_MAX = 10_000


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
    def rejections(self, limit: int) -> list[StoredRejection]:
        return [
            StoredRejection(source, at, reason, bytes(body).decode())
            for source, at, reason, body in self._run("rejections", limit=limit)
        ]
