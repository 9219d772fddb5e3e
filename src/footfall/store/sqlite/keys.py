"""Keys in the database, sealed under one that is not in it.

Devices, identities and contacts stand in indexes as digests with random keys. Beside
those keys in clear, the digests would be worth nothing: there are not so many addresses
that one could not try them all. So the keys are sealed (AES-SIV, RFC 5297) under a key
that comes from the operator's secret, and whoever only has the file learns nothing.
"""

import hashlib
import secrets
from pathlib import Path
from typing import Any

import apsw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from footfall.core import observations
from footfall.errors import SecretWrong
from footfall.store.sqlite.statements import SQL

KEY_BYTES = 32
# The schema from which on keys are sealed.
SEALED_SINCE = 7


class Keys:
    """Opens the keys of one database, and digests contacts' ids."""

    def __init__(self, sealing_key: bytes):
        """Take the key that is not in the database: 64 bytes."""
        self._cipher = AESSIV(sealing_key)
        self._contacts = b""

    def seal(self, key: bytes, *owner: str) -> bytes:
        """Return a key as it is kept; it opens only for the same owner."""
        return self._cipher.encrypt(key, [part.encode() for part in owner])

    def open(self, sealed: bytes, *owner: str) -> bytes:
        """Return a key that was sealed.

        Raises:
            SecretWrong: It was sealed under another secret, or for another owner.
        """
        try:
            return self._cipher.decrypt(sealed, [part.encode() for part in owner])
        except InvalidTag:
            raise SecretWrong(
                "The keys in the database are sealed under another secret: start with "
                "the FOOTFALL_SECRET, or the file, that it was made with."
            ) from None

    def contact(self, contact: str) -> bytes:
        """Return what stands for a contact's id in the indexes."""
        digest = hashlib.blake2b(contact.encode(), digest_size=16, key=self._contacts)
        return digest.digest()

    def load(self, connection: apsw.Connection) -> None:
        """Read the contacts' key.

        Raises:
            SecretWrong: The database belongs to another secret.
        """
        sealed = bytes(connection.execute(SQL["store_key"], ("contact",)).get)
        self._contacts = self.open(sealed, "contact")

    def begin(self, connection: apsw.Connection) -> None:
        """Seal what an older schema kept in clear; inside the migration's transaction.

        Contacts get their keyed digests, in the index and in kept observations.
        """
        self._contacts = secrets.token_bytes(KEY_BYTES)
        sealed = self.seal(self._contacts, "contact")
        connection.execute(SQL["add_store_key"], ("contact", sealed))
        clear: list[Any] = connection.execute(SQL["clear_keys"]).fetchall()
        for number, organization, name, purpose, key in clear:
            values = {"organization": organization, "purpose": purpose}
            values["key"] = self.seal(bytes(key), name, purpose)
            connection.execute(SQL["wipe_key"], (number,))
            connection.execute(SQL["add_key"], values)
        for number, organization, records in connection.execute(SQL["all_blocks"]):
            changed = self._rekeyed(connection, organization, bytes(records))
            if changed != records:
                connection.execute(SQL["put_records"], (changed, number))
        rows: list[Any] = connection.execute(SQL["contact_ids"]).fetchall()
        changes = [(self.contact(name), number) for number, name in rows]
        connection.executemany(SQL["put_contact_key"], changes)

    def _rekeyed(
        self, connection: apsw.Connection, organization: int, records: bytes
    ) -> bytes:
        for one in observations.unpack(records):
            if one.by_contact:
                values = {"organization": organization, "key": one.subject}
                row = connection.execute(SQL["contact_by_key"], values).fetchone()
                if row is not None:
                    new = self.contact(str(row[0]))
                    records = records.replace(one.subject, new)
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
