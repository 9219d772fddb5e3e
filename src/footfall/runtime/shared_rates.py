"""Rate limits that servers share: their buckets are in Redis.

Redis may be away or slow at any time. The first call that fails, or takes too long,
ends the sharing: from then on no request waits for Redis, and each server's own buckets
decide. Meanwhile Redis is tried twice a second; when it answers, sharing goes on.
"""

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from importlib import resources

import prometheus_client
import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from footfall.core.rates import Rate
from footfall.errors import SettingInvalid

ANSWER_WITHIN_S = 0.25
# Longer than a call may take: so no call from before an outage fails after its end.
TRY_EVERY_S = 0.5
CONNECTIONS_MAX = 16
_PREFIX = "footfall:rate:"
_SCRIPT = resources.files("footfall.runtime").joinpath("take_token.lua").read_text()
_TRIAL = Rate(1_000_000, 1_000_000)
_log = structlog.get_logger()
_SHARED = prometheus_client.Gauge(
    "footfall_limits_shared",
    "1 while servers share their rate limits, 0 while Redis is away.",
    multiprocess_mode="livemin",
)


class RedisBuckets:
    """Buckets of tokens in Redis, by name.

    Args:
        client: Redis.
        key: Names are stored as digests under it: so Redis learns no address and no
            clientKey, and only servers with the same secret share.
    """

    def __init__(self, client: Redis, key: bytes):
        self._script = client.register_script(_SCRIPT)
        self._key = key
        self._away = asyncio.Event()
        _SHARED.set(1)

    async def take(self, name: str, rate: Rate) -> int:
        """Take a token; return 0, or in how many microseconds there is one.

        It is 0 too while Redis is away.
        """
        return await self._ask(name, rate, 1)

    async def give_back(self, name: str, rate: Rate) -> None:
        """Put back a token that was taken."""
        await self._ask(name, rate, -1)

    async def start(self) -> None:
        """Find out whether Redis answers."""
        await self._ask("trial", _TRIAL, 1)

    async def keep_trying(self) -> None:
        """Try Redis again and again while it is away."""
        while True:
            await self._away.wait()
            await asyncio.sleep(TRY_EVERY_S)
            with contextlib.suppress(Exception):
                # A token is taken, as a Redis that is full or read-only still answers.
                await self._call("trial", _TRIAL, 1)
                self._away.clear()
                _SHARED.set(1)
                _log.info("rate limits are shared again")

    async def _ask(self, name: str, rate: Rate, tokens: int) -> int:
        if self._away.is_set():
            return 0
        try:
            return await self._call(name, rate, tokens)
        except Exception as error:  # noqa: BLE001  whatever it is, requests go on
            if not self._away.is_set():
                self._away.set()
                _SHARED.set(0)
                # Only the kind: a message may quote the address, with its password.
                reason = type(error).__name__
                _log.warning("Redis is away: rate limits are not shared", reason=reason)
            return 0

    async def _call(self, name: str, rate: Rate, tokens: int) -> int:
        digest = hashlib.blake2b(name.encode(), key=self._key, digest_size=16)
        async with asyncio.timeout(ANSWER_WITHIN_S):
            wait = await self._script(
                keys=[_PREFIX + digest.hexdigest()],
                args=[rate.amount, rate.burst, rate.per, tokens],
            )
        return int(wait)


@contextlib.asynccontextmanager
async def sharing(address: str, key: bytes) -> AsyncIterator[RedisBuckets]:
    """Share buckets through the Redis at an address while the context is open.

    Raises:
        SettingInvalid: The address cannot be one.
    """
    async with _client(address) as client:
        buckets = RedisBuckets(client, key)
        await buckets.start()
        trying = asyncio.create_task(buckets.keep_trying())
        try:
            yield buckets
        finally:
            trying.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await trying


def _client(address: str) -> Redis:
    try:
        pool = BlockingConnectionPool.from_url(
            address,
            max_connections=CONNECTIONS_MAX,
            timeout=ANSWER_WITHIN_S,
            retry=Retry(NoBackoff(), 1),
        )
        # Refuses options that it does not know.
        pool.make_connection()  # type: ignore[no-untyped-call]
    except (TypeError, ValueError):
        raise SettingInvalid(
            "FOOTFALL_LIMITS is not the address of a Redis: give "
            "redis://HOST:PORT/DATABASE; write %23 for # in a password, and so on."
        ) from None
    return Redis.from_pool(pool)
