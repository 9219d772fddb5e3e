"""Watching the file: commits of this process are told, those of others are looked for.

SQLite tells nobody that another process wrote, but it has a counter that costs one look
at shared memory (https://sqlite.org/pragma.html#pragma_data_version). One thread looks
at it for all that watch.
"""

import threading
from collections.abc import Callable
from pathlib import Path

import apsw

from footfall.store.sqlite.connections import open_reader
from footfall.store.watchers import Watchers

EVERY_S = 0.05


class FileWatch:
    """Wakes those that watch a database file; its thread starts with the first."""

    def __init__(self, path: Path):
        self._path = path
        self._watchers = Watchers()
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, wake: Callable[[str | None], None]) -> Callable[[], None]:
        """Add one that watches; see `Store.watch`."""
        with self._lock:
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(
                    target=self._look, name="footfall-watch"
                )
                self._thread.start()
        return self._watchers.add(wake)

    def wake(self, organization: str) -> None:
        """Say that this process wrote something of an organization."""
        self._watchers.wake(organization)

    def close(self) -> None:
        """Stop looking."""
        self._closing.set()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _look(self) -> None:
        connection = open_reader(self._path)
        try:
            seen = None
            while not self._closing.wait(EVERY_S):
                try:
                    version = connection.pragma("data_version")
                except apsw.Error:
                    continue  # whoever reads next says what is wrong with the file
                if version != seen:
                    seen = version
                    self._watchers.wake(None)
        finally:
            connection.close()
