"""Blanks: a large body that is mostly blanks is shortened before it is decoded.

The decoder skips 300 to 600 MB of blanks a second, and no other thread runs meanwhile:
32 MiB of them would stop all requests for 100 ms. Here they are counted and replaced a
piece at a time.
"""

import re

_BLANKS = b" \t\r\n"
# What is smaller is decoded in a few milliseconds, whatever it holds.
_SMALL_BYTES = 4 * 1024 * 1024
_PIECE_BYTES = 256 * 1024
# A text, also one that its line cuts off; or a piece of a run of blanks.
_TEXT_OR_RUN = re.compile(
    rb'"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"?|[ \t\r\n]{2,%d}' % _PIECE_BYTES
)


def shortened(body: bytes) -> bytes:
    """Return JSON, or lines of it, that means the same, if large with few blanks.

    What is no JSON stays none.
    """
    if len(body) <= _SMALL_BYTES or not _are_most(body):
        return body
    return _TEXT_OR_RUN.sub(_shorten, body)


def _are_most(body: bytes) -> bool:
    pieces = range(0, len(body), _PIECE_BYTES)
    others = (body[at : at + _PIECE_BYTES].translate(None, _BLANKS) for at in pieces)
    return sum(map(len, others)) * 2 < len(body)


def _shorten(found: re.Match[bytes]) -> bytes:
    """Keep a text as it is; of blanks keep one, that between lines if there is one."""
    piece = found[0]
    if piece.startswith(b'"'):
        return piece
    return b"\n" if b"\n" in piece else b" "
