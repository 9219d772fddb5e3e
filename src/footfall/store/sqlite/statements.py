"""The statements of the `.sql` files, by name."""

from footfall.store.relational.statements import load, load_migrations

SQL = load(
    __package__,
    "statements.sql",
    "users.sql",
    "transaction.sql",
    "webhooks.sql",
    "analytics.sql",
    "copying.sql",
)
# Those of a migration, which know the tables by the names of its time.
SEALING = load(__package__, "sealing.sql")


def migrations() -> list[str]:
    """Return the migrations in order; the n-th (from 1) makes schema n."""
    return load_migrations(__package__)
