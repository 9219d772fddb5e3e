"""The event log: events appended to its table."""

from collections.abc import Mapping, Sequence

from footfall.core.events.structs import NewEvent
from footfall.store import Appended
from footfall.store.postgres.session import PostgresSession
from footfall.store.relational.contacts import number_contacts
from footfall.store.relational.duplicates import sort_out
from footfall.store.relational.offsets import offsets_of


def append(
    session: PostgresSession, new: list[NewEvent], known: Mapping[str, int] = {}
) -> Appended:
    """Store what is not there yet; the organization's row is locked.

    Nobody else adds to the organization's log meanwhile, so what is looked up holds
    until the commit.

    Args:
        session: What holds the lock.
        new: The events.
        known: The numbers of contacts that need not be looked for, by their ids.
    """
    stored = dict(session.run_bulk("stored", [(event.key,) for event in new]))
    fresh, appended = sort_out(new, stored)
    if fresh:
        _insert(session, fresh, known)
    return appended


def give_arrivals(session: PostgresSession, count: int) -> range:
    """Return the next arrival numbers of the organization."""
    values = {"organization": session.organization, "count": count}
    newest = int(next(session.run("give_arrivals", values))[0])
    return range(newest - count + 1, newest + 1)


def _insert(
    session: PostgresSession, fresh: list[NewEvent], known: Mapping[str, int]
) -> None:
    contacts = dict.fromkeys(event.contact for event in fresh)
    asked = [one for one in contacts if one not in known]
    numbers = {**known, **_numbers_of(session, asked)}
    session.run(
        "add_events",
        {
            "organization": session.organization,
            "arrivals": list(give_arrivals(session, len(fresh))),
            "contacts": [numbers[event.contact] for event in fresh],
            "types": [event.type for event in fresh],
            "created_at": [event.created_at for event in fresh],
            "local_at": [event.local_at for event in fresh],
            "keys": [event.key for event in fresh],
            "bodies": [event.body for event in fresh],
        },
    )
    offsets = offsets_of([(event.created_at, event.local_at) for event in fresh])
    session.run_bulk("add_offsets", offsets)


def _numbers_of(session: PostgresSession, contacts: Sequence[str]) -> dict[str, int]:
    """Return the numbers of contacts; those that are not there yet are added.

    Nobody else retires or adds one while the cache holds: an erasure gives the
    organization's row another version.
    """
    cached = {} if session.cache is None else session.cache.contacts
    unknown = {one: session.keys.contact(one) for one in contacts if one not in cached}
    cached |= number_contacts(session.run_bulk, unknown)
    return {one: cached[one] for one in contacts}
