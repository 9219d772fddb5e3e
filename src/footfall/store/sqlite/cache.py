"""The presence cache: what the next observation would read again.

Whose a device is now, and a contact's newest stay at a location, so that somebody who
is still there costs a look into a dictionary and not three into trees. All of it is in
the database too; it is forgotten whenever somebody else may have changed that, or
something was undone.
"""

from footfall.store.transaction import StoredStay

CACHE_MAX = 200_000

# What stands for the state of the database: who else wrote, and what was undone.
State = tuple[int, int]


class PresenceCache:
    """Owners by organization and device, and newest stays by contact and location."""

    def __init__(self) -> None:
        # A contact, and since when.
        self.owners: dict[int, dict[bytes, tuple[int, int]]] = {}
        # None where there is no stay yet.
        self.newest: dict[tuple[int, int], StoredStay | None] = {}
        self._state: State = (-1, -1)

    def renew(self, state: State) -> None:
        """Forget all if the state is another, or it is too much."""
        if state != self._state or self._count() > CACHE_MAX:
            self.clear()
            self._state = state

    def _count(self) -> int:
        owners = sum(map(len, self.owners.values()))
        return max(owners, len(self.newest))

    def clear(self) -> None:
        """Forget all."""
        self.owners.clear()
        self.newest.clear()

    def changed(self, one: StoredStay) -> None:
        """Note how a stay is now, where it or an older one is known as the newest."""
        key = (one.contact, one.location)
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
        self.newest.pop((one.contact, one.location), None)
