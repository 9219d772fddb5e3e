"""`footfall store …`."""

from typing import TYPE_CHECKING

from footfall.cli.output import opened, say
from footfall.errors import Invalid, StoreError

if TYPE_CHECKING:
    from footfall.store import DistributedStore, Store


def distribute(*, store: str | None = None) -> None:
    """Distribute a database's tables over its nodes, by organization.

    The database is PostgreSQL with the extension Citus. Rows that are there are moved;
    stop the servers first. It may be repeated: what is distributed stays so.

    Example: footfall store distribute

    Args:
        store: Where the events are: postgresql://HOST/DATABASE (FOOTFALL_STORE).
    """
    with opened(store) as data:
        tables = _distributed(data).distribute()
    if tables:
        say(f"Distributed by organization: {', '.join(tables)}.")
    else:
        say("All tables were distributed already.")


def isolate(organization: str, *, node: str, store: str | None = None) -> None:
    """Move an organization to a node of a distributed database, apart from all others.

    Servers may go on; writes of some organizations wait for a few seconds.

    Example: footfall store isolate ID --node worker-3:5432

    Args:
        organization: The organization's id.
        node: The node as the database knows it, HOST:PORT.
        store: Where the events are: postgresql://HOST/DATABASE (FOOTFALL_STORE).
    """
    host, _, port = node.rpartition(":")
    if not (host and port.isdecimal()):
        raise Invalid(f"A node is HOST:PORT, such as worker-3:5432, and not {node!r}.")
    with opened(store) as data:
        _distributed(data).isolate(organization, (host, int(port)))
    say(f"{organization} is on {node}, in shards of its own.")


def _distributed(store: "Store") -> "DistributedStore":
    from footfall.store import DistributedStore

    if not isinstance(store, DistributedStore):
        raise StoreError("The store is one file: only a PostgreSQL database has nodes.")
    return store
