"""When locations and hotspots last heard somebody."""

from footfall.core.instants import format_instant
from footfall.store import Store
from footfall.store.transaction import HeardKind


def last_heard(store: Store, organization: str, kind: HeardKind) -> dict[str, str]:
    """Return when each of a kind last heard somebody, to the minute, by its id."""
    found = store.read(
        organization, lambda transaction: transaction.last_heard.all_of(kind)
    )
    return {name: format_instant(at) for name, at in found.items()}
