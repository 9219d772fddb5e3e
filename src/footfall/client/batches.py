"""Batches: events on their way to the server.

Each event gets an id before it is sent, so that a batch whose response got lost can be
sent again: what was stored the first time is a duplicate then.
"""

import gzip
from collections.abc import Mapping
from typing import Any

import msgspec

from footfall.client import requests
from footfall.client.errors import ArgumentInvalid
from footfall.client.events import Event
from footfall.client.requests import Call

COUNT_MAX = 2_000
BYTES_MAX = 4 * 1024 * 1024
# Smaller bodies are not worth the work.
PACKED_FROM = 16 * 1024
_ID_BITS = 80
Sendable = Event | Mapping[str, Any] | msgspec.Struct | bytes | str


class _Detail(msgspec.Struct, gc=False):
    id: Any = None


class _HasId(msgspec.Struct, gc=False):
    event: _Detail


_has_id = msgspec.json.Decoder(_HasId)


class Batch(msgspec.Struct, frozen=True):
    """Events that are sent together; `first` is the position of the first."""

    call: Call
    first: int


class Batcher:
    """Collects events into batches."""

    def __init__(self, organization: str):
        self._organization = organization
        self._lines: list[bytes] = []
        self._size = 0
        self._first = 0

    def add(self, event: Sendable, now: int) -> Batch | None:
        """Add an event; return the batch that is full.

        Raises:
            ArgumentInvalid: It cannot be written as JSON.
        """
        try:
            line = _line(event, now)
        except (TypeError, ValueError, msgspec.MsgspecError) as error:
            position = self._first + len(self._lines)
            raise ArgumentInvalid(f"Event {position} cannot be sent: {error}") from None
        self._lines.append(line)
        self._size += len(line)
        full = len(self._lines) >= COUNT_MAX or self._size >= BYTES_MAX
        return self.rest() if full else None

    def rest(self) -> Batch | None:
        """Return the batch of what was collected, if anything was."""
        if not self._lines:
            return None
        body = b"\n".join(self._lines)
        packed = len(body) >= PACKED_FROM
        if packed:
            body = gzip.compress(body, compresslevel=1)
        call = requests.send_lines(self._organization, body, packed=packed)
        batch = Batch(call, self._first)
        self._first += len(self._lines)
        self._lines, self._size = [], 0
        return batch


def _line(event: Sendable, now: int) -> bytes:
    """Write an event as one line that has an id; one that has it stays as it is."""
    # Only senders need what these load.
    import secrets

    from footfall.core.events.ids import id_letter, make_id

    raw = _raw(event)
    try:
        if _has_id.decode(raw).event.id is not None:
            return raw
        value = msgspec.json.decode(raw)
        letter = id_letter(value["event"]["type"])
    except (msgspec.MsgspecError, KeyError, TypeError):
        return raw  # the server says what is wrong with it
    value["event"]["id"] = make_id(now, secrets.randbits(_ID_BITS)) + letter
    return msgspec.json.encode(value)


def _raw(event: Sendable) -> bytes:
    if isinstance(event, Event):
        return event.raw
    if isinstance(event, str | bytes):
        raw = event.encode() if isinstance(event, str) else event
        try:
            return msgspec.json.format(raw, indent=-1) if b"\n" in raw else raw
        except msgspec.MsgspecError:
            return b" ".join(raw.split())
    return msgspec.json.encode(event)
