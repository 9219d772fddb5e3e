"""Periodic jobs: close stays, reattribute, count, index, forget, finish erasures.

What is done for organizations, the servers on one store divide: each does its share.
What is done for the whole store, the one does that holds the job's lease. A job is
right however many do it at once, so nobody waits until all agree. Leases are short, so
that others soon go on where a server has died.
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
from footfall.core.shares import server_of
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
Job = Callable[[int], Awaitable[None]]
_log = structlog.get_logger()


@contextlib.asynccontextmanager
async def running(store: Store, observations_days: int) -> AsyncIterator[None]:
    """Do the periodic jobs meanwhile: this server's share, and those it has leases of.

    Args:
        store: On what.
        observations_days: How long observations are kept.
    """
    holder = uuid.uuid4().hex
    share = Share(store, holder)

    async def servers(_number: int) -> None:
        await share.renew(clock.now())

    async def closing(_number: int) -> None:
        await asyncio.to_thread(close_stays.close_due, store, clock.now(), share.has)

    async def reattribution(_number: int) -> None:
        await asyncio.to_thread(reattribute_all, store, clock.now(), share.has)

    async def analytics(_number: int) -> None:
        failed = functools.partial(_note_failure, "analytics")
        await asyncio.to_thread(update_all, store, failed, share.has)

    async def observations(number: int) -> None:
        await _keep_observations(store, number, observations_days * DAY)

    async def erasures(number: int) -> None:
        # What a killed process left is looked for now and then.
        resume = number % FORGET_EVERY == 0
        await asyncio.wrap_future(store.finish_erasures(resume=resume))

    repeated = [
        _repeat(job.__name__, job)
        for job in (servers, closing, reattribution, analytics)
    ] + [
        _repeat(job.__name__, _held(Lease(store, job.__name__, holder), job))
        for job in (observations, erasures)
    ]
    tasks = [asyncio.create_task(one) for one in repeated]
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


class Share:
    """The organizations whose work is this server's; see `core.shares`."""

    def __init__(self, store: Store, name: str):
        self._store = store
        self._name = name
        # It says that this server is there.
        self._lease = Lease(store, name, name)
        self._servers: list[str] = []

    async def renew(self, now: int) -> None:
        """Say that this server is there, and see who else is."""
        await self._lease.held(now)
        self._servers = await asyncio.to_thread(self._store.servers, now)

    def has(self, organization: str) -> bool:
        """Tell whether an organization is this server's."""
        return server_of(organization, self._servers) == self._name


def _note_failure(job: str, error: Exception) -> None:
    if isinstance(error, FootfallError):
        # A full disk, say: what is due stays due.
        _log.warning("a job must wait", job=job, reason=error.code)
    else:
        _log.error("bug", error=type(error).__name__, place=job)


def _held(lease: Lease, job: Job) -> Job:
    """Return what does a job while this server has its lease."""
    rounds = itertools.count()

    async def do(_number: int) -> None:
        if await lease.held(clock.now()):
            await job(next(rounds))

    return do


async def _repeat(name: str, job: Job) -> None:
    """Do a job again and again."""
    for number in itertools.count():
        try:
            await job(number)
        except Exception as error:  # noqa: BLE001  one bad row must not stop the rest
            _note_failure(name, error)
        await asyncio.sleep(EVERY_S)


async def _keep_observations(store: Store, number: int, kept: int) -> None:
    """Index new observations, and delete those that were kept for long enough."""
    if number % INDEX_EVERY == 0 and isinstance(store, ObservationIndexing):
        while await asyncio.to_thread(store.index_observations):
            pass
    if number % FORGET_EVERY == 0:
        await asyncio.to_thread(forget, store, clock.now(), kept)
