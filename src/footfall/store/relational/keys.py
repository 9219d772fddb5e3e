"""Keys in the database, sealed under one that is not in it.

Devices, identities and contacts stand in indexes as digests with random keys. Beside
those keys in clear, the digests would be worth nothing: there are not so many addresses
that one could not try them all. So the keys are sealed (AES-SIV, RFC 5297) under a key
that comes from the operator's secret, and whoever only has the database learns nothing.
"""

import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from footfall.errors import SecretWrong

KEY_BYTES = 32
# The purpose of the key with which contacts' ids are digested.
CONTACT = "contact"


class Keys:
    """Opens the keys of one database, and digests contacts' ids."""

    def __init__(self, sealing_key: bytes):
        """Take the key that is not in the database: 64 bytes."""
        self._cipher = AESSIV(sealing_key)
        self._contacts = b""
        self._begun = hashlib.blake2b()

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

    def make_contacts_key(self) -> bytes:
        """Make the key of a new database; returns it as it is kept."""
        key = secrets.token_bytes(KEY_BYTES)
        self._take_contacts_key(key)
        return self.seal(key, CONTACT)

    def use_contacts_key(self, sealed: bytes) -> None:
        """Take the contacts' key of a database that there is.

        Raises:
            SecretWrong: The database belongs to another secret.
        """
        self._take_contacts_key(self.open(sealed, CONTACT))

    def _take_contacts_key(self, key: bytes) -> None:
        self._contacts = key
        # To begin with the key takes longer than a contact does.
        self._begun = hashlib.blake2b(digest_size=16, key=key)

    @property
    def name(self) -> bytes:
        """What tells this database, and its backups, from all others."""
        return hashlib.blake2b(self._contacts, digest_size=8, person=b"name").digest()

    def contact(self, contact: str) -> bytes:
        """Return what stands for a contact's id in the indexes."""
        digest = self._begun.copy()
        digest.update(contact.encode())
        return digest.digest()
