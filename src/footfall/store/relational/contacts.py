"""Contacts as numbers: those that are known, and those that are added."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from footfall.store.relational.session import Row

# Runs a bulk statement; see `Session.run_bulk`.
RunBulk = Callable[[str, Sequence[Sequence[Any]]], list[Row]]


def number_contacts(run_bulk: RunBulk, contacts: Mapping[str, bytes]) -> dict[str, int]:
    """Return the numbers of contacts, and add those that are not there yet.

    Args:
        run_bulk: Runs the statements, inside a transaction that nobody comes between.
        contacts: What stands for each in the index, by their ids.
    """
    asked = [(key,) for key in contacts.values()]
    known = {bytes(key): number for key, number in run_bulk("contact_numbers", asked)}
    added = [(key, one) for one, key in contacts.items() if key not in known]
    for key, number in run_bulk("add_contacts", added):
        known[bytes(key)] = number
    return {one: known[key] for one, key in contacts.items()}
