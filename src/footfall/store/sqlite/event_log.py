"""The event log: events appended to its tables."""

import apsw

from footfall.core.events.structs import NewEvent
from footfall.errors import OrganizationUnknown
from footfall.store import Appended
from footfall.store.relational.duplicates import sort_out
from footfall.store.relational.keys import Keys
from footfall.store.relational.offsets import offsets_of
from footfall.store.sqlite.arrivals import give_arrivals
from footfall.store.sqlite.statements import SQL
from footfall.store.sqlite.summaries import add_summaries


class Rows:
    """Events as rows: made where they are sent, so that the writer only writes."""

    def __init__(self, new: list[NewEvent], keys: Keys):
        self.new = new
        self.keys = keys
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


def log_of(connection: apsw.Connection, organization: str) -> tuple[int, int]:
    """Return an organization's number and its newest arrival number.

    Raises:
        OrganizationUnknown: There is none.
    """
    row = connection.execute(SQL["organization_log"], {"id": organization}).fetchone()
    if row is None:
        raise OrganizationUnknown(f"There is no organization {organization}.")
    return row[0], row[1]


def find_contact(
    connection: apsw.Connection, organization: int, key: bytes
) -> int | None:
    """Return the number of a contact by its digest; None if it was never seen."""
    values = {"organization": organization, "key": key}
    row = connection.execute(SQL["contact"], values).fetchone()
    return None if row is None else int(row[0])


def append(connection: apsw.Connection, number: int, rows: Rows) -> Appended:
    """Insert all at once; where an id is there already, those that are new."""
    try:
        with connection:
            contacts = [
                {"organization": number, "key": key, "id": contact}
                for key, contact in rows.contacts
            ]
            connection.executemany(SQL["add_contact"], contacts)
            _insert(connection, number, rows)
    except apsw.ConstraintError:
        return _append_new(connection, number, rows)
    return Appended(accepted=len(rows.new))


def _insert(connection: apsw.Connection, organization: int, rows: Rows) -> None:
    first = give_arrivals(connection, organization, len(rows.new))
    connection.executemany(
        SQL["add_event"],
        [(at, organization, *row) for at, row in enumerate(rows.rows, first)],
    )
    connection.executemany(
        SQL["add_body"],
        [(at, event.body) for at, event in enumerate(rows.new, first)],
    )
    seen = [(event.type, event.created_at) for event in rows.new]
    add_summaries(connection, "event", organization, first, seen)
    offsets = [(organization, *offset) for offset in rows.offsets]
    connection.executemany(SQL["add_offset"], offsets)


def _append_new(connection: apsw.Connection, organization: int, rows: Rows) -> Appended:
    """Insert what is not there yet; only what is stored makes a contact known."""
    places = [(organization, event.key) for event in rows.new]
    stored = dict(connection.executemany(SQL["stored"], places))
    fresh, appended = sort_out(rows.new, stored)
    if fresh:
        append(connection, organization, Rows(fresh, rows.keys))
    return appended
