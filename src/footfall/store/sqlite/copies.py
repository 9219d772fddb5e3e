"""Copies: a backup while serving, and putting one back.

A backup is one state of the store (`VACUUM INTO` in a read transaction), so it holds a
prefix of the arrivals. Source: https://sqlite.org/lang_vacuum.html#vacuuminto
"""

import os
import shutil
from pathlib import Path

import apsw

from footfall.errors import AlreadyExists, NotFound, StoreError
from footfall.store.sqlite.connections import check_file, open_reader, translated


def backup(path: Path, target: Path) -> None:
    """Copy the store at `path` to the new file `target`, and sync it.

    Raises:
        AlreadyExists: There is a `target` already.
        StoreError: It cannot be read or written; what was begun is removed.
    """
    if target.exists():
        raise AlreadyExists(f"There is a {target} already; name a new file.")
    with translated(target):
        connection = open_reader(path)
        try:
            connection.pragma("query_only", "off")
            connection.execute("VACUUM INTO ?", (str(target),))
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        finally:
            connection.close()
    _sync(target)
    _sync(target.parent)


def restore(source: Path, path: Path) -> Path | None:
    """Put the backup `source` in place of the store at `path`.

    Returns:
        Where the store that was there is kept, if there was one.

    Raises:
        NotFound: There is no `source`.
        StoreForeign, StoreNewer, StoreError: It is no whole store of this footfall's,
            or somebody uses the store at `path`.
    """
    if not source.exists():
        raise NotFound(f"There is no {source}.")
    check_file(source)
    fresh = path.with_name(path.name + ".restoring")
    try:
        shutil.copyfile(source, fresh)
        _check_whole(fresh)
        _sync(fresh)
        kept = _set_aside(path) if path.exists() else None
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    _sync(path.parent)
    return kept


def _check_whole(path: Path) -> None:
    with translated(path):
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            found = str(connection.pragma("quick_check"))
        finally:
            connection.close()
    if found != "ok":
        raise StoreError(f"The backup is damaged: {found}.")


def _set_aside(path: Path) -> Path:
    """Bring all of the old store into its file, and give it another name."""
    check_file(path)
    with translated(path):
        connection = apsw.Connection(str(path))
        connection.pragma("user_version")
        connection.close()
    # The last connection to close takes the WAL with it.
    if path.with_name(path.name + "-wal").exists():
        raise StoreError(f"{path} is in use; stop the server first.")
    number = 1
    while (kept := path.with_name(f"{path.name}.replaced-{number}")).exists():
        number += 1
    path.rename(kept)
    return kept


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
