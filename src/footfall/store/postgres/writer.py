"""The writer: the waiting writes of an organization in one transaction.

A commit costs the same for one write as for many, so while one is under way, the writes
of the same organization that arrive meanwhile wait and share the next. Organizations
do not wait for each other. The lock on the organization's row puts the writes of all
servers in one order.
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import msgspec
from psycopg_pool import ConnectionPool

from footfall.errors import StoreError
from footfall.store.postgres.connections import Connection, is_broken, translated
from footfall.store.postgres.organizations import Numbers
from footfall.store.postgres.session import PostgresSession
from footfall.store.postgres.statements import SQL
from footfall.store.relational.cache import PresenceCache, PresenceCaches
from footfall.store.relational.keys import Keys
from footfall.store.relational.session import Registries

T = TypeVar("T")
THREADS = 8
GROUP_MAX = 64


class _Job(msgspec.Struct, frozen=True):
    """A write and the future of its result."""

    work: Callable[[PostgresSession], Any]
    done: Future[Any]
    versioned: bool
    checked: bool


class _NotChecked(Exception):
    """A job that was said to be checked raised something."""


class Writer:
    """Does writes on threads of its own; `submit` may be called from any thread."""

    def __init__(
        self,
        pool: ConnectionPool[Connection],
        keys: Keys,
        registries: Registries,
        numbers: Numbers,
        committed: Callable[[str], None],
    ):
        """Start the threads.

        Args:
            pool: What to write on.
            keys: What opens the organizations' keys.
            registries: What is remembered of what is registered.
            numbers: What is remembered of organizations' numbers.
            committed: Called with each organization of which something was written.
        """
        self._pool = pool
        self._keys = keys
        self._registries = registries
        self._numbers = numbers
        self._committed = committed
        self._caches = PresenceCaches()
        self._lanes: OrderedDict[str, deque[_Job]] = OrderedDict()
        self._busy: set[str] = set()
        self._wake = threading.Condition()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._run, name=f"footfall-writer-{number}")
            for number in range(THREADS)
        ]
        for thread in self._threads:
            thread.start()

    def submit(
        self,
        organization: str,
        work: Callable[[PostgresSession], T],
        *,
        versioned: bool = False,
        checked: bool = False,
    ) -> Future[T]:
        """Have `work` done; the future is done when its commit is on disk.

        Args:
            organization: Its id.
            work: What to do. Whatever it raises undoes only what it did. It is done
                again where the connection broke before the commit.
            versioned: Whether the organization gets another version by it.
            checked: Whether it is expected to raise nothing. Then it is tried without a
                savepoint, which takes two more trips to the database.
        """
        job = _Job(work, Future(), versioned, checked)
        with self._wake:
            if self._closed:
                raise StoreError("The store is closing.")
            self._lanes.setdefault(organization, deque()).append(job)
            self._wake.notify()
        return job.done

    def close(self) -> None:
        """Finish what is waiting."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while (taken := self._take()) is not None:
            organization, jobs = taken
            try:
                with translated():
                    try:
                        results = self._do(organization, jobs)
                    except _NotChecked:
                        results = self._do(organization, jobs, careful=True)
            except BaseException as error:  # noqa: BLE001  told to each that waits
                results = [error] * len(jobs)
            with self._wake:
                self._busy.discard(organization)
                self._wake.notify()
            for job, result in zip(jobs, results, strict=True):
                if isinstance(result, BaseException):
                    job.done.set_exception(result)
                else:
                    job.done.set_result(result)
            if not all(isinstance(result, BaseException) for result in results):
                self._committed(organization)

    def _take(self) -> tuple[str, list[_Job]] | None:
        """Take the jobs of the organization whose turn it is; None at the end."""
        with self._wake:
            while True:
                free = (name for name in self._lanes if name not in self._busy)
                organization = next(free, None)
                if organization is not None:
                    break
                if self._closed and not self._lanes:
                    self._wake.notify_all()
                    return None
                self._wake.wait()
            waiting = self._lanes.pop(organization)
            some = [waiting.popleft() for _ in range(min(len(waiting), GROUP_MAX))]
            if waiting:
                self._lanes[organization] = waiting
            self._busy.add(organization)
        return organization, [
            job for job in some if job.done.set_running_or_notify_cancel()
        ]

    def _do(
        self, organization: str, jobs: list[_Job], *, careful: bool = False
    ) -> list[Any]:
        """Do the jobs in one transaction; once more if the connection breaks before.

        Each has a savepoint if it needs one, or if they are done carefully.
        """
        again = True
        while True:
            committing = False
            try:
                with self._pool.connection() as connection:
                    with connection.transaction():
                        session, cache = self._lock(connection, organization)
                        version = cache.version
                        results = [
                            job.work(session)
                            if len(jobs) == 1
                            else self._attempt(session, job, careful=careful)
                            for job in jobs
                        ]
                        if any(job.versioned for job in jobs):
                            version = self._next_version(session)
                        committing = True
                    cache.version = version
                    return results
            except BaseException as error:
                with self._wake:
                    self._caches.clear()
                if committing or not again or not is_broken(error):
                    raise
                again = False
                self._pool.check()

    def _lock(
        self, connection: Connection, organization: str
    ) -> tuple[PostgresSession, PresenceCache]:
        """Lock the organization's row, first of all."""
        number = self._numbers.of(connection, organization)
        values = {"organization": number}
        locked = connection.execute(SQL["lock_organization"], values, binary=True)
        [(version,)] = locked.fetchall()
        with self._wake:
            cache = self._caches.of(number)
        # What is remembered holds if nobody changed it since it was.
        cache.renew(version)
        session = PostgresSession(
            connection, number, organization, self._keys, self._registries, cache
        )
        return session, cache

    def _next_version(self, session: PostgresSession) -> int:
        values = {"organization": session.organization}
        return int(next(session.run("next_version", values))[0])

    def _attempt(self, session: PostgresSession, job: _Job, *, careful: bool) -> Any:
        """Do a job beside others; return its result, or what it raised and undid."""
        bare = job.checked and not careful
        try:
            if bare:
                return job.work(session)
            with session.connection.transaction():
                return job.work(session)
        except BaseException as error:
            if is_broken(error):
                raise
            if bare:
                raise _NotChecked from error
            if session.cache is not None:
                session.cache.clear()
            return error
