"""Periodic jobs: close stays, reattribute, index, forget, finish erasures."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator

import structlog

from footfall import clock
from footfall.core.instants import DAY
from footfall.errors import FootfallError
from footfall.flows.presence import close_stays
from footfall.flows.presence.forget import forget
from footfall.flows.presence.reattribute import reattribute_all
from footfall.store import Store

SWEEP_EVERY_S = 1
INDEX_EVERY = 10  # sweeps
FORGET_EVERY = 600
_log = structlog.get_logger()


@contextlib.asynccontextmanager
async def running(store: Store, observations_days: int) -> AsyncIterator[None]:
    """Run the periodic jobs while the context is open."""
    tasks = [
        asyncio.create_task(_sweep(store, observations_days * DAY)),
        asyncio.create_task(_finish_erasures(store)),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _sweep(store: Store, observations_kept: int) -> None:
    for number in itertools.count():
        try:
            await asyncio.to_thread(reattribute_all, store, clock.now())
            await asyncio.to_thread(close_stays.close_due, store, clock.now())
            if number % INDEX_EVERY == 0:
                while await asyncio.to_thread(store.index_observations):
                    pass
            if number % FORGET_EVERY == 0:
                await asyncio.to_thread(forget, store, clock.now(), observations_kept)
        except FootfallError as error:
            # For example a full disk: what is due stays due.
            _log.warning("stays are not closed now", reason=error.code)
        except Exception as error:  # noqa: BLE001  one bad stay must not stop the rest
            _log.error("bug", error=type(error).__name__, place="sweep")
        await asyncio.sleep(SWEEP_EVERY_S)


async def _finish_erasures(store: Store) -> None:
    """Finish erasures that had to wait, and now and then those of killed processes."""
    for number in itertools.count():
        try:
            resume = number % FORGET_EVERY == 0
            await asyncio.wrap_future(store.finish_erasures(resume=resume))
        except FootfallError as error:
            _log.warning("erasures are not finished now", reason=error.code)
        except Exception as error:  # noqa: BLE001  tried again later
            _log.error("bug", error=type(error).__name__, place="erasures")
        await asyncio.sleep(SWEEP_EVERY_S)
