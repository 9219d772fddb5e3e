"""The one writer: a thread that takes all waiting writes into one synced commit.

A sync costs the same for one event as for thousands, so while one commit is on its
way to the disk, the writes that arrive meanwhile wait and share the next.
"""

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import apsw
import msgspec

from footfall.errors import FootfallError, StoreError
from footfall.store.sqlite.connections import (
    open_writer,
    transaction,
    translated,
)

T = TypeVar("T")
GROUP_MAX = 256


class _Job(msgspec.Struct, frozen=True):
    """A write and the future of its result.

    `alone` jobs run outside a transaction (a checkpoint cannot run inside one).
    """

    work: Callable[[apsw.Connection], Any]
    done: Future[Any]
    alone: bool


class Writer:
    """Owns the writing connection; `submit` may be called from any thread.

    `failure` is why the last write failed, if it did; `undone` counts the commits that
    did not come about.
    """

    def __init__(self, path: Path):
        self._path = path
        with translated(path):
            self._connection = open_writer(path)
        self._waiting: deque[_Job] = deque()
        self._wake = threading.Condition()
        self._closed = False
        self.failure: StoreError | None = None
        self.undone = 0
        self._thread = threading.Thread(target=self._run, name="footfall-writer")
        self._thread.start()

    def submit(
        self, work: Callable[[apsw.Connection], T], *, alone: bool = False
    ) -> Future[T]:
        """Have `work` done; the future is done when its commit is on disk."""
        job = _Job(work, Future(), alone)
        with self._wake:
            if self._closed:
                raise StoreError("The store is closing.")
            self._waiting.append(job)
            self._wake.notify()
        return job.done

    def close(self) -> None:
        """Finish what is waiting, then close the connection."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while group := self._next_group():
            results: list[Any] = []
            try:
                with translated(self._path):
                    if group[0].alone:
                        results = [group[0].work(self._connection)]
                    else:
                        results = self._commit(group)
            except BaseException as error:  # noqa: BLE001  told to each that waits
                self.undone += 1
                results = [error] * len(group)
            self._remember(results)
            for job, result in zip(group, results, strict=True):
                if isinstance(result, BaseException):
                    job.done.set_exception(result)
                else:
                    job.done.set_result(result)

    def _remember(self, results: list[Any]) -> None:
        """Keep the last failure of the engine until a write succeeds again."""
        for result in results:
            self.failure = result if isinstance(result, StoreError) else None

    def _next_group(self) -> list[_Job]:
        """Wait for work and take all that can share a commit; [] means the end."""
        with self._wake:
            self._wake.wait_for(lambda: self._waiting or self._closed)
            group: list[_Job] = []
            while self._waiting and len(group) < GROUP_MAX:
                if self._waiting[0].alone and group:
                    break
                group.append(self._waiting.popleft())
                if group[0].alone:
                    break
            return group

    def _commit(self, group: list[_Job]) -> list[Any]:
        """Run each job in a savepoint of one transaction, and sync it.

        A job that is refused (an id that is taken, an unknown tenant) undoes its own
        work; a failure of the engine undoes the whole group, and each is told.
        """
        with transaction(self._connection):
            return [self._attempt(job) for job in group]

    def _attempt(self, job: _Job) -> Any:
        try:
            with self._connection:
                return job.work(self._connection)
        except FootfallError as refused:
            return refused
