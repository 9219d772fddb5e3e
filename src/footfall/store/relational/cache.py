"""The presence cache: what the next observation or event would read again.

Whose a device is now, and a contact's newest stay at a place, so that somebody who is
still there costs a look into a dictionary and not three into trees. All of it is in
the database too. It is an organization's, and it holds only for the version that the
organization's row has; see `Store.transaction`.

What is large in it has keys and values that the garbage collector does not look through
(numbers, bytes, and structs with `gc=False`), so neither does it look through the
dictionaries: with 100,000 stays that would take 60 to 250 ms, in which everybody waits.
"""

from collections import defaultdict

import msgspec

from footfall.core.places import Place
from footfall.store.transaction import Heard, StoredStay

# Entries of an organization, and of all; two of them, as each guest has, take 0.7 kB.
CACHE_MAX, ALL_MAX = 400_000, 800_000


class Owner(msgspec.Struct, frozen=True, gc=False):
    """The contact that has a device now, and since when."""

    contact: int
    since_at: int


class PresenceCache:
    """What is remembered of one organization."""

    def __init__(self) -> None:
        self.owners: dict[bytes, Owner] = {}
        # By place and contact; None where there is no stay yet.
        self.newest = defaultdict[Place, dict[int, StoredStay | None]](dict)
        self._newest_count = 0
        # When equipment was last heard, of what was written.
        self.heard: dict[Heard, int] = {}
        # The numbers of contacts of whom events were sent, by their ids.
        self.contacts: dict[str, int] = {}
        self.version = -1

    @property
    def size(self) -> int:
        """How many entries it has."""
        others = len(self.owners) + len(self.heard) + len(self.contacts)
        return self._newest_count + others

    def renew(self, version: int) -> None:
        """Forget all that does not hold for a version of the organization's row."""
        if version != self.version:
            self.clear()
            self.version = version

    def clear(self) -> None:
        """Forget all."""
        self.owners.clear()
        self.newest.clear()
        self._newest_count = 0
        self.heard.clear()
        self.contacts.clear()
        self.version = -1

    def read(self, contact: int, place: Place, stay: StoredStay | None) -> None:
        """Note a contact's newest stay at a place, which was not known."""
        self.newest[place][contact] = stay
        self._newest_count += 1

    def changed(self, one: StoredStay) -> None:
        """Note how a stay is now, where it or an older one is known as the newest."""
        newest = self.newest[one.place]
        if one.contact not in newest:
            return
        known = newest[one.contact]
        if (
            known is None
            or one.number == known.number
            or one.stay.first_at > known.stay.first_at
        ):
            newest[one.contact] = one

    def dropped(self, one: StoredStay) -> None:
        """Forget a stay."""
        newest = self.newest[one.place]
        if one.contact in newest:
            del newest[one.contact]
            self._newest_count -= 1


class PresenceCaches:
    """The presence caches of organizations, by their numbers.

    One that grew too large begins anew. If all together are too large, those go that
    were used longest ago. Whoever uses one keeps it until the transaction ends.
    """

    def __init__(self) -> None:
        # Each with its size when it was last used; the last used is the last.
        self._caches: dict[int, tuple[PresenceCache, int]] = {}
        self._size = 0

    def of(self, organization: int) -> PresenceCache:
        """Return an organization's cache."""
        cache, size = self._caches.pop(organization, (PresenceCache(), 0))
        if cache.size > CACHE_MAX:
            cache = PresenceCache()
        self._caches[organization] = cache, cache.size
        self._size += cache.size - size
        while self._size > ALL_MAX:
            _, size = self._caches.pop(next(iter(self._caches)))
            self._size -= size
        return cache

    def clear(self) -> None:
        """Forget all: something that they tell of was undone."""
        self._caches.clear()
        self._size = 0
