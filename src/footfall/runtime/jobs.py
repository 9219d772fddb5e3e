"""Periodic jobs: close stays, reattribute, index, forget, finish erasures, count.

Of the servers on one store, the one that holds a job's lease does it. What a job does
is right however many do it; the lease saves the others the work. It is short, so that
another server goes on soon after the one that held it has died.
"""

import asyncio
import contextlib
import functools
import itertools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import structlog

from footfall import clock
from footfall.core.instants import DAY, SECOND
from footfall.errors import FootfallError
from footfall.flows.analytics.update import update_all
from footfall.flows.presence import close_stays
from footfall.flows.presence.forget import forget
from footfall.flows.presence.reattribute import reattribute_all
from footfall.store import ObservationIndexing, Store

EVERY_S = 1
LEASE = 10 * SECOND
INDEX_EVERY = 10  # rounds
FORGET_EVERY = 600
_log = structlog.get_logger()


@contextlib.asynccontextmanager
async def running(store: Store, observations_days: int) -> AsyncIterator[None]:
    """Do the periodic jobs meanwhile, those whose leases this server gets.

    Args:
        store: On what.
        observations_days: How long observations are kept.
    """
    holder = uuid.uuid4().hex

    async def presence(number: int) -> None:
        await _presence(store, number, observations_days * DAY)

    async def erasures(number: int) -> None:
        # What a killed process left is looked for now and then.
        resume = number % FORGET_EVERY == 0
        await asyncio.wrap_future(store.finish_erasures(resume=resume))

    async def analytics(_number: int) -> None:
        failed = functools.partial(_note_failure, "analytics")
        await asyncio.to_thread(update_all, store, failed)

    tasks = [
        asyncio.create_task(_repeat(Lease(store, job.__name__, holder), job))
        for job in (presence, erasures, analytics)
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        with contextlib.suppress(FootfallError):
            await asyncio.wrap_future(store.give_up_leases(holder))


class Lease:
    """The right to do a periodic job, for a while."""

    def __init__(self, store: Store, job: str, holder: str):
        self._store = store
        self.job = job
        self._holder = holder
        self._renew_at = 0

    async def held(self, now: int) -> bool:
        """Tell whether this server has it; renews it in time."""
        if now < self._renew_at:
            return True
        taken = self._store.take_lease(self.job, self._holder, now, now + LEASE)
        if not await asyncio.wrap_future(taken):
            return False
        self._renew_at = now + LEASE // 2
        return True


def _note_failure(job: str, error: Exception) -> None:
    if isinstance(error, FootfallError):
        # A full disk, say: what is due stays due.
        _log.warning("a job must wait", job=job, reason=error.code)
    else:
        _log.error("bug", error=type(error).__name__, place=job)


async def _repeat(lease: Lease, job: Callable[[int], Awaitable[None]]) -> None:
    """Do a job again and again while this server has its lease."""
    rounds = itertools.count()
    while True:
        try:
            if await lease.held(clock.now()):
                await job(next(rounds))
        except Exception as error:  # noqa: BLE001  one bad row must not stop the rest
            _note_failure(lease.job, error)
        await asyncio.sleep(EVERY_S)


async def _presence(store: Store, number: int, observations_kept: int) -> None:
    await asyncio.to_thread(reattribute_all, store, clock.now())
    await asyncio.to_thread(close_stays.close_due, store, clock.now())
    if number % INDEX_EVERY == 0 and isinstance(store, ObservationIndexing):
        while await asyncio.to_thread(store.index_observations):
            pass
    if number % FORGET_EVERY == 0:
        await asyncio.to_thread(forget, store, clock.now(), observations_kept)
