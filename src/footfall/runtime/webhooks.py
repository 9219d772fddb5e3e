"""Webhooks: delivering while this server has the lease."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator

import structlog

from footfall import clock
from footfall.errors import FootfallError
from footfall.flows.delivery.deliver import Deliverer
from footfall.flows.delivery.endpoint import Send
from footfall.flows.delivery.secrets import WebhookSecrets
from footfall.runtime.jobs import EVERY_S, Lease
from footfall.store import Store

JOB = "webhooks"
_log = structlog.get_logger()


@contextlib.asynccontextmanager
async def delivering(
    store: Store, secrets: WebhookSecrets, send: Send
) -> AsyncIterator[None]:
    """Deliver meanwhile, if this server gets the lease."""
    holder = uuid.uuid4().hex
    task = asyncio.create_task(_deliver(store, secrets, send, holder))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        with contextlib.suppress(FootfallError):
            await asyncio.wrap_future(store.give_up_leases(holder))


async def _deliver(
    store: Store, secrets: WebhookSecrets, send: Send, holder: str
) -> None:
    while True:
        lease = Lease(store, JOB, holder)
        await _until(lease, held=True)
        deliverer = Deliverer(store, secrets, send, clock.now)
        async with deliverer.running():
            await _until(lease, held=False)


async def _until(lease: Lease, *, held: bool) -> None:
    """Wait until the lease is held, or until another server has it.

    While the store cannot say, all stays as it is.
    """
    while True:
        try:
            if await lease.held(clock.now()) is held:
                return
        except FootfallError as error:
            _log.warning("a job must wait", job=lease.job, reason=error.code)
        await asyncio.sleep(EVERY_S)
