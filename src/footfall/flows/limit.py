"""Limit: nobody gets more than a share, so that a flood hurts only its sender.

The counting is `limits`' (its sliding window): a window of `burst` requests that lasts
`burst / rate` seconds allows the burst at once and the rate for good.
"""

import math

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from footfall.core.instants import SECOND
from footfall.errors import TooManyRequests

FAILED_LOGINS_MAX = 20
FAILED_LOGINS_WINDOW_S = 60


class Limiter:
    """Counts requests by service, and failed logins by address and by key."""

    def __init__(self, rate: int, burst: int):
        self._counts = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._requests = RateLimitItemPerSecond(burst, max(1, math.ceil(burst / rate)))
        self._logins = RateLimitItemPerSecond(FAILED_LOGINS_MAX, FAILED_LOGINS_WINDOW_S)

    def count_request(self, client_key: str, now: int) -> None:
        """Count a service's request.

        Raises:
            TooManyRequests: It had its share.
        """
        if not self._counts.hit(self._requests, client_key):
            raise self._refusal(
                "This service's requests", self._requests, now, client_key
            )

    def check_login(self, now: int, *who: str) -> None:
        """Let a login be tried, by an address and with a key.

        Raises:
            TooManyRequests: Too many of either failed.
        """
        for name in who:
            if not self._counts.test(self._logins, "login", name):
                raise self._refusal("Failed logins", self._logins, now, "login", name)

    def count_failed_login(self, *who: str) -> None:
        """Remember that a login failed."""
        for name in who:
            self._counts.hit(self._logins, "login", name)

    def _refusal(
        self, what: str, item: RateLimitItem, now: int, *name: str
    ) -> TooManyRequests:
        window_s = item.get_expiry()
        reset_at, _ = self._counts.get_window_stats(item, *name)
        retry_after_s = max(1, min(window_s, math.ceil(reset_at - now / SECOND)))
        return TooManyRequests(
            f"{what} are limited to {item.amount} in {window_s} s; "
            f"try again in {retry_after_s} s.",
            item.amount,
            window_s,
            retry_after_s,
        )
