"""What `footfall doctor` says of a PostgreSQL store."""

from typing import Any

import psycopg

from footfall.store.postgres.connections import Connection
from footfall.store.postgres.distribution import table_sizes
from footfall.store.postgres.statements import SQL, migrations

# With these off, what was acknowledged may be lost in a power cut.
_EXPECTED = ("fsync", "full_page_writes", "synchronous_commit")


def check_health(connection: Connection) -> dict[str, Any]:
    """Say versions, settings and sizes in bytes, and what is wrong."""

    def one(sql: str) -> Any:
        return (connection.execute(sql.encode()).fetchone() or (None,))[0]

    settings = {name: one(f"SHOW {name}") for name in _EXPECTED}
    problems = [
        f"{name} is off: what was acknowledged may be lost in a power cut"
        for name, value in settings.items()
        if value == "off"
    ]
    schema = one("SELECT max(version) FROM schema_version")
    if schema != len(migrations()):
        problems.append(f"the schema is {schema}, not {len(migrations())}")
    problems += [
        f"location {location} of {organization} shares its externalId {name!r} "
        "with an older one, which has what is sent to it: give it another"
        for organization, location, name in connection.execute(
            SQL["shared_external_ids"]
        )
    ]
    return {
        "engine": f"PostgreSQL {one('SHOW server_version')} "
        f"(psycopg {psycopg.__version__})",
        "database": one("SELECT current_database()"),
        "schema": schema,
        "settings": settings,
        "bytes": table_sizes(connection),
        "problems": problems,
    }
