"""Erasure: a contact gone from all answers at once, in one transaction.

What the rows leave in tables and indexes, vacuum takes away; see `PostgresStore`.
"""

import secrets

from footfall.core import observations
from footfall.errors import ContactUnknown
from footfall.store.postgres.observations import prefixes
from footfall.store.postgres.session import PostgresSession
from footfall.store.relational.traces import Subject, is_named, pattern, words_of
from footfall.store.transaction import BEGINNING

_END = 2**62
# As long as a contact's key.
_KEY_BYTES = 16


def erase(session: PostgresSession, contact: str) -> dict[int, int]:
    """Erase a contact; returns how many events of each type there were.

    Raises:
        ContactUnknown: It was never seen.
    """
    scope = {"organization": session.organization}
    key = session.keys.contact(contact)
    [row] = list(session.run("contact", scope | {"key": key})) or [None]
    if row is None:
        raise ContactUnknown("This organization has never seen this contact.")
    counts: dict[int, int] = {}
    for number in [int(row[0]), *_pseudonyms(session, int(row[0]))]:
        for kind, count in _erase(session, number).items():
            counts[kind] = counts.get(kind, 0) + count
    session.run("add_erasure", scope)
    if session.cache is not None:
        session.cache.clear()
    return counts


def _pseudonyms(session: PostgresSession, contact: int) -> list[int]:
    """Return the contacts that a person's devices were before it was known."""
    scope = {"organization": session.organization}
    numbers = []
    for device, since, *_ in session.run("devices", scope | {"contact": contact}):
        # Only from a pseudonym is a device inherited from the beginning of time.
        if since == BEGINNING:
            key = session.keys.contact(device.hex())
            numbers += [row[0] for row in session.run("contact", scope | {"key": key})]
    return [number for number in numbers if number != contact]


def _erase(session: PostgresSession, contact: int) -> dict[int, int]:
    values = {"organization": session.organization, "contact": contact}
    key, name = next(session.run("contact_row", values))
    profile = next(session.run("profile", values), (None,))[0]
    subjects = [Subject(key, BEGINNING, _END)]
    for device, since, until, is_first in session.run("erased_devices", values):
        # Before its first owner the device was this person's as far as is known.
        start = BEGINNING if is_first else since
        subjects.append(Subject(device, start, _END if until is None else until))
    session.run("retire_contact", values | {"key": secrets.token_bytes(_KEY_BYTES)})
    for statement in (
        "forget_profiles",
        "delete_identities",
        "delete_own_reattributions",
        "delete_ownerships",
        "erase_answers",
        "erase_deliveries",
        "erase_withdrawals",
        "erase_stays",
    ):
        session.run(statement, values)
    session.run("note_analytics_removals", values)
    counts = dict(session.run("erase_events", values))
    _blank_observations(session, subjects)
    _delete_rejections(session, words_of(name or "", profile), subjects)
    return counts


def _blank_observations(session: PostgresSession, subjects: list[Subject]) -> None:
    scope = {"organization": session.organization}
    asked = {"subjects": prefixes(one.digest for one in subjects)}
    for number, records in session.run("batches_to_blank", scope | asked):
        left = records
        for one in subjects:
            left = observations.blank(left, one.digest, one.since, one.until)
        if left != records:
            still = prefixes(one.subject for one in observations.unpack(left))
            values = {"number": number, "records": left, "subjects": still}
            session.run("put_records", scope | values)


def _delete_rejections(
    session: PostgresSession, words: list[str], subjects: list[Subject]
) -> None:
    scope = {"organization": session.organization}
    names, devices = pattern(words), {one.digest.hex() for one in subjects}
    found = [
        scope | {"number": number}
        for number, reason, body in session.run("all_rejections", scope)
        if is_named(f"{reason}\n{body.decode(errors='replace')}", names, devices)
    ]
    session.run_many("delete_rejection", found)
