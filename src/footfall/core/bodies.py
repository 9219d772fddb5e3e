"""The forms in which events are sent: one, an array, `{"events": […]}`, NDJSON.

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
_EVENTS = re.compile(rb'\s*"events"\s*:\s*(\[.*\])\s*', re.DOTALL)


class _Envelope(msgspec.Struct):
    events: msgspec.Raw = msgspec.Raw()


_envelope = msgspec.json.Decoder(_Envelope)
_array = msgspec.json.Decoder(list[msgspec.Raw])


def split(body: bytes, *, lines: bool = False) -> list[bytes]:
    """Cut a body into its items.

    Args:
        body: JSON or NDJSON.
        lines: It is NDJSON; empty lines are no items.

    Raises:
        BodyInvalid: It has no items to find: empty, or not JSON as a whole.
    """
    if lines:
        items = [line for line in body.split(b"\n") if line.strip()]
    else:
        items = _split_json(body.strip())
    if not items:
        raise BodyInvalid("The body has no events; send at least one.")
    return items


def _split_json(body: bytes) -> list[bytes]:
    try:
        return _split_whole(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        return _split_lexically(body, str(error))


def _split_whole(body: bytes) -> list[bytes]:
    if body[:1] == b"[":
        return [bytes(item) for item in _array.decode(body)]
    if body[:1] != b"{":
        raise BodyInvalid(
            "The body is neither an event, an array of events nor an object with "
            "an array `events`."
        )
    events = bytes(_envelope.decode(body).events)
    if events and events[:1] != b"[":
        raise BodyInvalid("`events` is not an array.")
    return _split_whole(events) if events else [body]


def _split_lexically(body: bytes, reason: str) -> list[bytes]:
    """Cut where only the brackets are sound, so that the sound items are kept."""
    items = list(_elements(body, reason))
    if body[:1] == b"[":
        return items
    for item in items:
        if found := _EVENTS.fullmatch(item):
            return list(_elements(found[1], reason))
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
