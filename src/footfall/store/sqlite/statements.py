"""The statements of the `.sql` files, by name."""

from footfall.store.relational.statements import load, load_engine, load_migrations

SQL = load_engine(__package__)
# Those of a migration, which know the tables by the names of its time.
SEALING = load(__package__, "sealing.sql")


def migrations() -> list[str]:
    """Return the migrations in order; the n-th (from 1) makes schema n."""
    return load_migrations(__package__)
