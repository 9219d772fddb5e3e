"""The event log: events appended to its tables."""

from collections.abc import Mapping, Sequence
from typing import Any

import apsw

from footfall.core.events.structs import NewEvent
from footfall.errors import OrganizationUnknown
from footfall.store import Appended
from footfall.store.relational.contacts import number_contacts
from footfall.store.relational.duplicates import sort_out
from footfall.store.relational.keys import Keys
from footfall.store.relational.offsets import offsets_of
from footfall.store.relational.session import Row
from footfall.store.sqlite.arrivals import give_arrivals
from footfall.store.sqlite.bulk import run_bulk
from footfall.store.sqlite.statements import SQL
from footfall.store.sqlite.summaries import add_summaries


class Rows:
    """Events as rows: made where they are sent, so that the writer only writes.

    `known` are the numbers of contacts that are known already, by their ids; `contacts`
    are the others, with what stands for them in the index.
    """

    def __init__(self, new: list[NewEvent], keys: Keys, known: Mapping[str, int] = {}):
        self.new = new
        self.keys = keys
        self.known = known
        self.size = sum(len(event.body) for event in new)
        contacts = dict.fromkeys(event.contact for event in new)
        self.contacts = {one: keys.contact(one) for one in contacts if one not in known}
        self.rows = [(e.contact, e.type, e.created_at, e.local_at, e.key) for e in new]
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
    """Store what is not there yet; only what is stored makes a contact known.

    Nobody else writes meanwhile, so what is looked up holds. Nothing is written before
    all is looked up, so only the engine can fail then, which undoes the commit.
    """
    keys = [(event.key,) for event in rows.new]
    stored = dict(run_bulk(connection, "stored", number, keys))
    if not stored and len(set(keys)) == len(keys):
        _insert(connection, number, rows)
        return Appended(accepted=len(rows.new))
    fresh, appended = sort_out(rows.new, stored)
    if fresh:
        _insert(connection, number, Rows(fresh, rows.keys, rows.known))
    return appended


def _insert(connection: apsw.Connection, organization: int, rows: Rows) -> None:
    def bulk(name: str, some: Sequence[Sequence[Any]]) -> list[Row]:
        return run_bulk(connection, name, organization, some)

    numbers = {**rows.known, **number_contacts(bulk, rows.contacts)}
    first = give_arrivals(connection, organization, len(rows.new))
    events = [
        (at, numbers[contact], *rest)
        for at, (contact, *rest) in enumerate(rows.rows, first)
    ]
    bulk("add_events", events)
    bulk("add_bodies", [(at, event.body) for at, event in enumerate(rows.new, first)])
    seen = [(event.type, event.created_at) for event in rows.new]
    add_summaries(connection, "event", organization, first, seen)
    bulk("add_offsets", rows.offsets)
