"""An event as a row: what a page is ordered by and found by, and the JSON as bytes."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple, Protocol

import msgspec


class Row(NamedTuple):
    id: str
    customer: str
    type: str
    created_at: int  # microseconds
    body: bytes


class Place(NamedTuple):
    """Where a page begins: after this event, by time and then by arrival."""

    created_at: int
    arrival: int


class Table(Protocol):
    """Events in a database, one way to write and read them."""

    async def open(self) -> None:
        """Connect, and make the table unless it is there."""

    async def close(self) -> None:
        """Disconnect."""

    async def add(self, rows: list[Row]) -> int:
        """Store those whose ids are new, synced; return how many."""

    async def after(self, place: Place, size: int) -> list[tuple[int, int, bytes]]:
        """Return `created_at`, `arrival` and the body of the events after a place."""


class _Kind(msgspec.Struct):
    id: str
    type: str


class _When(msgspec.Struct):
    created_at: datetime = msgspec.field(name="createdAt")


class _Event(msgspec.Struct):
    customer: str = msgspec.field(name="customerId")
    event: _Kind
    when: _When


_decoder = msgspec.json.Decoder(_Event)


def row_of(body: bytes) -> Row:
    found = _decoder.decode(body)
    at = round(found.when.created_at.timestamp() * 1_000_000)
    return Row(found.event.id, found.customer, found.event.type, at, body)


def rows_of(bodies: Iterable[bytes]) -> list[Row]:
    return [row_of(body) for body in bodies]
