"""Restoring: what happened since a backup is done to it before it is put in place."""

import contextlib
import functools
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import apsw

from footfall.errors import StoreError
from footfall.store.relational.keys import Keys
from footfall.store.sqlite import erasure
from footfall.store.sqlite.connections import open_writer, transaction
from footfall.store.sqlite.journal import (
    Entry,
    Erasure,
    Journal,
    ServiceRevocation,
    TokenRevocation,
    UserChange,
)
from footfall.store.sqlite.statements import SQL
from footfall.store.sqlite.synced import SyncedFile
from footfall.store.sqlite.wal import empty_wal

T = TypeVar("T")
_FLAG = "give --without-journal to restore without it: who was erased comes back"


class _Steps:
    """Does the steps of erasures on one connection; nobody else uses the file."""

    rows = erasure.ROWS_MAX

    def __init__(self, connection: apsw.Connection):
        self._connection = connection

    def write(self, step: Callable[[apsw.Connection], T]) -> T:
        """See `Runner.write`."""
        with transaction(self._connection):
            return step(self._connection)

    def read(self, look: Callable[[apsw.Connection], T]) -> T:
        """See `Runner.read`."""
        return look(self._connection)


def bring_up_to_date(
    path: Path,
    journal: Journal,
    keys: Keys,
    without_journal: bool,  # noqa: FBT001  the command's flag
) -> None:
    """Migrate a copied backup, and apply what the journal holds of later than it.

    Raises:
        StoreError: The journal is missing, or lacks what the backup knows of.
    """
    entries = _entries(journal, without_journal)
    connection = open_writer(path, keys)
    try:
        known = {bytes(row[0]) for row in connection.execute(SQL["erasure_entries"])}
        noted = {one.id for one in entries if isinstance(one, Erasure)}
        if not without_journal and not known <= noted:
            raise StoreError(
                f"{journal.path} lacks erasures that the backup knows of: put the one "
                f"that belongs to the store in its place, or {_FLAG}."
            )
        steps = _Steps(connection)
        # Who has signed out since cannot be known: all sign in again.
        for name in ("forget_sign_ins", "forget_all_links"):
            connection.execute(SQL[name])
        for entry in entries:
            if not isinstance(entry, Erasure) or entry.id not in known:
                steps.write(functools.partial(_apply, entry=entry))
        for begun in erasure.unfinished(connection, 0):
            erasure.complete(steps, begun)
    finally:
        connection.close()
    with contextlib.closing(SyncedFile(path)) as file:
        is_used = empty_wal(path, file.sync)
    if is_used:
        raise StoreError(f"{path} is in use.")


def _entries(journal: Journal, without_journal: bool) -> list[Entry]:  # noqa: FBT001
    try:
        return journal.read()
    except FileNotFoundError:
        if without_journal:
            return []
        raise StoreError(
            f"There is no {journal.path}, so it is not known who was erased since "
            f"the backup: put it back, or {_FLAG}."
        ) from None
    except StoreError:
        if without_journal:
            return []
        raise


def _apply(connection: apsw.Connection, entry: Entry) -> None:
    if isinstance(entry, ServiceRevocation):
        values = {"client_key": entry.client_key, "now": entry.at}
        connection.execute(SQL["revoke_service"], values)
    elif isinstance(entry, TokenRevocation):
        values = {"token_id": entry.token_id, "expires_at": entry.expires_at}
        connection.execute(SQL["revoke_token"], values)
    elif isinstance(entry, UserChange):
        # Which password is right now is not known: a link from the operator sets one.
        connection.execute(SQL["drop_password"], {"user": entry.user, "now": entry.at})
    else:
        _erase(connection, entry)


def _erase(connection: apsw.Connection, entry: Erasure) -> None:
    row = connection.execute(SQL["organization"], {"id": entry.organization}).fetchone()
    if row is None:
        return
    values = {"organization": row[0], "key": entry.contact}
    found = connection.execute(SQL["contact"], values).fetchone()
    if found is not None:
        erasure.begin(connection, int(row[0]), int(found[0]), entry.id)
