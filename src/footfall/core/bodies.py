"""The forms in which items are sent: one, an array, `{"events": […]}`, NDJSON.

`split` cuts a body into the bytes of its items without judging them, so that one
bad item is rejected alone.
"""

import re
from collections.abc import Iterator

import msgspec

from footfall.errors import BodyInvalid

# A whole string, a bracket or comma, or a quote that no other quote closes.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{},]|"', re.DOTALL)
_DEEPER = {b"{": 1, b"[": 1, b"}": -1, b"]": -1}
_NAMED = re.compile(rb'\s*"(\w+)"\s*:\s*(\[.*\])\s*', re.DOTALL)


_envelope = msgspec.json.Decoder(dict[str, msgspec.Raw])
_array = msgspec.json.Decoder(list[msgspec.Raw])


def split(body: bytes, *, lines: bool = False, name: str = "events") -> list[bytes]:
    """Cut a body into its items.

    Args:
        body: JSON or NDJSON.
        lines: It is NDJSON; empty lines are no items.
        name: What the items are called.

    Raises:
        BodyInvalid: It has no items to find: empty, or not JSON as a whole.
    """
    if lines:
        items = [line for line in body.split(b"\n") if line.strip()]
    else:
        items = _split_json(body.strip(), name)
    if not items:
        raise BodyInvalid(f"The body has no {name}; send at least one.")
    return items


def _split_json(body: bytes, name: str) -> list[bytes]:
    try:
        return _split_whole(body, name)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        return _split_lexically(body, name, str(error))


def _split_whole(body: bytes, name: str) -> list[bytes]:
    if body[:1] == b"[":
        return [bytes(item) for item in _array.decode(body)]
    if body[:1] != b"{":
        raise BodyInvalid(
            f"The body is neither one of the {name}, an array of them nor an object "
            f"with an array `{name}`."
        )
    items = bytes(_envelope.decode(body).get(name, b""))
    if items and items[:1] != b"[":
        raise BodyInvalid(f"`{name}` is not an array.")
    return _split_whole(items, name) if items else [body]


def _split_lexically(body: bytes, name: str, reason: str) -> list[bytes]:
    """Cut where only the brackets are sound, so that the sound items are kept."""
    items = list(_elements(body, reason))
    if body[:1] == b"[":
        return items
    for item in items:
        found = _NAMED.fullmatch(item)
        if found and found[1] == name.encode():
            return list(_elements(found[2], reason))
    return [body]


def _elements(body: bytes, reason: str) -> Iterator[bytes]:
    """Yield what stands between the commas of the outermost brackets."""
    depth, start = 0, 1
    for token in _TOKEN.finditer(body):
        sign = token[0]
        depth += _DEEPER.get(sign, 0)
        if sign == b'"':
            break
        ends = depth == 0 or (depth == 1 and sign == b",")
        if ends and (item := body[start : token.start()].strip()):
            yield item
        if ends:
            start = token.end()
        if depth == 0:
            break
    if depth != 0 or body[start:].strip():
        raise BodyInvalid(f"The body is not JSON: {reason}.")
