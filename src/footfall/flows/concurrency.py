"""Turns: large work of all tenants, one tenant after the other.

A caller waits first for the turns of its own tenant, then for at most one turn of each
other tenant that waits, however much any of them asks for.
"""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator


class FairLimit:
    """A limited number of turns at once, and one per tenant."""

    def __init__(self, count: int):
        self._all = asyncio.Semaphore(count)
        self._own: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._asking: Counter[str] = Counter()

    def __len__(self) -> int:
        """How many tenants use or wait for a turn."""
        return len(self._own)

    @contextlib.asynccontextmanager
    async def of(self, who: str) -> AsyncIterator[None]:
        """Wait for the tenant's own turn, then for one of those that all share."""
        self._asking[who] += 1
        try:
            async with self._own[who], self._all:
                yield
        finally:
            self._asking[who] -= 1
            if not self._asking[who]:
                del self._asking[who], self._own[who]
