"""The eraser: carries erasures through, from the request to the last byte.

The steps are those of `erasure`; the writer does them one at a time, between other
writes. Here is what comes before and after: the journal, so that a restore does not
undo them, and the WAL, which is emptied last.
"""

import functools
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import apsw

from footfall.core.pacing import Pace
from footfall.errors import ContactUnknown, StoreError, StoreFull
from footfall.store import Erased
from footfall.store.relational.erasure import going_on, pseudonyms
from footfall.store.relational.keys import Keys
from footfall.store.sqlite import erasure
from footfall.store.sqlite.ballast import Ballast
from footfall.store.sqlite.connections import Readers, is_full, transaction, translated
from footfall.store.sqlite.erasure import Begun
from footfall.store.sqlite.event_log import find_contact, number_of
from footfall.store.sqlite.journal import Erasure, Journal
from footfall.store.sqlite.statements import SQL
from footfall.store.sqlite.wal import empty_wal
from footfall.store.sqlite.writer import Writer

T = TypeVar("T")
_THREADS = 2
# Somebody reads or writes nearly always, but seldom for longer than this.
_TRIES = 20
_PAUSE_S = 0.02


class Eraser:
    """Does erasures on threads of its own."""

    def __init__(
        self,
        path: Path,
        writer: Writer,
        readers: Readers,
        ballast: Ballast,
        journal: Journal,
        keys: Keys,
    ):
        self._path = path
        self._writer = writer
        self._readers = readers
        self._ballast = ballast
        self._journal = journal
        self._keys = keys
        self._pace = Pace(
            erasure.ROWS_FIRST,
            least=erasure.ROWS_MIN,
            most=erasure.ROWS_MAX,
            within_s=erasure.STEP_S,
        )
        self._threads = ThreadPoolExecutor(_THREADS, "footfall-erasure")
        self._closing = threading.Event()
        self._under_way: set[int] = set()

    def erase(
        self, organization: str, contact: str, retired: Callable[[], None]
    ) -> Future[Erased]:
        """See `Store.erase`; `retired` is called in the writer with the first step."""
        return self._threads.submit(self._erase, organization, contact, retired)

    def finish(self, *, resume: bool) -> Future[bool]:
        """See `Store.finish_erasures`."""
        return self._threads.submit(self._finish, resume)

    def empty_wal(self) -> bool:
        """Empty the WAL beside the writer; True if somebody reads for too long."""
        with translated(self._path):
            for _ in range(_TRIES):
                if not self._making_room(
                    lambda: empty_wal(self._path, self._writer.sync)
                ):
                    return False
                if self._closing.wait(_PAUSE_S):
                    break
        return True

    def close(self) -> None:
        """Stop after the step that is being done; the next start does the others."""
        self._closing.set()
        self._threads.shutdown()

    def write(self, step: Callable[[apsw.Connection], T]) -> T:
        """See `Runner.write`."""
        if self._closing.is_set():
            raise StoreError("The store is closing.")

        def whole(connection: apsw.Connection) -> T:
            began = time.monotonic()
            with transaction(connection):
                done = step(connection)
            self._pace.take_in(time.monotonic() - began)
            return done

        # A step touches pages all over the file; a checkpoint must keep up with them.
        self._writer.settle()
        return self._writer.submit(
            lambda connection: self._making_room(lambda: whole(connection)), alone=True
        ).result()

    @property
    def rows(self) -> int:
        """See `Steps.rows`."""
        return self._pace.size

    def read(self, look: Callable[[apsw.Connection], T]) -> T:
        """See `Runner.read`."""
        with self._readers.snapshot() as connection:
            return look(connection)

    def _erase(
        self, organization: str, contact: str, retired: Callable[[], None]
    ) -> Erased:
        def retire(connection: apsw.Connection) -> list[Begun]:
            number = number_of(connection, organization)

            def find(name: str) -> int | None:
                return find_contact(connection, number, self._keys.contact(name))

            person = find(contact)
            if person is None:
                raise ContactUnknown("This organization has never seen this contact.")
            devices = connection.execute(SQL["devices"], {"contact": person}).fetchall()
            former = pseudonyms(person, devices, find)
            begun = [
                erasure.begin(connection, number, one) for one in (person, *former)
            ]
            connection.execute(SQL["next_version"], {"organization": number})
            retired()
            self._under_way.update(one.number for one in begun)
            return begun

        begun = self.write(retire)
        counts: Counter[int] = Counter()
        try:
            with going_on():
                for one in begun:
                    self._note(one)
                for one in begun:
                    counts.update(self.read(functools.partial(_count, begun=one)))
                    erasure.complete(self, one)
        finally:
            self._under_way.difference_update(one.number for one in begun)
        return Erased(dict(counts), self._leave_nothing(begun))

    def _leave_nothing(self, done: list[Begun]) -> bool:
        """Empty the WAL and note that these are over; True if it must wait."""
        if self.empty_wal():
            return True
        numbers = [(one.number,) for one in done]
        self.write(lambda c: c.executemany(SQL["end_erasure"], numbers).fetchall())
        return False

    def _finish(self, resume: bool) -> bool:  # noqa: FBT001  passed to a thread
        if resume:
            for begun in self.read(lambda c: erasure.unfinished(c, 0)):
                if begun.number not in self._under_way:
                    self._note(begun)
                    erasure.complete(self, begun)
        done = self.read(lambda c: erasure.unfinished(c, 1))
        return bool(done) and self._leave_nothing(done)

    def _note(self, begun: Begun) -> None:
        """Note an erasure in the journal; twice is once."""
        organization, key = self.read(lambda c: erasure.identity(c, begun))
        # Without a key another process has carried it through, and noted it.
        if key:
            entry = Erasure(begun.entry, organization, key)
            self._making_room(lambda: self._journal.append(entry))

    def _making_room(self, work: Callable[[], T]) -> T:
        """Do it, on a full disk once more in the ballast's place."""
        try:
            return work()
        except (apsw.Error, StoreFull) as error:
            if not isinstance(error, StoreFull) and not is_full(error):
                raise
        with self._ballast.given_up():
            return work()


def _count(connection: apsw.Connection, begun: Begun) -> dict[int, int]:
    return erasure.count(connection, begun.contact)
