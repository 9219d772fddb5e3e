"""The event log: events appended to its tables."""

import apsw

from footfall.core import events
from footfall.core.events import NewEvent
from footfall.errors import OrganizationUnknown
from footfall.store import Appended
from footfall.store.sqlite.keys import Keys
from footfall.store.sqlite.statements import SQL
from footfall.store.sqlite.summaries import add_blocks, offsets_of


class Rows:
    """Events as rows: made where they are sent, so that the writer only writes."""

    def __init__(self, new: list[NewEvent], keys: Keys):
        self.new = new
        self.size = sum(len(event.body) for event in new)
        contacts = {event.contact: keys.contact(event.contact) for event in new}
        self.contacts = [(key, contact) for contact, key in contacts.items()]
        self.rows = [
            (contacts[e.contact], e.type, e.created_at, e.local_at, e.key) for e in new
        ]
        self.offsets = offsets_of([(e.created_at, e.local_at) for e in new])


def number_of(connection: apsw.Connection, organization: str) -> int:
    """Return an organization's number.

    Raises:
        OrganizationUnknown: There is none.
    """
    row = connection.execute(SQL["organization"], {"id": organization}).fetchone()
    if row is None:
        raise OrganizationUnknown(f"There is no organization {organization}.")
    return int(row[0])


def next_arrival(connection: apsw.Connection) -> int:
    """Return the arrival number of what is stored next."""
    return int(connection.execute(SQL["newest"]).get) + 1


def append(connection: apsw.Connection, number: int, rows: Rows) -> Appended:
    """Insert all at once; where an id is there already, one by one."""
    arrival = next_arrival(connection)
    try:
        with connection:
            contacts = [(number, *contact) for contact in rows.contacts]
            connection.executemany(SQL["add_contact"], contacts)
            _insert(connection, number, arrival, rows)
    except apsw.ConstraintError:
        return _append_singly(connection, number, arrival, rows)
    return Appended(accepted=len(rows.new))


def _insert(connection: apsw.Connection, number: int, arrival: int, rows: Rows) -> None:
    connection.executemany(
        SQL["add_event"],
        [(at, number, *row) for at, row in enumerate(rows.rows, arrival)],
    )
    connection.executemany(
        SQL["add_body"],
        [(at, event.body) for at, event in enumerate(rows.new, arrival)],
    )
    _summarise(connection, number, arrival, rows, rows.new)


def _summarise(
    connection: apsw.Connection,
    number: int,
    arrival: int,
    rows: Rows,
    stored: list[NewEvent],
) -> None:
    seen = [(event.type, event.created_at) for event in stored]
    add_blocks(connection, "event", number, arrival, seen)
    offsets = [(number, *offset) for offset in rows.offsets]
    connection.executemany(SQL["add_offset"], offsets)


def _append_singly(
    connection: apsw.Connection, number: int, arrival: int, rows: Rows
) -> Appended:
    duplicates, conflicts, first = 0, [], arrival
    added: list[NewEvent] = []
    for position, (row, event) in enumerate(zip(rows.rows, rows.new, strict=True)):
        stored = connection.execute(SQL["stored"], (number, event.key)).fetchone()
        if stored is None:
            # Only what is stored makes a contact known.
            connection.execute(SQL["add_contact"], (number, row[0], event.contact))
            connection.execute(SQL["add_event"], (arrival, number, *row))
            connection.execute(SQL["add_body"], (arrival, event.body))
            added.append(event)
            arrival += 1
        elif events.same(event.sent, stored[0]):
            duplicates += 1
        else:
            conflicts.append(position)
    _summarise(connection, number, first, rows, added)
    return Appended(arrival - first, duplicates, tuple(conflicts))
