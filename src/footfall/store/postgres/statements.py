"""The statements of the `.sql` files, by name, in the driver's spelling."""

import re

from footfall.store.relational.statements import load, load_engine, load_migrations

# `:name`, but not the `::type` of a cast.
_PARAMETER = re.compile(r"(?<!:):(\w+)")


def spelled(sql: str) -> str:
    """Write a statement's parameters as psycopg wants them, sent in binary.

    As text, arrays of bytes take twice the time of the whole statement.
    """
    return _PARAMETER.sub(r"%(\1)b", sql)


SQL = {name: spelled(sql) for name, sql in load_engine(__package__).items()}

DISTRIBUTION = {
    name: spelled(sql) for name, sql in load(__package__, "distribution.sql").items()
}


def migrations() -> list[str]:
    """Return the migrations in order; the n-th (from 1) makes schema n."""
    return load_migrations(__package__)
