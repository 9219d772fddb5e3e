"""A window of writes: a few are under way at once, and they end in order."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class WriteWindow(Generic[T]):
    """Lets the next batch be prepared while the store writes those before it."""

    def __init__(self, size: int):
        """Allow `size` writes under way."""
        self._size = size
        self._waiting: deque[tuple[Future[T], Callable[[T], None]]] = deque()

    def add(self, write: Future[T], then: Callable[[T], None]) -> None:
        """Add a write; if the window is full, wait for the oldest to end."""
        self._waiting.append((write, then))
        if len(self._waiting) > self._size:
            self._end_oldest()

    def drain(self) -> None:
        """Wait for all of them to end."""
        while self._waiting:
            self._end_oldest()

    def _end_oldest(self) -> None:
        write, then = self._waiting.popleft()
        then(write.result())
