"""The event log: events appended to its table."""

from footfall.core.events.structs import NewEvent
from footfall.store import Appended
from footfall.store.postgres.session import PostgresSession
from footfall.store.relational.contacts import number_contacts
from footfall.store.relational.duplicates import sort_out
from footfall.store.relational.offsets import offsets_of


def append(session: PostgresSession, new: list[NewEvent]) -> Appended:
    """Store what is not there yet; the organization's row is locked.

    Nobody else adds to the organization's log meanwhile, so what is looked up holds
    until the commit.
    """
    stored = dict(session.run_bulk("stored", [(event.key,) for event in new]))
    fresh, appended = sort_out(new, stored)
    if fresh:
        _insert(session, fresh)
    return appended


def give_arrivals(session: PostgresSession, count: int) -> range:
    """Return the next arrival numbers of the organization."""
    values = {"organization": session.organization, "count": count}
    newest = int(next(session.run("give_arrivals", values))[0])
    return range(newest - count + 1, newest + 1)


def _insert(session: PostgresSession, fresh: list[NewEvent]) -> None:
    scope = {"organization": session.organization}
    keys = {event.contact: session.keys.contact(event.contact) for event in fresh}
    contacts = {key: contact for contact, key in keys.items()}
    numbers = number_contacts(session.run_bulk, contacts)
    session.run(
        "add_events",
        scope
        | {
            "arrivals": list(give_arrivals(session, len(fresh))),
            "contacts": [numbers[keys[event.contact]] for event in fresh],
            "types": [event.type for event in fresh],
            "created_at": [event.created_at for event in fresh],
            "local_at": [event.local_at for event in fresh],
            "keys": [event.key for event in fresh],
            "bodies": [event.body for event in fresh],
        },
    )
    found = offsets_of([(event.created_at, event.local_at) for event in fresh])
    names = ("day", "quarter", "low", "high")
    session.run_many(
        "add_offset", [scope | dict(zip(names, row, strict=True)) for row in found]
    )
