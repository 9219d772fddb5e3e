"""Rates: how much of something is allowed at once, and for good.

A *bucket* holds `burst` tokens and is refilled with `amount` tokens every `per`
microseconds. What is asked for takes a token, or is refused and takes none. So in any
span of time no more is allowed than the burst and the rate of that span, and who keeps
to the rate is never refused.
"""

from collections import OrderedDict

import msgspec

from footfall.core.instants import SECOND

KEYS_MAX = 100_000


class Rate(msgspec.Struct, frozen=True):
    """So many in so many microseconds for good, and so many at once."""

    amount: int
    burst: int
    per: int = SECOND

    def __str__(self) -> str:
        """Say it to people."""
        seconds = self.per // SECOND
        per = "a second" if seconds == 1 else f"in {seconds} s"
        if (self.burst, seconds) == (self.amount, 1):
            return f"{self.amount} {per}"
        return f"{self.amount} {per}, {self.burst} at once"


class Buckets:
    """The bucket of each key; those that were not used for longest are forgotten.

    Of a bucket only one number is kept: the time at which it is full again (the
    "theoretical arrival time" of the generic cell rate algorithm, ITU-T I.371). It is
    counted in `amount`ths of a microsecond, so that all is exact in whole numbers.
    """

    def __init__(self, rate: Rate, keys_max: int = KEYS_MAX):
        self.rate = rate
        self._keys_max = keys_max
        self._full_at: OrderedDict[str, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def wait(self, key: str, now: int, tokens: int = 1) -> int:
        """Return how many microseconds from now so many tokens are there."""
        missing = self._missing(key, now) + tokens * self.rate.per
        return max(
            0, -(-(missing - self.rate.burst * self.rate.per) // self.rate.amount)
        )

    def take(self, key: str, now: int, tokens: int = 1) -> bool:
        """Take tokens, or none if there are not so many."""
        missing = self._missing(key, now) + tokens * self.rate.per
        if missing > self.rate.burst * self.rate.per:
            return False
        self._full_at[key] = now * self.rate.amount + missing
        self._full_at.move_to_end(key)
        if len(self._full_at) > self._keys_max:
            self._full_at.popitem(last=False)
        return True

    def give_back(self, key: str, tokens: int = 1) -> None:
        """Put tokens back that were taken."""
        if key in self._full_at:
            self._full_at[key] -= tokens * self.rate.per

    def _missing(self, key: str, now: int) -> int:
        """Return what the bucket lacks; no more than all, if the clock was set back."""
        lacks = self._full_at.get(key, 0) - now * self.rate.amount
        return max(0, min(lacks, self.rate.burst * self.rate.per))
