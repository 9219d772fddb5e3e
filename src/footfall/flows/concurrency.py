"""Turns: large work of all tenants, one tenant after the other.

Who waits for a turn waits first for those of its own tenant, then for one turn of each
other tenant that waits: however much one of them asks for.
"""

import asyncio
import contextlib
from collections import Counter, defaultdict
from collections.abc import AsyncIterator


class FairLimit:
    """So many turns at once, of each tenant one."""

    def __init__(self, count: int):
        self._all = asyncio.Semaphore(count)
        self._own: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._asking: Counter[str] = Counter()

    def __len__(self) -> int:
        """How many tenants ask."""
        return len(self._own)

    @contextlib.asynccontextmanager
    async def of(self, who: str) -> AsyncIterator[None]:
        """Wait for a turn: the tenant's own, then one of all."""
        self._asking[who] += 1
        try:
            async with self._own[who], self._all:
                yield
        finally:
            self._asking[who] -= 1
            if not self._asking[who]:
                del self._asking[who], self._own[who]
