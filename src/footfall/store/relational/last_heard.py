"""When equipment was last heard."""

from collections.abc import Mapping

from typing_extensions import override

from footfall.core.instants import MINUTE
from footfall.store.relational.repository import Repository
from footfall.store.transaction import Heard, HeardKind, LastHeardRepository

# Equipment reports several times a second; that it does is written once a minute.
PRECISION = MINUTE


class SQLLastHeard(Repository, LastHeardRepository):
    """When an organization's equipment was last heard."""

    @override
    def note(self, heard: Mapping[Heard, int]) -> None:
        known = self._cache.heard
        later = {
            one: at
            for one, at in heard.items()
            if one not in known or at >= known[one] + PRECISION
        }
        if not later:
            return
        self._many(
            "note_heard",
            [
                {"kind": int(kind), "id": name, "at": at}
                for (kind, name), at in sorted(later.items())
            ],
        )
        known.update(later)

    @override
    def all_of(self, kind: HeardKind) -> dict[str, int]:
        return dict(self._run("last_heard", kind=int(kind)))

    @override
    def forget(self, one: Heard) -> None:
        kind, name = one
        self._run("forget_heard", kind=int(kind), id=name)
        self._cache.heard.pop(one, None)
