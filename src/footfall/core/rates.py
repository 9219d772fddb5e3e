"""Rates: how much of something is allowed at once, and in the long run.

A *bucket* holds `burst` tokens and is refilled with `amount` tokens every `per`
microseconds. A request takes a token, or is refused and takes none. So no span of time
allows more than the burst plus the rate of that span, and a sender that keeps to the
rate is never refused.
"""

from collections import OrderedDict

import msgspec

from footfall.core.instants import SECOND

KEYS_MAX = 100_000


class Rate(msgspec.Struct, frozen=True):
    """`amount` every `per` microseconds in the long run, and `burst` at once."""

    amount: int
    burst: int
    per: int = SECOND

    def __str__(self) -> str:
        """Write it for messages."""
        seconds = self.per // SECOND
        per = "a second" if seconds == 1 else f"in {seconds} s"
        if (self.burst, seconds) == (self.amount, 1):
            return f"{self.amount} {per}"
        return f"{self.amount} {per}, {self.burst} at once"


class Buckets:
    """The buckets by key; the least recently used are forgotten.

    A bucket is one number: the time at which it is full again (the "theoretical arrival
    time" of the generic cell rate algorithm, ITU-T I.371). The unit is 1/`amount` of a
    microsecond, so that whole numbers are exact.
    """

    def __init__(self, rate: Rate, keys_max: int = KEYS_MAX):
        self.rate = rate
        self._keys_max = keys_max
        self._full_at: OrderedDict[str, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def wait(self, key: str, now: int, tokens: int = 1) -> int:
        """Return in how many microseconds this many tokens are available."""
        missing = self._missing(key, now) + tokens * self.rate.per
        return max(
            0, -(-(missing - self.rate.burst * self.rate.per) // self.rate.amount)
        )

    def take(self, key: str, now: int, tokens: int = 1) -> bool:
        """Take tokens; return False and take none if there are too few."""
        missing = self._missing(key, now) + tokens * self.rate.per
        if missing > self.rate.burst * self.rate.per:
            return False
        self._full_at[key] = now * self.rate.amount + missing
        self._full_at.move_to_end(key)
        if len(self._full_at) > self._keys_max:
            self._full_at.popitem(last=False)
        return True

    def give_back(self, key: str, tokens: int = 1) -> None:
        """Put back tokens that were taken."""
        if key in self._full_at:
            self._full_at[key] -= tokens * self.rate.per

    def _missing(self, key: str, now: int) -> int:
        """Return what the bucket lacks; at most all, even if the clock was set back."""
        lacks = self._full_at.get(key, 0) - now * self.rate.amount
        return max(0, min(lacks, self.rate.burst * self.rate.per))
