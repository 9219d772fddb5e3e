"""Arrival numbers, and the numbers of the rows that have them.

An organization's row gives out its arrival numbers. A row of the log has a number in
the file too, for the bodies of all organizations lie in one heap that only grows at
its end. Both grow together: where an organization's arrivals were stored one behind the
other, both go up by one, so a table of ranges says which number stands for which.
"""

import apsw

from footfall.store.sqlite.statements import SQL


def give_arrivals(connection: apsw.Connection, organization: int, count: int) -> int:
    """Give numbers to rows that are stored now; returns the first row's in the file.

    The rows that follow have the numbers that follow, and so do their arrivals.
    """
    number = int(connection.execute(SQL["newest_row"]).get) + 1
    if count:
        values = {"organization": organization, "count": count}
        newest = int(connection.execute(SQL["give_arrivals"], values).get)
        arrival = newest - count + 1
        values = {"organization": organization, "arrival": arrival, "number": number}
        connection.execute(SQL["add_arrival_range"], values)
    return number


def rows_of(
    connection: apsw.Connection, organization: int, after: int, bound: int | None
) -> tuple[int, int]:
    """Return the rows of two arrival numbers.

    The row of an arrival is the last one that arrived up to then, 0 if there is none.
    No bound is the newest arrival.
    """
    values = {"organization": organization, "after": after, "bound": bound}
    rows = connection.execute(SQL["rows_of_arrivals"], values)
    (after_row,), (bound_row,) = rows
    return after_row, bound_row


def arrival_of(connection: apsw.Connection, organization: int, number: int) -> int:
    """Return the arrival number of a row."""
    values = {"organization": organization, "number": number}
    return int(connection.execute(SQL["arrival_of_row"], values).get)
