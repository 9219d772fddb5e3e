"""Erasure: a contact gone from all answers at once, and from the bytes in steps.

The first step retires the contact's number: nothing leads to it any more, so what is
sent of the contact later makes a new one. It also writes down what is still to be done
(table `erasure`), which is completed after a crash. The steps that follow overwrite
and delete a bounded number of rows each, so that other writes get their turn between.
What must be looked for (observations, rejections) is looked for beside the writer.
"""

import functools
import secrets
from typing import Any, Protocol, TypeVar, cast

import apsw
import msgspec

from footfall.core import observations
from footfall.store.relational.erasure import Runner
from footfall.store.relational.traces import (
    Subject,
    digests_of,
    pattern,
    rejections_of,
    sliced,
    subjects_of,
    words_of,
)
from footfall.store.sqlite.statements import SQL

T = TypeVar("T")
# How many rows a step has, so that it takes some 30 ms with its sync. It depends on the
# store: where the neighbours of a row are others' rows, deleting it changes ten pages.
STEP_S = 0.03
ROWS_FIRST, ROWS_MIN, ROWS_MAX = 50, 10, 100
# What else one step writes at most.
STEP_BYTES = 2 * 1024 * 1024
STEP_BATCHES = 10
# What is read at once beside the writer.
SCAN_BATCHES = 200
SCAN_REJECTIONS = 500


class Search(msgspec.Struct, frozen=True):
    """What to look for, since nothing leads to it once the contact is retired.

    Attributes:
        key: What stood for the contact's id in the index.
        words: The contact's id, identities and names.
        subjects: What observations hold of it.
        batches: The newest batch of observations when the erasure began.
    """

    key: bytes
    words: list[str]
    subjects: list[Subject]
    batches: int = msgspec.field(name="blocks")  # as older schemas have it


class Steps(Runner[apsw.Connection], Protocol):
    """A runner that says how many rows the next step may have."""

    @property
    def rows(self) -> int:
        """How many."""


class Begun(msgspec.Struct, frozen=True):
    """An erasure: its number, whose, and its entry in the journal."""

    number: int
    organization: int
    contact: int
    entry: bytes


def begin(
    connection: apsw.Connection,
    organization: int,
    contact: int,
    entry: bytes | None = None,
) -> Begun:
    """Retire a contact, and write down what is still to be done.

    Args:
        connection: Inside a transaction.
        organization: Its number.
        contact: Its number.
        entry: The erasure's id in the journal, if it has one.
    """
    entry = entry or secrets.token_bytes(16)
    search = _search(connection, organization, contact)
    values = {
        "organization": organization,
        "contact": contact,
        "entry": entry,
        "body": msgspec.json.encode(search),
    }
    number = int(connection.execute(SQL["add_erasure"], values).get)
    for name in (
        "wipe_contact",
        "delete_identities",
        "delete_own_reattributions",
        "delete_ownerships",
    ):
        connection.execute(SQL[name], {"contact": contact})
    return Begun(number, organization, contact, entry)


def _search(connection: apsw.Connection, organization: int, contact: int) -> Search:
    key, name = next(connection.execute(SQL["contact_row"], {"contact": contact}))
    row = connection.execute(SQL["profile"], {"contact": contact}).fetchone()
    values = {"organization": organization, "contact": contact}
    devices = connection.execute(SQL["erased_devices"], values)
    subjects = subjects_of(key, devices)
    newest = int(connection.execute(SQL["newest_batch"]).get)
    words = words_of(name, bytes(row[0]) if row else None)
    return Search(key, words, subjects, newest)


def count(connection: apsw.Connection, contact: int) -> dict[int, int]:
    """Return how many events of each type there are still."""
    return dict(connection.execute(SQL["count_types"], {"contact": contact}))


def unfinished(connection: apsw.Connection, state: int) -> list[Begun]:
    """Return the erasures that a crash, or a long read, left in a state."""
    rows = connection.execute(SQL["erasures_in_state"], {"state": state})
    return [Begun(*row) for row in rows]


def identity(connection: apsw.Connection, begun: Begun) -> tuple[str, bytes]:
    """Return whose erasure it is: the organization's id, and the contact's old key."""
    values = {"organization": begun.organization}
    organization = str(connection.execute(SQL["organization_id"], values).get)
    search = _search_of(connection, begun)
    return organization, b"" if search is None else search.key


def complete(runner: Steps, begun: Begun) -> None:
    """Do all the steps that are left; what is done already is not done again."""
    contact = begun.contact
    more = True
    while more:
        rows = runner.rows
        runner.read(functools.partial(_touch_events, contact=contact, rows=rows))
        more = runner.write(
            functools.partial(_erase_events, contact=contact, rows=rows)
        )
    for step in (_erase_withdrawals, _erase_stays, _erase_deliveries):
        while runner.write(functools.partial(step, contact=contact, rows=runner.rows)):
            pass
    _erase_profiles(runner, contact)
    search = runner.read(lambda connection: _search_of(connection, begun))
    if search is not None:
        _erase_observations(runner, begun.organization, search)
        _erase_rejections(runner, begun.organization, search)
    runner.write(functools.partial(_rows, name="wipe_erasure", number=begun.number))


def _rows(connection: apsw.Connection, name: str, **values: Any) -> list[Any]:
    return connection.execute(SQL[name], values).fetchall()


def _search_of(connection: apsw.Connection, begun: Begun) -> Search | None:
    values = {"number": begun.number}
    body = bytes(connection.execute(SQL["erasure_body"], values).get)
    return msgspec.json.decode(body, type=Search) if any(body) else None


def _touch_events(connection: apsw.Connection, contact: int, rows: int) -> None:
    """Have the pages in memory that the next step changes, beside the writer."""
    values = {"contact": contact, "limit": rows}
    found = connection.execute(SQL["erased_events"], values).fetchall()
    touched = [(arrival,) for arrival, _ in found]
    connection.executemany(SQL["touch_event"], touched).fetchall()


def _erase_events(connection: apsw.Connection, contact: int, rows: int) -> bool:
    name = "erased_events"
    return _erase_bodies(connection, name, "delete_event", contact, rows, counted=True)


def _erase_withdrawals(connection: apsw.Connection, contact: int, rows: int) -> bool:
    name = "erased_withdrawals"
    return _erase_bodies(connection, name, "delete_withdrawal", contact, rows)


def _erase_bodies(
    connection: apsw.Connection,
    select: str,
    drop: str,
    contact: int,
    rows: int,
    *,
    counted: bool = False,
) -> bool:
    """Overwrite bodies and delete what leads to them; False if there were none.

    Where analytics has `counted` them, it is told from which hours they go.
    """
    values = {"contact": contact, "limit": rows}
    arrivals: list[tuple[int]] = []
    size = 0
    for arrival, length in connection.execute(SQL[select], values):
        arrivals.append((arrival,))
        size += length
        if size > STEP_BYTES:
            break
    if counted:
        numbers = msgspec.json.encode([number for (number,) in arrivals]).decode()
        connection.execute(SQL["note_analytics_removals"], {"numbers": numbers})
    connection.executemany(SQL["wipe_body"], arrivals)
    connection.executemany(SQL[drop], arrivals)
    return bool(arrivals)


def _erase_stays(connection: apsw.Connection, contact: int, rows: int) -> bool:
    values = {"contact": contact, "limit": rows}
    found = connection.execute(SQL["erased_stays"], values).fetchall()
    stays = [{"stay": number} for (number,) in found]
    connection.executemany(SQL["delete_end"], stays)
    connection.executemany(SQL["delete_stay"], stays)
    return bool(stays)


def _erase_deliveries(connection: apsw.Connection, contact: int, rows: int) -> bool:
    values = {"contact": contact, "limit": rows}
    found = connection.execute(SQL["erased_deliveries"], values).fetchall()
    requests = [{"number": number} for _, number in found]
    connection.executemany(SQL["wipe_answer"], requests)
    deliveries = [{"number": number} for number, _ in found]
    connection.executemany(SQL["delete_delivery"], deliveries)
    return bool(found)


def _erase_profiles(runner: Steps, contact: int) -> None:
    after: int | None = 0
    while after is not None:
        step = functools.partial(_wipe, contact=contact, after=after, rows=runner.rows)
        after = runner.write(step)


def _wipe(
    connection: apsw.Connection, contact: int, after: int, rows: int
) -> int | None:
    values = {"contact": contact, "after": after, "limit": rows}
    numbers = _rows(connection, "erased_profiles", **values)
    connection.executemany(SQL["wipe_profile"], numbers)
    return numbers[-1][0] if numbers else None


def _erase_observations(runner: Steps, organization: int, search: Search) -> None:
    digests = sorted(digests_of(search.subjects))
    subjects = msgspec.json.encode(digests).decode()
    for after in range(0, search.batches, SCAN_BATCHES):
        numbers = runner.read(
            functools.partial(
                _rows,
                name="batches_with",
                organization=organization,
                subjects=subjects,
                after=after,
                until=min(after + SCAN_BATCHES, search.batches),
            )
        )
        for some in sliced(numbers, STEP_BATCHES):
            step = functools.partial(_blank, numbers=some, subjects=search.subjects)
            runner.write(step)


def _blank(
    connection: apsw.Connection, numbers: list[Any], subjects: list[Subject]
) -> None:
    found = connection.executemany(SQL["batch_records"], numbers).fetchall()
    for number, sent in found:
        records = bytes(cast("bytes", sent))
        for one in subjects:
            records = observations.blank(records, one.digest, one.since, one.until)
        # Of the same length, so it takes the same cell.
        connection.execute(SQL["put_records"], (records, number))


def _erase_rejections(runner: Steps, organization: int, search: Search) -> None:
    names, devices = pattern(search.words), digests_of(search.subjects)
    after = 0
    while True:
        rows = runner.read(
            functools.partial(
                _rows,
                name="rejections_after",
                organization=organization,
                after=after,
                limit=SCAN_REJECTIONS,
            )
        )
        if not rows:
            return
        after = rows[-1][0]
        for some in sliced(rejections_of(rows, names, devices), runner.rows):
            runner.write(functools.partial(_delete_rejections, numbers=some))


def _delete_rejections(connection: apsw.Connection, numbers: list[int]) -> None:
    rows = [{"number": number} for number in numbers]
    connection.executemany(SQL["delete_rejection"], rows)
