"""Shares: which of the servers on one store does an organization's periodic work.

Each server knows who is there, and decides the same without asking: the organization is
the server's that comes first in an order of its own (rendezvous hashing). So the shares
are equal in the long run, and when a server comes or goes, only the organizations that
it gets or leaves move.
"""

import hashlib
from collections.abc import Callable, Collection

Mine = Callable[[str], bool]


def server_of(organization: str, servers: Collection[str]) -> str | None:
    """Return the server that has an organization; None while nobody is there."""
    return min(servers, key=lambda server: _rank(server, organization), default=None)


def everything(_organization: str) -> bool:
    """Tell that an organization is one's own, as where there are no other servers."""
    return True


def _rank(server: str, organization: str) -> bytes:
    return hashlib.blake2b(f"{server} {organization}".encode(), digest_size=8).digest()
