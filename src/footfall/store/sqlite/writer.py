"""The one writer: a thread that takes the waiting writes into one synced commit.

A sync costs the same for one event as for thousands, so while one commit is on its
way to the disk, the writes that arrive meanwhile wait and share the next.

Tenants wait in lanes of their own, and the lanes take turns. A commit is short where
somebody else waits, so a small write waits for about one other job and one sync,
however much another tenant sends.
"""

import contextlib
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import apsw
import msgspec
from prometheus_client import Histogram

from footfall.errors import StoreError
from footfall.store.relational.keys import Keys
from footfall.store.sqlite.checkpoints import Checkpointer, Sync
from footfall.store.sqlite.connections import (
    PAUSE_S,
    open_writer,
    transaction,
    translated,
)

T = TypeVar("T")
GROUP_MAX = 256
# How long a commit takes, about: while other lanes wait, and at all.
SHARED_S, ALONE_S = 0.04, 0.05
# How many bytes it brings at most.
COMMIT_BYTES = 1536 * 1024
# How much of a slow commit is remembered after one more.
_MEMORY = 0.9
# How long others give way to a turn.
GIVE_WAY_S = 0.005
# What brings so much takes longer than a sync: others' jobs do not wait for it.
LARGE_BYTES = 128 * 1024
# What brings so much shows how long a byte takes, more than how long a commit does.
_TELLING_BYTES = 24 * 1024

_TURNS = Histogram(
    "footfall_writer_turn_seconds",
    "How long a commit, or a step outside of one, held the writer of the SQLite store.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5),
)

# After these nothing that the transaction did can be relied on. All other errors are
# of one statement, so the savepoint of its job undoes them.
_ENGINE_ERRORS = (
    apsw.AbortError,
    apsw.AuthError,
    apsw.BusyError,
    apsw.CantOpenError,
    apsw.CorruptError,
    apsw.FullError,
    apsw.IOError,
    apsw.InternalError,
    apsw.InterruptError,
    apsw.LockedError,
    apsw.NoMemError,
    apsw.NotADBError,
    apsw.PermissionsError,
    apsw.ProtocolError,
    apsw.ReadOnlyError,
)


class _Job(msgspec.Struct, frozen=True):
    """A write and the future of its result.

    `alone` jobs run outside a transaction (a checkpoint cannot run inside one). Those
    that are `checked` are tried without a savepoint. `size` is how many bytes it writes
    if they may be many.
    """

    work: Callable[[apsw.Connection], Any]
    done: Future[Any]
    lane: str
    alone: bool
    checked: bool = False
    size: int = 0


def _size_of(done: list[tuple[_Job, Any]]) -> int:
    return sum(job.size for job, _ in done)


class _NotChecked(Exception):
    """A job that was said to be checked raised something of its own."""


class Lanes:
    """Waiting jobs: in the order of arrival within a lane, the lanes in turn.

    The lane that was served last goes behind those that come meanwhile.
    """

    def __init__(self) -> None:
        self._lanes: OrderedDict[str, deque[_Job]] = OrderedDict()
        self._served = ""
        # What waits in that lane.
        self._behind: deque[_Job] = deque()

    def __len__(self) -> int:
        return len(self._lanes) + bool(self._behind)

    def put(self, job: _Job) -> None:
        """Let a job wait behind those of its lane."""
        if job.lane == self._served:
            self._behind.append(job)
        else:
            self._lanes.setdefault(job.lane, deque()).append(job)

    def next(self) -> _Job:
        """Return the job whose turn it is; it waits on until `take`."""
        return next(iter(self._lanes.values()), self._behind)[0]

    def take(self) -> _Job:
        """Take the job whose turn it is."""
        if self._behind:
            self._lanes[self._served] = self._behind
        self._served, self._behind = self._lanes.popitem(last=False)
        return self._behind.popleft()


class Writer:
    """Owns the writing connection; `submit` may be called from any thread.

    `failure` is why the last write failed, if it did; `undone` counts the commits that
    did not come about.
    """

    def __init__(
        self,
        path: Path,
        keys: Keys,
        clock: Callable[[], float] = time.monotonic,
        *,
        yields: bool = False,
        committed: Callable[[str], None] = lambda _: None,
        sync: Sync = lambda: None,
    ):
        """Open the connection.

        Args:
            path: The database's file.
            keys: What opens the keys in it.
            clock: Seconds that only go on.
            yields: Whether other processes have precedence: a command beside a server.
            committed: Called with each organization of which something was written.
            sync: Syncs the database.
        """
        self._yields = yields
        self._committed = committed
        self._path = path
        self._clock = clock
        self.sync = sync
        with translated(path):
            self._connection = open_writer(path, keys)
        self._checkpointer = Checkpointer(path, self._submit_checkpoint, sync)
        self._connection.set_wal_hook(self._checkpointer.notice)
        self._waiting = Lanes()
        self._idle = threading.Event()
        self._idle.set()
        self._wake = threading.Condition()
        self._closed = False
        # When the turn began.
        self._began = clock()
        # What a byte took lately, to write and to sync it. It depends on the disk, and
        # on how many pages of the indexes an event changes: more, the larger the store.
        self._byte_s = 0.0
        self.failure: StoreError | None = None
        self.undone = 0
        self._thread = threading.Thread(target=self._run, name="footfall-writer")
        self._thread.start()

    def submit(
        self,
        work: Callable[[apsw.Connection], T],
        *,
        lane: str = "",
        alone: bool = False,
        checked: bool = False,
        size: int = 0,
    ) -> Future[T]:
        """Have `work` done; the future is done when its commit is on disk.

        Args:
            work: What to do; whatever it raises undoes only what it did.
            lane: Whose work it is: an organization's id.
            alone: Whether it runs outside a transaction.
            checked: Whether it is expected to raise nothing. Then it is tried without a
                savepoint, for which SQLite copies each page that is touched.
            size: About how many bytes it writes, where they may be many.
        """
        job = _Job(work, Future(), lane, alone, checked, size)
        with self._wake:
            if self._closed:
                raise StoreError("The store is closing.")
            self._waiting.put(job)
            self._wake.notify()
        return job.done

    @property
    def fitting_bytes(self) -> int:
        """About how many bytes a job may bring to be written and synced in time.

        0 before the first: it is not known yet.
        """
        return int(SHARED_S / self._byte_s) if self._byte_s else 0

    def settle(self) -> None:
        """Wait while a checkpoint is under way: before a write that is in no hurry."""
        self._checkpointer.wait()

    def give_way(self) -> None:
        """Wait a moment while a turn is under way: for reading that is in no hurry.

        A thread that computes takes the interpreter's lock at each statement of the
        writer, which then waits for it, longer than its statements take.
        """
        self._idle.wait(GIVE_WAY_S)

    def close(self) -> None:
        """Finish what is waiting, then close the connection."""
        self._checkpointer.close()
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join()
        self._connection.close()

    def _submit_checkpoint(
        self, work: Callable[[apsw.Connection], bool]
    ) -> Future[bool]:
        return self.submit(work, alone=True)

    def _run(self) -> None:
        while self._wait():
            self._idle.clear()
            self._began = self._clock()
            done: list[tuple[_Job, Any]] = []
            try:
                with translated(self._path):
                    try:
                        self._do(done)
                    except _NotChecked:
                        done = self._do_again([job for job, _ in done])
            except BaseException as error:  # noqa: BLE001  told to each that waits
                self.undone += 1
                done = [(job, error) for job, _ in done]
            took = self._clock() - self._began
            _TURNS.observe(took)
            if (size := _size_of(done)) >= _TELLING_BYTES:
                self._byte_s = max(took / size, _MEMORY * self._byte_s)
            self._tell(done)
            self._idle.set()
            if self._yields or took > SHARED_S:
                time.sleep(PAUSE_S)

    def _wait(self) -> bool:
        """Wait for work; False means the end."""
        with self._wake:
            self._wake.wait_for(lambda: self._waiting or self._closed)
            return bool(self._waiting)

    def _tell(self, done: list[tuple[_Job, Any]]) -> None:
        """Hand out the results; keep a failure of the store until a write succeeds."""
        for job, result in done:
            self.failure = result if isinstance(result, StoreError) else None
            if isinstance(result, BaseException):
                job.done.set_exception(result)
            else:
                job.done.set_result(result)
        for lane in {job.lane for job, _ in done if job.lane}:
            self._committed(lane)

    def _do(self, done: list[tuple[_Job, Any]]) -> None:
        """Do one job alone, or all that can share a commit; `done` tells how far."""
        first = self._take(done)
        if first is None:
            return
        if first.alone:
            done[-1] = first, first.work(self._connection)
            return
        with transaction(self._connection):
            # Before, it may have waited for another process.
            self._began = self._clock()
            done[-1] = first, self._attempt(first)
            while self._has_room(done):
                job = self._take(done)
                if job is not None:
                    done[-1] = job, self._attempt(job)

    def _do_again(self, jobs: list[_Job]) -> list[tuple[_Job, Any]]:
        """Do the jobs of a commit that was undone, each in a savepoint."""
        self.undone += 1
        with transaction(self._connection):
            return [(job, self._attempt(job, careful=True)) for job in jobs]

    def _has_room(self, done: list[tuple[_Job, Any]]) -> bool:
        """Tell whether the next job may join the commit."""
        with self._wake:
            if not self._waiting:
                return False
            job = self._waiting.next()
            alone = len(self._waiting) == 1 and not self._yields
        shared = any(other.lane != job.lane for other, _ in done)
        if job.alone or (shared and job.size >= LARGE_BYTES):
            return False
        longest = ALONE_S if alone else SHARED_S
        # With this job, if it takes as long as the others did, or its bytes do.
        by_job = (self._clock() - self._began) * (1 + 1 / len(done))
        size = _size_of(done) + job.size
        in_time = max(by_job, size * self._byte_s) < longest
        return in_time and size <= COMMIT_BYTES and len(done) < GROUP_MAX

    def _take(self, done: list[tuple[_Job, Any]]) -> _Job | None:
        """Take the next job and note it in `done`; None if nobody waits for it."""
        with self._wake:
            job = self._waiting.take()
        if not job.done.set_running_or_notify_cancel():
            return None
        done.append((job, None))
        return job

    def _attempt(self, job: _Job, *, careful: bool = False) -> Any:
        """Do a job in a savepoint; return its result, or what it raised.

        Whatever a job raises undoes its own work. Only a failure of the engine leaves
        this function, and undoes all that shares the commit; and what a job raises that
        had no savepoint, so that all are done again, with one.
        """
        bare = job.checked and not careful
        try:
            with contextlib.nullcontext() if bare else self._connection:
                return job.work(self._connection)
        except BaseException as error:
            if isinstance(error, _ENGINE_ERRORS) or not self._connection.in_transaction:
                raise
            if bare:
                raise _NotChecked from error
            return error
