"""Duplicates: whether a repeated event says what the stored one says."""

from typing import Any

import msgspec

from footfall.core.events.completion import FILLED_FIELDS
from footfall.core.events.ids import key_of


class _Detail(msgspec.Struct, gc=False):
    id: str


class _Identified(msgspec.Struct, gc=False):
    """An event of which only the id is read."""

    event: _Detail


_decoder = msgspec.json.Decoder(_Identified)


def key_of_item(item: bytes) -> bytes | None:
    """Return the key of an item that was sent, without checking it; None without id."""
    try:
        return key_of(_decoder.decode(item).event.id)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def is_same(item: bytes, stored: bytes) -> bool:
    """Tell whether an item is a stored event byte by byte, but for white space."""
    if item == stored:
        return True
    # Without its white space an item is never longer.
    if len(item) <= len(stored):
        return False
    try:
        return msgspec.json.format(item, indent=-1) == stored
    except (msgspec.MsgspecError, RecursionError):
        return False


def is_duplicate(sent: bytes, stored: bytes) -> bool:
    """Tell whether a repeated event has the same content as the stored one.

    Fields that footfall filled in the first time may be missing in the second. Events
    that cannot be compared as values (older stores hold numbers beyond a double) are
    the same only if their bytes are.
    """
    if sent == stored:
        return True
    try:
        stored_value = msgspec.json.decode(stored)
        sent_value = msgspec.json.decode(sent)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError):
        return False
    if not isinstance(sent_value, dict) or not isinstance(stored_value, dict):
        return False
    for path in FILLED_FIELDS:
        _drop_unsent(sent_value, sent_value, path)
        _drop_unsent(stored_value, sent_value, path)
    if sent_value.get("when") is None and not stored_value.get("when"):
        sent_value.pop("when", None)
        stored_value.pop("when", None)
    return _canonical(sent_value) == _canonical(stored_value)


def _drop_unsent(stored: Any, sent: Any, path: tuple[str, ...]) -> None:
    """Drop a field that footfall fills in, unless it was sent (null counts as not)."""
    for name in path[:-1]:
        stored = stored.get(name) or {}
        sent = sent.get(name) or {}
    if sent.get(path[-1]) is None:
        stored.pop(path[-1], None)


def _canonical(value: Any) -> bytes:
    return msgspec.json.encode(value, order="sorted")
