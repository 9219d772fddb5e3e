"""The schema: its tables as this footfall knows them, made or brought up to date."""

from footfall.errors import StoreNewer
from footfall.store.postgres.connections import Connection
from footfall.store.postgres.distribution import distribute, has_citus, is_distributed
from footfall.store.postgres.statements import SQL, migrations
from footfall.store.relational.keys import CONTACT, Keys

# Any number; whoever brings the schema up to date holds this lock.
_MIGRATION_LOCK = 0x666F6F74


def prepare(connection: Connection, keys: Keys) -> None:
    """Bring the schema up to date, and read the contacts' key.

    Raises:
        StoreNewer: A newer footfall made the schema.
        SecretWrong: The database belongs to another secret.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_version (version integer NOT NULL)"
        )
        row = connection.execute("SELECT max(version) FROM schema_version").fetchone()
        current = 0 if row is None or row[0] is None else int(row[0])
        scripts = migrations()
        if current > len(scripts):
            raise StoreNewer(
                f"The database has schema {current}, this footfall knows up to "
                f"{len(scripts)}: start the newer footfall that made it."
            )
        for version, script in enumerate(scripts[current:], current + 1):
            connection.execute(script.encode())
            connection.execute("INSERT INTO schema_version VALUES (%s)", (version,))
        is_new = current == 0 and has_citus(connection)
        if is_new or is_distributed(connection):
            distribute(connection)
        values = {"purpose": CONTACT, "key": keys.make_contacts_key()}
        connection.execute(SQL["add_store_key"], values)
        [sealed] = connection.execute(SQL["store_key"], values).fetchone() or [b""]
    keys.use_contacts_key(sealed)
