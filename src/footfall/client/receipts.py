"""Receipts: what became of events that were sent."""

import msgspec

from footfall.errors import FieldError


class Rejection(msgspec.Struct, frozen=True):
    """An event that was not stored, and why.

    `index` is its position in what was sent, from 0.
    """

    index: int
    id: str | None
    errors: list[FieldError]


class Receipt(msgspec.Struct, frozen=True):
    """What became of events that were sent.

    Attributes:
        accepted: How many were stored.
        duplicates: How many were there already.
        rejected: Those that were not stored, with every reason.
    """

    accepted: int = 0
    duplicates: int = 0
    rejected: list[Rejection] = []

    def plus(self, more: "Receipt", first: int) -> "Receipt":
        """Add the receipt of a batch whose first event is at a position."""
        moved = [
            msgspec.structs.replace(one, index=first + one.index)
            for one in more.rejected
        ]
        return Receipt(
            self.accepted + more.accepted,
            self.duplicates + more.duplicates,
            self.rejected + moved,
        )
