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
    """Return a body as it is, or shortened if it is large and mostly blanks."""
    is_large = len(body) > _SMALL_BYTES
    return shorten(body) if is_large and _are_most(body) else body


def shorten(body: bytes) -> bytes:
    """Replace each run of blanks by few of them, in JSON or lines of it.

    It means the same then, and what is no JSON stays none.
    """
    return _TEXT_OR_RUN.sub(_shortened_run, body)


def _are_most(body: bytes) -> bool:
    pieces = range(0, len(body), _PIECE_BYTES)
    others = (body[at : at + _PIECE_BYTES].translate(None, _BLANKS) for at in pieces)
    return sum(map(len, others)) * 2 < len(body)


def _shortened_run(found: re.Match[bytes]) -> bytes:
    """Keep a text as it is; of blanks keep one, that between lines if there is one."""
    piece = found[0]
    if piece.startswith(b'"'):
        return piece
    return b"\n" if b"\n" in piece else b" "
