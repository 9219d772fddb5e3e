"""Rate limits: every sender has a share, so that a flood hurts only its sender.

What needs a proof (a login, a vendor's post) is counted before the proof is checked, so
that many attempts at once cannot all pass before the first is counted; on success the
count is taken back. `core.rates` has the rule. Call all of this on the event loop.
"""

import asyncio
import contextlib
import ipaddress
import math
import weakref
from collections.abc import AsyncIterator

from footfall.core.instants import MINUTE, SECOND
from footfall.core.rates import Buckets, Rate
from footfall.errors import CredentialsWrong, TooManyRequests

FAILED_LOGINS = Rate(20, burst=20, per=MINUTE)
# Many senders may share an address (a proxy, a NAT), so one that fails at one source
# leaves room for the others.
SOURCES_AN_ADDRESS = 4
NAME_LENGTH_MAX = 64
_IPV6_NETWORK = 64


class Limiter:
    """Counts requests by service and source, and failed logins and posts."""

    def __init__(self, rate: int, burst: int):
        self._requests = Buckets(Rate(rate, burst))
        self._unproven = Buckets(Rate(rate, burst))
        many = Rate(rate * SOURCES_AN_ADDRESS, burst * SOURCES_AN_ADDRESS)
        self._addresses = Buckets(many)
        self._logins = Buckets(FAILED_LOGINS)
        self._trying: weakref.WeakValueDictionary[str, asyncio.Semaphore] = (
            weakref.WeakValueDictionary()
        )

    def count_request(self, client_key: str, now: int) -> None:
        """Count a service's request.

        Raises:
            TooManyRequests: The service is over its rate.
        """
        _take(self._requests, client_key, now, "This service's requests")

    def count_unproven(self, address: str, now: int) -> None:
        """Count a request to a source's address before anything is looked up.

        Raises:
            TooManyRequests: Too many requests from this address failed.
        """
        _take(self._addresses, network_of(address), now, "Failed posts of an address")

    def count_unproven_post(self, source: str, address: str, now: int) -> None:
        """Count a post to a source before its secret is checked.

        Raises:
            TooManyRequests: Too many posts of this address failed at this source.
        """
        key = f"{source} {network_of(address)}"
        _take(self._unproven, key, now, "Failed posts of an address to this source")

    def count_proven_post(self, source: str, address: str, now: int) -> None:
        """Count a post that has its source's secret, and no longer as a failed one.

        Raises:
            TooManyRequests: The source is over its rate.
        """
        self._unproven.give_back(f"{source} {network_of(address)}")
        self._addresses.give_back(network_of(address))
        _take(self._requests, f"source {source}", now, "This source's posts")

    @contextlib.asynccontextmanager
    async def login(self, key: str, address: str, now: int) -> AsyncIterator[None]:
        """Allow one attempt to log in, with a key and from an address.

        Only as many attempts as may fail run at once; others wait until these end.

        Raises:
            TooManyRequests: Too many with this key or from this address failed.
        """
        names = (f"address {network_of(address)}", f"key {key[:NAME_LENGTH_MAX]}")
        async with contextlib.AsyncExitStack() as stack:
            for name in names:
                new = asyncio.Semaphore(FAILED_LOGINS.burst)
                await stack.enter_async_context(self._trying.setdefault(name, new))
            self._count_login(names, now)
            failed = False
            try:
                yield
            except (CredentialsWrong, asyncio.CancelledError):
                failed = True
                raise
            finally:
                for name in names if not failed else ():
                    self._logins.give_back(name)

    def _count_login(self, names: tuple[str, str], now: int) -> None:
        address, key = names
        _take(self._logins, address, now, "Failed logins")
        try:
            _take(self._logins, key, now, "Failed logins")
        except TooManyRequests:
            self._logins.give_back(address)
            raise


def network_of(address: str) -> str:
    """Return what counts as one sender: an IPv4 address or an IPv6 network."""
    try:
        parsed = ipaddress.IPv6Address(address)
    except ValueError:
        return address[:NAME_LENGTH_MAX]
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), _IPV6_NETWORK), strict=False))


def _take(buckets: Buckets, key: str, now: int, what: str) -> None:
    if buckets.take(key, now):
        return
    rate = buckets.rate
    retry_after_s = max(1, math.ceil(buckets.wait(key, now) / SECOND))
    policy = f"{rate.amount};w={rate.per // SECOND};burst={rate.burst}"
    raise TooManyRequests(
        f"{what} are limited to {rate}; try again in {retry_after_s} s.",
        rate.burst,
        policy,
        retry_after_s,
    )
