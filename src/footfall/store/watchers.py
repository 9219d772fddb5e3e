"""Watchers: who is woken when an organization's log grows."""

import threading
from collections.abc import Callable


class Watchers:
    """Those that watch a store; called on the threads that write or listen."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: tuple[Callable[[str | None], None], ...] = ()

    def add(self, wake: Callable[[str | None], None]) -> Callable[[], None]:
        """Add one; returns what ends it. See `Store.watch`."""

        def end() -> None:
            with self._lock:
                self._all = tuple(one for one in self._all if one is not wake)

        with self._lock:
            self._all = (*self._all, wake)
        return end

    def wake(self, organization: str | None) -> None:
        """Say that the log of an organization grew; None means any."""
        for wake in self._all:
            wake(organization)
