"""Erasure: a contact gone from all answers at once, and from the tables in steps.

The first step retires the contact's number: nothing leads to it any more, so what is
sent of the contact later makes a new one. It also writes down what is still to be done
(table `erasure`), which any server completes after a crash. The steps that follow
delete a bounded number of rows each, so that the organization's other writes get their
turn between. What must be looked for (observations, rejections) is looked for beside
the writer. What deleted rows leave in tables and indexes, vacuum takes away; see
`Eraser`.
"""

import functools
import re
import secrets

import msgspec

from footfall.core import observations
from footfall.core.instants import HOUR
from footfall.errors import ContactUnknown
from footfall.store.postgres.observations import prefixes
from footfall.store.postgres.session import PostgresSession
from footfall.store.relational.erasure import Runner, pseudonyms
from footfall.store.relational.traces import (
    Subject,
    digests_of,
    pattern,
    rejections_of,
    sliced,
    subjects_of,
    words_of,
)

# What one step deletes at most.
STEP_ROWS = 1_000
STEP_BATCHES = 10
# What is read at once beside the writer.
SCAN_REJECTIONS = 500
# As long as a contact's key.
_KEY_BYTES = 16


class Search(msgspec.Struct, frozen=True):
    """What to look for, since nothing leads to it once the contact is retired.

    Attributes:
        words: The contact's id, identities and names.
        subjects: What observations hold of it.
        batches: The newest batch of observations when the erasure began.
    """

    words: list[str]
    subjects: list[Subject]
    batches: int


class Begun(msgspec.Struct, frozen=True):
    """An erasure: its number, and the number that its contact had."""

    number: int
    contact: int


def begin(session: PostgresSession, contact: str) -> list[Begun]:
    """Retire a contact and the pseudonyms of its devices, and note what is to be done.

    Raises:
        ContactUnknown: It was never seen.
    """

    def find(name: str) -> int | None:
        values = {"organization": session.organization}
        key = {"key": session.keys.contact(name)}
        [number] = next(session.run("contact", values | key), (None,))
        return number

    person = find(contact)
    if person is None:
        raise ContactUnknown("This organization has never seen this contact.")
    values = {"organization": session.organization, "contact": person}
    former = pseudonyms(person, session.run("devices", values), find)
    begun = [_retire(session, number) for number in (person, *former)]
    if session.cache is not None:
        session.cache.clear()
    return begun


def _retire(session: PostgresSession, contact: int) -> Begun:
    values = {"organization": session.organization, "contact": contact}
    search = msgspec.json.encode(_search(session, contact))
    [(number,)] = session.run("add_erasure", values | {"search": search})
    session.run("retire_contact", values | {"key": secrets.token_bytes(_KEY_BYTES)})
    for statement in (
        "forget_profiles",
        "delete_identities",
        "delete_own_reattributions",
        "delete_ownerships",
    ):
        session.run(statement, values)
    return Begun(number, contact)


def _search(session: PostgresSession, contact: int) -> Search:
    values = {"organization": session.organization, "contact": contact}
    key, name = next(session.run("contact_row", values))
    profile = next(session.run("profile", values), (None,))[0]
    subjects = subjects_of(key, session.run("erased_devices", values))
    [(newest,)] = session.run("newest_batch", values)
    return Search(words_of(name or "", profile), subjects, newest)


def count(session: PostgresSession, begun: Begun) -> dict[int, int]:
    """Return how many events of each type there are still."""
    values = {"organization": session.organization, "contact": begun.contact}
    return dict(session.run("count_types", values))


def complete(runner: Runner[PostgresSession], begun: Begun) -> None:
    """Do all the steps that are left; what is done already is not done again."""
    steps = [
        functools.partial(_erase_events, contact=begun.contact),
        *(
            functools.partial(_delete, statement=statement, contact=begun.contact)
            for statement in ("erase_deliveries", "erase_withdrawals", "erase_stays")
        ),
    ]
    for step in steps:
        while runner.write(step):
            pass
    search = runner.read(functools.partial(_search_of, begun=begun))
    if search is not None:
        _erase_observations(runner, search)
        _erase_rejections(runner, search)
    runner.write(functools.partial(_end, begun=begun))


def _erase_events(session: PostgresSession, contact: int) -> bool:
    """Delete some events, and note their hours for analytics; False at the end."""
    scope = {"organization": session.organization, "contact": contact}
    rows = list(session.run("erase_events", scope | {"limit": STEP_ROWS}))
    hours = {(contact, kind, created_at // HOUR) for kind, created_at in rows}
    session.run_bulk("note_analytics_removals", sorted(hours))
    return bool(rows)


def _delete(session: PostgresSession, statement: str, contact: int) -> bool:
    """Delete some rows; False if there were none."""
    values = {"organization": session.organization, "contact": contact}
    [(count,)] = session.run(statement, values | {"limit": STEP_ROWS})
    return bool(count)


def _end(session: PostgresSession, begun: Begun) -> None:
    values = {"organization": session.organization, "number": begun.number}
    session.run("end_erasure", values)


def _search_of(session: PostgresSession, begun: Begun) -> Search | None:
    """Return what to look for; None if another server has done so."""
    values = {"organization": session.organization, "number": begun.number}
    [body] = next(session.run("erasure_search", values), (None,))
    return None if body is None else msgspec.json.decode(body, type=Search)


def _erase_observations(runner: Runner[PostgresSession], search: Search) -> None:
    subjects = prefixes(one.digest for one in search.subjects)

    def find(session: PostgresSession) -> list[int]:
        scope = {"organization": session.organization}
        asked = {"subjects": subjects, "until": search.batches}
        return [row[0] for row in session.run("batches_with", scope | asked)]

    for some in sliced(runner.read(find), STEP_BATCHES):
        runner.write(functools.partial(_blank, numbers=some, subjects=search.subjects))


def _blank(
    session: PostgresSession, numbers: list[int], subjects: list[Subject]
) -> None:
    scope = {"organization": session.organization}
    found = session.run("batch_records", scope | {"numbers": numbers})
    for number, records in found:
        left = records
        for one in subjects:
            left = observations.blank(left, one.digest, one.since, one.until)
        if left != records:
            still = prefixes(one.subject for one in observations.unpack(left))
            values = {"number": number, "records": left, "subjects": still}
            session.run("put_records", scope | values)


def _erase_rejections(runner: Runner[PostgresSession], search: Search) -> None:
    names, devices = pattern(search.words), digests_of(search.subjects)
    after: int | None = 0
    while after is not None:
        after, found = runner.read(
            functools.partial(_named, after=after, names=names, devices=devices)
        )
        if found:
            runner.write(functools.partial(_delete_rejections, numbers=found))


def _named(
    session: PostgresSession, after: int, names: re.Pattern[str], devices: set[str]
) -> tuple[int | None, list[int]]:
    """Return how far this looked, None at the end, and the rejections it found."""
    values = {"after": after, "limit": SCAN_REJECTIONS}
    scope = {"organization": session.organization}
    rows = list(session.run("rejections_after", scope | values))
    found = rejections_of(rows, names, devices)
    return (rows[-1][0] if rows else None), found


def _delete_rejections(session: PostgresSession, numbers: list[int]) -> None:
    scope = {"organization": session.organization}
    rows = [scope | {"number": number} for number in numbers]
    session.run_many("delete_rejection", rows)
