"""Keys in an SQLite file: how they are read, and sealed where they were in clear."""

from pathlib import Path
from typing import Any

import apsw

from footfall.core import observations
from footfall.store.relational.keys import CONTACT, Keys
from footfall.store.sqlite.statements import SEALING, SQL

# The schema from which on keys are sealed.
SEALED_SINCE = 7


def load(connection: apsw.Connection, keys: Keys) -> None:
    """Read the contacts' key.

    Raises:
        SecretWrong: The database belongs to another secret.
    """
    sealed = connection.execute(SQL["store_key"], {"purpose": CONTACT}).get
    keys.use_contacts_key(bytes(sealed))


def seal_all(connection: apsw.Connection, keys: Keys) -> None:
    """Seal what an older schema kept in clear; inside the migration's transaction.

    Contacts get their keyed digests, in the index and in kept observations.
    """
    sealed = keys.make_contacts_key()
    connection.execute(SEALING["add_store_key"], (CONTACT, sealed))
    clear: list[Any] = connection.execute(SEALING["clear_keys"]).fetchall()
    for number, organization, name, purpose, key in clear:
        values = {"organization": organization, "purpose": purpose}
        values["key"] = keys.seal(bytes(key), name, purpose)
        connection.execute(SEALING["wipe_key"], (number,))
        connection.execute(SEALING["add_key"], values)
    for number, organization, records in connection.execute(SEALING["all_blocks"]):
        changed = _rekeyed(connection, keys, organization, bytes(records))
        if changed != records:
            connection.execute(SEALING["put_records"], (changed, number))
    rows: list[Any] = connection.execute(SEALING["contact_ids"]).fetchall()
    changes = [(keys.contact(name), number) for number, name in rows]
    connection.executemany(SEALING["put_contact_key"], changes)


def _rekeyed(
    connection: apsw.Connection, keys: Keys, organization: int, records: bytes
) -> bytes:
    for one in observations.unpack(records):
        if one.by_contact:
            values = {"organization": organization, "key": one.subject}
            row = connection.execute(SEALING["contact_by_key"], values).fetchone()
            if row is not None:
                records = records.replace(one.subject, keys.contact(str(row[0])))
    return records


def is_sealed(path: Path) -> bool:
    """Tell whether a file is a database whose keys are sealed under some secret."""
    if not path.exists():
        return False
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    except apsw.Error:
        return False
    try:
        return int(connection.pragma("user_version")) >= SEALED_SINCE
    except apsw.Error:
        return False
    finally:
        connection.close()
