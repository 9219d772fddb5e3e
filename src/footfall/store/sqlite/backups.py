"""Backups: a copy while serving, and putting one back.

A backup is one state of the store (`VACUUM INTO` in a read transaction), so it holds a
prefix of the arrivals. Source: https://sqlite.org/lang_vacuum.html#vacuuminto

A restore takes effect at one instant: when the whole, synced new file gets the name
`<database>.restored`. Whoever opens the store next finishes what is left, should the
restore itself not have come to it: the old store gets another name, with the files that
belong to it, and the new one takes its place.
"""

import contextlib
import errno
import fcntl
import glob
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import apsw

from footfall.errors import AlreadyExists, NotFound, StoreError, StoreForeign
from footfall.store.relational.keys import Keys
from footfall.store.sqlite import health, restoring
from footfall.store.sqlite.connections import check_file, open_reader, translated
from footfall.store.sqlite.journal import Journal, sync

# What SQLite keeps beside a database, a part of it: the file itself comes first.
_PARTS = ("", "-wal", "-shm", "-journal")
# What says that a file which cannot be read was footfall's.
_COMPANIONS = (".erasures", ".secret", ".ballast")
# The bytes that SQLite locks for as long as a connection is open in WAL mode.
# Source: https://sqlite.org/src/file/src/os.h, SHARED_FIRST and SHARED_SIZE
_SHARED_FIRST, _SHARED_SIZE = 0x40000002, 510


def backup(path: Path, target: Path) -> None:
    """Copy the store at `path` to the new file `target`, and sync it.

    It has its name once it is whole; what a backup that was killed left is removed.

    Raises:
        AlreadyExists: There is a `target` already.
        StoreError: It cannot be read or written, or is a symbolic link.
    """
    complete_restore(path)
    _refuse_link(path)
    if target.exists() or target.is_symlink():
        raise AlreadyExists(f"There is a {target} already; name a new file.")
    partial = _work_file(target, "partial")
    with translated(target), _removing(partial):
        _make(partial)
        connection = open_reader(path)
        try:
            connection.pragma("query_only", "off")
            connection.execute("VACUUM INTO ?", (str(partial),))
        finally:
            connection.close()
        sync(partial)
        try:
            _link(partial, target)
        except FileExistsError:
            message = f"There is a {target} already; name a new file."
            raise AlreadyExists(message) from None
    sync(target.parent)


def restore(
    source: Path, path: Path, sealing_key: bytes, *, without_journal: bool = False
) -> Path | None:
    """Put the backup `source` in place of the store at `path`.

    Erasures and revocations since the backup hold in it too.

    Returns:
        Where the store that was there is kept, if there was one.

    Raises:
        NotFound: There is no `source`.
        StoreForeign, StoreNewer, StoreError: It is no whole store of this footfall's,
            the journal is missing, or somebody uses the store at `path`.
    """
    complete_restore(path)
    for file in (source, path):
        _refuse_link(file)
    if not source.exists():
        raise NotFound(f"There is no {source}.")
    check_file(source)
    _check_replaceable(path)
    fresh = _work_file(path, "restoring")
    with _removing(fresh):
        _make(fresh)
        with source.open("rb") as old, fresh.open("wb") as new:
            shutil.copyfileobj(old, new)
        with translated(fresh):
            health.check_whole(fresh)
            keys = Keys(sealing_key)
            restoring.bring_up_to_date(fresh, Journal(path), keys, without_journal)
        sync(fresh)
        _fold(path)
        fresh.replace(_restored(path))
    sync(path.parent)
    return complete_restore(path)


def complete_restore(path: Path) -> Path | None:
    """Put a restored store in its place, if one waits for it.

    Returns:
        Where the store that was there is kept, if there was one.
    """
    restored = _restored(path)
    try:
        handle = os.open(restored, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if not restored.exists():
            return None
        kept = _set_aside(path)
        restored.replace(path)
        sync(path.parent)
        return kept
    finally:
        os.close(handle)


def _restored(path: Path) -> Path:
    return path.with_name(path.name + ".restored")


def _set_aside(path: Path) -> Path | None:
    """Give the old store another name too, and take the files beside it away."""
    number = 1
    while True:
        kept = path.with_name(f"{path.name}.replaced-{number}")
        # It may have been given this name before a crash.
        if kept.exists() and path.exists() and kept.samefile(path):
            break
        if not any(_part(kept, part).exists() for part in _PARTS):
            break
        number += 1
    was_there = path.exists()
    if was_there and not kept.exists():
        _link(path, kept)
        sync(path.parent)
    for part in _PARTS[1:]:
        with contextlib.suppress(FileNotFoundError):
            _part(path, part).rename(_part(kept, part))
    sync(path.parent)
    return kept if was_there else None


def _part(path: Path, part: str) -> Path:
    return path.with_name(path.name + part)


def _check_replaceable(path: Path) -> None:
    """Refuse to replace another program's file, and a store that is in use."""
    if not path.exists():
        return
    try:
        check_file(path)
    except StoreForeign:
        # A store whose first page is damaged looks like it, but is not alone.
        if not any(_part(path, name).exists() for name in _COMPANIONS):
            raise
    handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB, _SHARED_SIZE, _SHARED_FIRST)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EAGAIN):
            raise
        raise StoreError(f"{path} is in use; stop the server first.") from None
    finally:
        os.close(handle)


def _fold(path: Path) -> None:
    """Bring all of the old store into its file; leave a damaged one as it is."""
    if not path.exists():
        return
    _check_replaceable(path)
    with translated(path), contextlib.suppress(apsw.CorruptError, apsw.NotADBError):
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            connection.pragma("user_version")
        finally:
            # The last connection to close takes the WAL with it.
            connection.close()


def _refuse_link(path: Path) -> None:
    if path.is_symlink():
        raise StoreError(f"{path} is a symbolic link; name the file that it leads to.")


def _work_file(target: Path, kind: str) -> Path:
    """Name a file to work on; remove those that killed processes left."""
    prefix = f"{target.name}.{kind}-"
    for file in target.parent.glob(f"{glob.escape(prefix)}*"):
        number = file.name.removeprefix(prefix).partition("-")[0]
        if not number.isdigit() or int(number) == os.getpid() or not _runs(int(number)):
            file.unlink(missing_ok=True)
    return target.with_name(f"{prefix}{os.getpid()}")


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _make(path: Path) -> None:
    """Make a file that only its owner can read."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    os.close(os.open(path, flags, 0o600))


@contextlib.contextmanager
def _removing(path: Path) -> Iterator[None]:
    """Remove what was worked on, however it ends."""
    try:
        yield
    finally:
        for part in _PARTS:
            _part(path, part).unlink(missing_ok=True)


def _link(path: Path, name: Path) -> None:
    """Give a file a second name; where a disk cannot do that, another name.

    Raises:
        FileExistsError: The name is taken.
    """
    try:
        os.link(path, name)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK):
            raise
        if name.exists():
            raise FileExistsError(errno.EEXIST, "It exists", str(name)) from None
        path.rename(name)
