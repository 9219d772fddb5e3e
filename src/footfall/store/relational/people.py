"""Who is known: contacts, identities, and whose a device is."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from typing_extensions import override

from footfall.store.relational.cache import Owner
from footfall.store.relational.contacts import find_contacts, number_contacts
from footfall.store.relational.repository import Repository
from footfall.store.relational.session import Session as EngineSession
from footfall.store.transaction import (
    Ownership,
    PeopleRepository,
    Reattribution,
    Session,
)


class SQLPeople(Repository, PeopleRepository):
    """The people of an organization."""

    def __init__(self, session: EngineSession):
        super().__init__(session)
        # The contacts that this transaction named, by their numbers.
        self._named: dict[int, str] = {}

    @override
    def find_contact(self, contact: str) -> int | None:
        key = self.contact_key(contact)
        return self.contacts_by_key([key]).get(key)

    @override
    def put_contact(self, contact: str) -> int:
        return self.put_contacts([contact])[contact]

    @override
    def put_contacts(self, contacts: Iterable[str]) -> dict[str, int]:
        keys = {contact: self.contact_key(contact) for contact in contacts}
        numbers = number_contacts(self._bulk, keys)
        self._named.update((number, one) for one, number in numbers.items())
        return numbers

    @override
    def contact_ids(self, numbers: Iterable[int]) -> dict[int, str]:
        named, numbers = self._named, list(numbers)
        known = {number: named[number] for number in numbers if number in named}
        missing = [(number,) for number in numbers if number not in known]
        rows = self._bulk("contact_ids", missing)
        return known | {number: str(name) for number, name in rows}

    @override
    def contacts_by_key(self, keys: Iterable[bytes]) -> dict[bytes, int]:
        return find_contacts(self._bulk, keys)

    @override
    def contact_key(self, contact: str) -> bytes:
        return self._keys.contact(contact)

    @override
    def profile(self, contact: int) -> bytes | None:
        row = self._one("profile", contact=contact)
        return None if row is None else bytes(row[0])

    @override
    def put_profile(self, contact: int, body: bytes) -> None:
        self._run("forget_profiles", contact=contact)
        self._run("add_profile", contact=contact, body=body)

    @override
    def identity(self, key: bytes) -> int | None:
        row = self._one("identity", key=key)
        return None if row is None else int(row[0])

    @override
    def put_identities(self, contact: int, keys: Iterable[bytes]) -> None:
        self._run("delete_identities", contact=contact)
        self._many("put_identity", [{"key": key, "contact": contact} for key in keys])

    @override
    def owners(self, asked: list[tuple[bytes, int]]) -> list[int | None]:
        recent = self._cache.owners
        found: list[int | None] = [None] * len(asked)
        missing = []
        for place, (device, at) in enumerate(asked):
            known = recent.get(device)
            if known is not None and at >= known.since_at:
                found[place] = known.contact
            else:
                missing.append(place)
        rows = self._bulk("owners_at", [(place, *asked[place]) for place in missing])
        for place, contact, since_at, newest_at in rows:
            found[place] = contact
            if since_at == newest_at:
                recent[asked[place][0]] = Owner(contact, since_at)
        return found

    @override
    def ownerships(self, device: bytes) -> list[Ownership]:
        return [_ownership(row) for row in self._run("ownerships", device=device)]

    @override
    def devices(self, contact: int) -> list[Ownership]:
        return [_ownership(row) for row in self._run("devices", contact=contact)]

    @override
    def put_ownership(self, ownership: Ownership) -> None:
        self._run("put_ownership", **msgspec.structs.asdict(ownership))
        self._cache.owners.pop(ownership.device, None)

    @override
    def add_ownerships(self, ownerships: list[Ownership]) -> None:
        self._bulk("add_ownerships", list(map(msgspec.structs.astuple, ownerships)))
        for one in ownerships:
            self._cache.owners[one.device] = Owner(one.contact, one.since_at)

    @override
    def put_reattribution(self, one: Reattribution) -> None:
        self._run("put_reattribution", **msgspec.structs.asdict(one))

    @override
    def reattributions(self, limit: int) -> list[Reattribution]:
        rows = self._run("reattributions", limit=limit)
        return [Reattribution(bytes(row[0]), *row[1:]) for row in rows]

    @override
    def delete_reattributions(self, numbers: Iterable[int]) -> None:
        self._many("delete_reattribution", [{"number": number} for number in numbers])

    @override
    def session(self, key: bytes) -> Session | None:
        row = self._one("session", key=key)
        return None if row is None else Session(*row)

    @override
    def put_session(self, key: bytes, nas: bytes, at: int) -> None:
        self._run("put_session", key=key, nas=nas, at=at)

    @override
    def end_sessions(self, nas: bytes, at: int) -> int:
        return len(list(self._run("end_sessions", nas=nas, at=at)))


def _ownership(row: Sequence[Any]) -> Ownership:
    device, since_at, contact, randomised, pseudonym = row
    return Ownership(
        bytes(device), since_at, contact, bool(randomised), bool(pseudonym)
    )
