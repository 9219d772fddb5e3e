"""Contacts as numbers: those that are known, and those that are added."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from footfall.store.relational.session import Row

# Runs a bulk statement; see `Session.run_bulk`.
RunBulk = Callable[[str, Sequence[Sequence[Any]]], list[Row]]


def find_contacts(run_bulk: RunBulk, keys: Iterable[bytes]) -> dict[bytes, int]:
    """Return the numbers of the contacts that are known, by what stands for them."""
    keys = list(keys)
    rows = run_bulk("contact_numbers", list(enumerate(keys)))
    return {keys[asked]: number for asked, number in rows}


def number_contacts(run_bulk: RunBulk, contacts: Mapping[str, bytes]) -> dict[str, int]:
    """Return the numbers of contacts, and add those that are not there yet.

    Args:
        run_bulk: Runs the statements, inside a transaction that nobody comes between.
        contacts: What stands for each in the index, by their ids.
    """
    known = find_contacts(run_bulk, contacts.values())
    added = [(key, one) for one, key in contacts.items() if key not in known]
    for key, number in run_bulk("add_contacts", added):
        known[bytes(key)] = number
    return {one: known[key] for one, key in contacts.items()}
