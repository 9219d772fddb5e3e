"""What `footfall doctor` says of an SQLite store."""

from pathlib import Path
from typing import Any

import apsw

from footfall.store.sqlite.statements import SQL

_EXPECTED = {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1}
_FILES = ("", "-wal", "-shm", ".ballast")
_SIZES = {"database": "", "wal": "-wal"}


def examine(connection: apsw.Connection, path: Path) -> dict[str, Any]:
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
    problems += [
        f"location {location} of {organization} shares its externalId {external_id!r} "
        "with an older one, which has what is sent to it: give it another"
        for organization, location, external_id in connection.execute(
            SQL["shared_external_ids"]
        )
    ]
    if found != ["ok"]:
        problems.append(
            f"the file is damaged ({found[0]}): restore a backup, or import again"
        )
    return {
        "engine": f"SQLite {apsw.sqlite_lib_version()} (apsw {apsw.apsw_version()})",
        "path": str(path),
        "schema": connection.pragma("user_version"),
        "pragmas": pragmas,
        "bytes": sizes,
        "problems": problems,
    }
