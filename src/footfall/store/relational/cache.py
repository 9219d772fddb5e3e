"""The presence cache: what the next observation would read again.

Whose a device is now, and a contact's newest stay at a place, so that somebody who is
still there costs a look into a dictionary and not three into trees. All of it is in
the database too. It is an organization's, and it holds only for the version that the
organization's row has; see `Store.transaction`.

What it holds is of types that the garbage collector does not look through (`gc=False`,
tuples of such): with 100,000 stays that would take 250 ms, in which everybody waits.
"""

from footfall.core.places import Place
from footfall.store.transaction import Heard, StoredStay

CACHE_MAX = 200_000


class PresenceCache:
    """Owners of devices, newest stays and what was last heard, of one organization."""

    def __init__(self) -> None:
        # A contact, and since when.
        self.owners: dict[bytes, tuple[int, int]] = {}
        # None where there is no stay yet.
        self.newest: dict[tuple[int, Place], StoredStay | None] = {}
        # When equipment was last heard, of what was written.
        self.heard: dict[Heard, int] = {}
        self.version = -1

    def __len__(self) -> int:
        return len(self.owners) + len(self.newest) + len(self.heard)

    def renew(self, version: int) -> None:
        """Forget all that does not hold for a version of the organization's row."""
        if version != self.version:
            self.clear()
            self.version = version

    def clear(self) -> None:
        """Forget all."""
        self.owners.clear()
        self.newest.clear()
        self.heard.clear()
        self.version = -1

    def changed(self, one: StoredStay) -> None:
        """Note how a stay is now, where it or an older one is known as the newest."""
        key = (one.contact, one.place)
        if key not in self.newest:
            return
        known = self.newest[key]
        if (
            known is None
            or one.number == known.number
            or one.stay.first_at > known.stay.first_at
        ):
            self.newest[key] = one

    def dropped(self, one: StoredStay) -> None:
        """Forget a stay."""
        self.newest.pop((one.contact, one.place), None)


class PresenceCaches:
    """The presence caches of all organizations, by their numbers."""

    def __init__(self) -> None:
        self._caches: dict[int, PresenceCache] = {}

    def of(self, organization: int) -> PresenceCache:
        """Return an organization's cache; all of them are bounded together."""
        if sum(map(len, self._caches.values())) > CACHE_MAX:
            self.clear()
        return self._caches.setdefault(organization, PresenceCache())

    def clear(self) -> None:
        """Forget all: something that they tell of was undone."""
        for cache in self._caches.values():
            cache.clear()
        self._caches.clear()
