"""Emptying the WAL beside the writer: until then it holds what was overwritten."""

import time
from pathlib import Path

import apsw

from footfall.store.sqlite.checkpoints import Sync, cut_some, move_most
from footfall.store.sqlite.connections import PAUSE_S

# While a truncating checkpoint waits for readers, it holds the lock that writers need.
_WAIT_MS = 25
# Others write meanwhile, so a step may cut nothing.
_STEPS_MAX = 8_000


def empty_wal(path: Path, sync: Sync) -> bool:
    """Move all from the WAL into the database and cut it to nothing.

    Most is moved while others write; only the rest needs them to wait, a moment.

    Returns:
        Whether bytes are still in it, because somebody reads or writes just now.
    """
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.set_busy_timeout(_WAIT_MS)
        # A connection that has read nothing yet does not know that there is a WAL.
        connection.pragma("user_version")
        move_most(connection, sync)
        _shorten(connection)
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
    except apsw.BusyError:
        return True
    finally:
        connection.close()
    return False


def _shorten(connection: apsw.Connection) -> None:
    """Cut the WAL's file in steps to nearly nothing.

    To cut it at once may take long.
    """
    for _ in range(_STEPS_MAX):
        if not cut_some(connection, 0):
            return
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_RESTART)
        # A commit, which cuts: it changes nothing.
        version = connection.pragma("user_version")
        connection.pragma("user_version", version)
        time.sleep(PAUSE_S)
