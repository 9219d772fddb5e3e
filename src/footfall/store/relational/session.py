"""A session: what a repository needs of an engine within a transaction."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from footfall.core.places import Registry
from footfall.store.relational.cache import PresenceCache
from footfall.store.relational.keys import Keys

# What was read of organizations' registries, with its version, by their numbers.
Registries = dict[int, tuple[int, Registry]]
# A row as the engine returns it: its columns in order.
Row = Any


class Session(Protocol):
    """Runs statements by name on one organization's rows, inside its transaction.

    Attributes:
        organization: The organization's number.
        organization_id: Its id.
        keys: What opens its keys.
        registries: Those that were read already, of all organizations.
        cache: What is remembered of its presence; None where nothing is written.
    """

    organization: int
    organization_id: str
    keys: Keys
    registries: Registries
    cache: PresenceCache | None

    def run(self, name: str, values: Mapping[str, Any]) -> Iterator[Row]:
        """Run a statement; yields its rows."""

    def run_many(self, name: str, rows: Iterable[Mapping[str, Any]]) -> Iterator[Row]:
        """Run a statement for each of these; yields the rows of all, in order."""

    def run_bulk(self, name: str, rows: Sequence[Sequence[Any]]) -> list[Row]:
        """Run a bulk statement, which takes many rows at once.

        Args:
            name: The statement's.
            rows: Values in the order in which the statement names them, without
                `:organization`.

        Returns:
            What it yields for all of them, in no order.
        """
