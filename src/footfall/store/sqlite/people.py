"""Who is known, in SQLite: contacts, identities, and whose a device is."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from footfall.store.books import Ownership, Reattribution
from footfall.store.sqlite.chapter import Chapter
from footfall.store.sqlite.statements import SQL


class PeopleChapter(Chapter):
    """See `footfall.store.books.Books`."""

    def find_contact(self, contact: str) -> int | None:
        """See `Books.find_contact`."""
        key = self.contact_key(contact)
        return self.contacts_by_key([key]).get(key)

    def put_contact(self, contact: str) -> int:
        """See `Books.put_contact`."""
        key = self.contact_key(contact)
        self._many("add_contact", [(self._number, key, contact)])
        return self.contacts_by_key([key])[key]

    def contact_ids(self, numbers: Iterable[int]) -> dict[int, str]:
        """See `Books.contact_ids`."""
        found = {}
        for number in numbers:
            row = self._connection.execute(SQL["contact_id"], (number,)).fetchone()
            if row is not None:
                found[number] = str(row[0])
        return found

    def contacts_by_key(self, keys: Iterable[bytes]) -> dict[bytes, int]:
        """See `Books.contacts_by_key`."""
        rows = self._many("contact_number", [(self._number, key) for key in keys])
        return {key: number for key, number in rows if number is not None}

    def contact_key(self, contact: str) -> bytes:
        """See `Books.contact_key`."""
        return self._keys.contact(contact)

    def profile(self, contact: int) -> bytes | None:
        """See `Books.profile`."""
        row = self._run("profile", contact=contact).fetchone()
        return None if row is None else bytes(row[0])

    def put_profile(self, contact: int, body: bytes) -> None:
        """See `Books.put_profile`."""
        self._run("wipe_profiles", contact=contact)
        self._run("add_profile", contact=contact, body=body)

    def identity(self, key: bytes) -> int | None:
        """See `Books.identity`."""
        row = self._run("identity", key=key).fetchone()
        return None if row is None else int(row[0])

    def put_identities(self, contact: int, keys: Iterable[bytes]) -> None:
        """See `Books.put_identities`."""
        self._run("drop_identities", contact=contact)
        self._many("put_identity", [(self._number, key, contact) for key in keys])

    def owners(self, asked: list[tuple[bytes, int]]) -> list[int | None]:
        """See `Books.owners`."""
        recent = self._recent.owners.setdefault(self._number, {})
        found: list[int | None] = [None] * len(asked)
        missing = []
        for place, (device, at) in enumerate(asked):
            known = recent.get(device)
            if known is not None and at >= known[1]:
                found[place] = known[0]
            else:
                missing.append(place)
        rows = self._many("owner_at", [(self._number, *asked[n]) for n in missing])
        for place, (contact, since_at, newest_at) in zip(missing, rows, strict=True):
            found[place] = contact
            if contact is not None and since_at == newest_at:
                recent[asked[place][0]] = contact, since_at
        return found

    def ownerships(self, device: bytes) -> list[Ownership]:
        """See `Books.ownerships`."""
        return [_ownership(row) for row in self._run("ownerships", device=device)]

    def devices(self, contact: int) -> list[Ownership]:
        """See `Books.devices`."""
        return [_ownership(row) for row in self._run("devices", contact=contact)]

    def put_ownership(self, ownership: Ownership) -> None:
        """See `Books.put_ownership`."""
        self._run("put_ownership", **msgspec.structs.asdict(ownership))
        self._recent.owners.get(self._number, {}).pop(ownership.device, None)

    def put_reattribution(self, one: Reattribution) -> None:
        """See `Books.put_reattribution`."""
        self._run("put_reattribution", **msgspec.structs.asdict(one))

    def reattributions(self, limit: int) -> list[Reattribution]:
        """See `Books.reattributions`."""
        return [Reattribution(*row) for row in self._run("reattributions", limit=limit)]

    def drop_reattributions(self, numbers: Iterable[int]) -> None:
        """See `Books.drop_reattributions`."""
        self._many("drop_reattribution", [(number,) for number in numbers])


def _ownership(row: Sequence[Any]) -> Ownership:
    device, since_at, contact, randomised, pseudonym = row
    return Ownership(device, since_at, contact, bool(randomised), bool(pseudonym))
