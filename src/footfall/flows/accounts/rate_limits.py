"""Rate limits: every sender has a share, so that a flood hurts only its sender.

What needs a proof (a login, a vendor's post) is counted before the proof is checked, so
that many attempts at once cannot all pass before the first is counted; on success the
count is taken back. `core.rates` has the rule. Call all of this on the event loop.

A server counts in its own buckets first, and then in those that it shares with others,
if it does. So a flood is refused where it arrives, and where the shared buckets are out
of reach, each server goes on from what it counted itself.
"""

import asyncio
import contextlib
import ipaddress
import math
import weakref
from collections.abc import AsyncIterator
from typing import Protocol

from footfall.core.instants import MINUTE, SECOND
from footfall.core.rates import Buckets, Rate
from footfall.errors import CredentialsWrong, TooManyRequests

FAILED_LOGINS = Rate(20, burst=20, per=MINUTE)
# Many senders may share an address (a proxy, a NAT), so one that fails at one source
# leaves room for the others.
SOURCES_AN_ADDRESS = 4
NAME_LENGTH_MAX = 64
_IPV6_NETWORK = 64


class SharedBuckets(Protocol):
    """Buckets of tokens that servers share, by name."""

    async def take(self, name: str, rate: Rate) -> int:
        """Take a token; return 0, or in how many microseconds there is one."""

    async def give_back(self, name: str, rate: Rate) -> None:
        """Put back a token that was taken."""


class Limiter:
    """Counts requests by service and source, and failed logins and posts.

    Args:
        rate: How many requests a second are allowed in the long run.
        burst: How many at once.
        shared: Where servers count together, if they do.
    """

    def __init__(self, rate: int, burst: int, shared: SharedBuckets | None = None):
        one = Rate(rate, burst)
        many = Rate(rate * SOURCES_AN_ADDRESS, burst * SOURCES_AN_ADDRESS)
        self._requests = _Limit("This service's requests", one, shared)
        self._posts = _Limit("This source's posts", one, shared)
        self._unproven = _Limit(
            "Failed posts of an address to this source", one, shared
        )
        self._addresses = _Limit("Failed posts of an address", many, shared)
        self._logins = _Limit("Failed logins", FAILED_LOGINS, shared)
        self._trying: weakref.WeakValueDictionary[str, asyncio.Semaphore] = (
            weakref.WeakValueDictionary()
        )

    async def count_request(self, client_key: str, now: int) -> None:
        """Count a service's request.

        Raises:
            TooManyRequests: The service is over its rate.
        """
        await self._requests.take(client_key, now)

    async def count_unproven(self, address: str, now: int) -> None:
        """Count a request to a source's address before anything is looked up.

        Raises:
            TooManyRequests: Too many requests from this address failed.
        """
        await self._addresses.take(network_of(address), now)

    async def count_unproven_post(self, source: str, address: str, now: int) -> None:
        """Count a post to a source before its secret is checked.

        Raises:
            TooManyRequests: Too many posts of this address failed at this source.
        """
        await self._unproven.take(f"{source} {network_of(address)}", now)

    async def count_proven_post(self, source: str, address: str, now: int) -> None:
        """Count a post that has its source's secret, and no longer as a failed one.

        Raises:
            TooManyRequests: The source is over its rate.
        """
        await self._unproven.give_back(f"{source} {network_of(address)}")
        await self._addresses.give_back(network_of(address))
        await self._posts.take(source, now)

    @contextlib.asynccontextmanager
    async def login(self, key: str, address: str, now: int) -> AsyncIterator[None]:
        """Allow one attempt to log in, with a key and from an address.

        Only as many attempts as may fail run at once on a server; others wait until
        these end.

        Raises:
            TooManyRequests: Too many with this key or from this address failed.
        """
        names = (f"address {network_of(address)}", f"key {key[:NAME_LENGTH_MAX]}")
        async with contextlib.AsyncExitStack() as stack:
            for name in names:
                new = asyncio.Semaphore(FAILED_LOGINS.burst)
                await stack.enter_async_context(self._trying.setdefault(name, new))
            await self._count_login(names, now)
            failed = False
            try:
                yield
            except (CredentialsWrong, asyncio.CancelledError):
                failed = True
                raise
            finally:
                for name in names if not failed else ():
                    await self._logins.give_back(name)

    async def _count_login(self, names: tuple[str, str], now: int) -> None:
        address, key = names
        await self._logins.take(address, now)
        try:
            await self._logins.take(key, now)
        except TooManyRequests:
            await self._logins.give_back(address)
            raise


class _Limit:
    """One limit: a bucket for each key, here and where servers share them.

    Other servers count to the shared bucket too, so it holds no more than the server's
    own. So where the own one is empty, the shared one is not asked.
    """

    def __init__(self, what: str, rate: Rate, shared: SharedBuckets | None):
        self._what = what
        self._rate = rate
        self._own = Buckets(rate)
        self._shared = shared

    async def take(self, key: str, now: int) -> None:
        """Take a token.

        Raises:
            TooManyRequests: There is none.
        """
        if not self._own.take(key, now):
            raise self._refusal(self._own.wait(key, now))
        if self._shared is None:
            return
        wait = await self._shared.take(self._name(key), self._rate)
        if wait:
            self._own.give_back(key)
            raise self._refusal(wait)

    async def give_back(self, key: str) -> None:
        """Put back a token that was taken."""
        self._own.give_back(key)
        if self._shared is not None:
            await self._shared.give_back(self._name(key), self._rate)

    def _name(self, key: str) -> str:
        """Name a shared bucket; servers that are set to other rates have others."""
        return f"{self._what} {self._rate} {key}"

    def _refusal(self, wait: int) -> TooManyRequests:
        rate, retry_after_s = self._rate, max(1, math.ceil(wait / SECOND))
        return TooManyRequests(
            f"{self._what} are limited to {rate}; try again in {retry_after_s} s.",
            rate.burst,
            f"{rate.amount};w={rate.per // SECOND};burst={rate.burst}",
            retry_after_s,
        )


def network_of(address: str) -> str:
    """Return what counts as one sender: an IPv4 address or an IPv6 network."""
    try:
        parsed = ipaddress.IPv6Address(address)
    except ValueError:
        return address[:NAME_LENGTH_MAX]
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), _IPV6_NETWORK), strict=False))
