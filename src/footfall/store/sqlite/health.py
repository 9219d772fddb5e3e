"""What `footfall doctor` says of an SQLite store."""

from pathlib import Path
from typing import Any

import apsw

from footfall.errors import StoreError
from footfall.store.sqlite.statements import SQL, migrations

_EXPECTED = {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1}
_FILES = ("", "-wal", "-shm", ".ballast", ".erasures")
_SIZES = {"database": "", "wal": "-wal"}


def check_health(connection: apsw.Connection, path: Path) -> dict[str, Any]:
    """Say versions, pragmas and sizes in bytes, and check the file's integrity."""
    pragmas = {name: connection.pragma(name) for name in _EXPECTED}
    sizes = {
        name: file.stat().st_size
        for name, end in _SIZES.items()
        if (file := path.with_name(path.name + end)).exists()
    }
    found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(10)")]
    problems = [
        f"{name} is {pragmas[name]}, not {value}: report this"
        for name, value in _EXPECTED.items()
        if pragmas[name] != value
    ]
    problems += [
        f"{file} can be read by others: chmod 600 {file}"
        for end in _FILES
        if (file := path.with_name(path.name + end)).exists()
        and file.stat().st_mode & 0o077
    ]
    if found != ["ok"]:
        problems.append(
            f"the file is damaged ({found[0]}): restore a backup, or import again"
        )
    schema = schema_problems(connection)
    problems += schema
    if not schema:
        problems += [
            f"location {location} of {organization} shares its externalId {name!r} "
            "with an older one, which has what is sent to it: give it another"
            for organization, location, name in connection.execute(
                SQL["shared_external_ids"]
            )
        ]
    return {
        "engine": f"SQLite {apsw.sqlite_lib_version()} (apsw {apsw.apsw_version()})",
        "path": str(path),
        "schema": connection.pragma("user_version"),
        "pragmas": pragmas,
        "bytes": sizes,
        "problems": problems,
    }


def check_file_health(path: Path) -> dict[str, Any]:
    """Examine a database that cannot be opened as a store: its keys stay closed."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        for name, value in _EXPECTED.items():
            if name != "journal_mode":
                connection.pragma(name, value)
        return check_health(connection, path)
    finally:
        connection.close()


def check_whole(path: Path) -> None:
    """Check a backup: its pages, and that it has the tables of its schema.

    Raises:
        StoreError: Something is damaged, or not there.
    """
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        found = str(connection.pragma("quick_check"))
        problems = [] if found == "ok" else [found]
        problems += schema_problems(connection)
    finally:
        connection.close()
    if problems:
        raise StoreError(f"The backup is damaged: {'; '.join(problems)}.")


def schema_problems(connection: apsw.Connection) -> list[str]:
    """Compare the tables and indexes with those that the schema's migrations build."""
    version = int(connection.pragma("user_version"))
    memory = apsw.Connection(":memory:")
    try:
        for script in migrations()[:version]:
            memory.execute(script)
        declared, found = _schema(memory), _schema(connection)
    finally:
        memory.close()
    problems = [
        f"{name} is {'missing' if name not in found else 'not as declared'}"
        for name, sql in declared.items()
        if found.get(name) != sql
    ]
    problems += [f"{name} is not footfall's" for name in found.keys() - declared.keys()]
    if not version:
        problems.append("it has no schema")
    return sorted(problems)


def _schema(connection: apsw.Connection) -> dict[str, str]:
    """Return what was created, by type and name."""
    rows = connection.execute(
        "SELECT type || ' ' || name, sql FROM sqlite_schema "
        "WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    )
    return dict(rows)
