"""The forms in which items are sent: one, an array, `{"events": […]}`, NDJSON.

`split` cuts a body into the bytes of its items without checking them, so that one bad
item is rejected alone. It stops at the first item over the limit.
"""

import contextlib
import functools
import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from footfall.core.blanks import shortened
from footfall.errors import BodyInvalid, TooLarge

_LINE = re.compile(rb"\S[^\n]*")
_SPACE = re.compile(r"[ \t\r\n]*")
# A body with fewer commas is decoded at once: it cannot have too many items.
_COMMAS_MAX = 500_000
_array = msgspec.json.Decoder(list[msgspec.Raw])
# Keeps numbers as text: only the end of an item matters.
_scanner = json.JSONDecoder(parse_int=str, parse_float=str)


def split(
    body: bytes,
    *,
    lines: bool = False,
    name: str = "events",
    count_max: int | None = None,
) -> list[bytes]:
    """Cut a body into its items.

    Args:
        body: JSON or NDJSON.
        lines: Whether it is NDJSON; empty lines are skipped.
        name: What the items are called.
        count_max: The most items allowed.

    Raises:
        BodyInvalid: It is empty, or not JSON as a whole.
        TooLarge: It has more than `count_max` items.
    """
    body = shortened(body)
    found = _lines(body) if lines else _items(body, name, count_max)
    items: list[bytes] = []
    for item in found:
        if len(items) == count_max:
            raise TooLarge(f"Too many {name} in one request; at most {count_max}.")
        items.append(item)
    if not items:
        raise BodyInvalid(f"The body has no {name}; send at least one.")
    return items


def may_have_more(body: bytes, count_max: int) -> bool:
    """Tell whether a body may have too many items to decode it at once."""
    return body.count(b",") > max(_COMMAS_MAX, count_max)


def _lines(body: bytes) -> Iterator[bytes]:
    for line in _LINE.finditer(body):
        yield line[0]


def _items(body: bytes, name: str, count_max: int | None) -> Iterator[bytes]:
    body = body.strip()
    try:
        if body[:1] == b"{":
            sent = bytes(_envelope(name).decode(body).items)
            if not sent:
                yield body
                return
            if sent[:1] != b"[":
                raise BodyInvalid(f"`{name}` is not an array.")
            body = sent
        elif body[:1] != b"[":
            raise BodyInvalid(
                f"The body has no {name}; send one JSON object, an array, or an object "
                f"with an array `{name}`."
            )
        yield from _cut(body, count_max)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise BodyInvalid(f"The body is not JSON: {error}.") from None


def _cut(body: bytes, count_max: int | None) -> Iterator[bytes]:
    """Cut an array: at once, or one by one if it is too large or not decodable."""
    if count_max is None or not may_have_more(body, count_max):
        # `_elements` accepts lone surrogates, so one bad item is rejected alone.
        with contextlib.suppress(msgspec.MsgspecError):
            return map(bytes, _array.decode(body))
    return _elements(body.decode())


@functools.cache
def _envelope(name: str) -> msgspec.json.Decoder[Any]:
    """Return a decoder that finds the items in an object and skips all else."""
    field = msgspec.field(default=msgspec.Raw(), name=name)
    kind = msgspec.defstruct("Envelope", [("items", msgspec.Raw, field)])
    return msgspec.json.Decoder(kind)


def _elements(text: str) -> Iterator[bytes]:
    """Yield the elements of an array lazily, so that a caller can stop early."""
    at = _after_space(text, 1)
    if text[at : at + 1] == "]":
        at = _after_space(text, at + 1)
    else:
        end = ","
        while end == ",":
            start = _after_space(text, at)
            _, at = _scanner.raw_decode(text, start)
            yield text[start:at].encode()
            at = _after_space(text, at)
            end, at = text[at : at + 1], at + 1
        if end != "]":
            raise ValueError(f"expected `,` or `]` at character {at}")
        at = _after_space(text, at)
    if at != len(text):
        raise ValueError(f"more than one value, at character {at + 1}")


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return at if found is None else found.end()
