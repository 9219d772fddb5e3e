"""Scrolls: a reader's position in a query, as a token that the client carries.

A *scroll* is a value: the query, the position of the last event given, and the *bound*,
the newest arrival number when the scroll began. An event that arrives later lies beyond
the bound, so it neither appears in the scroll nor disturbs it. The server remembers
nothing: the same `scrollId` always gives the same page.

The token is sealed with AES-SIV (RFC 5297, from `cryptography`): a client cannot change
it, nor read from it how many events all tenants have.
"""

import base64
import binascii
import hashlib

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from footfall.core.queries import PARAMETER_NAMES, EventQuery, Position, Request, Sort
from footfall.errors import FieldError, ScrollForeign, ScrollMismatch, ScrollTampered

_TEXT_MAX = 512


class Scroll(msgspec.Struct, frozen=True):
    """Where a reader is: after `position`, among what arrived up to `bound`."""

    query: EventQuery
    position: Position
    bound: int


class _Sealed(msgspec.Struct, array_like=True, frozen=True):
    """The contents of the token; each id is replaced with a digest of 8 bytes."""

    version: int
    organization: bytes
    contact: bytes
    start_at: int | None
    end_at: int | None
    types: tuple[int, ...]
    sort: Sort
    reverse: bool
    size: int
    position: Position
    bound: int


class ScrollSeal:
    """Makes scrollIds and opens them again."""

    def __init__(self, key: bytes):
        """Take a key of 64 bytes."""
        self._cipher = AESSIV(key)

    def seal(self, scroll: Scroll) -> str:
        """Make the scrollId: URL-safe text, under 512 characters."""
        query = scroll.query
        sealed = _Sealed(
            version=1,
            organization=_stand_in(query.organization),
            contact=_stand_in(query.contact),
            start_at=query.start_at,
            end_at=query.end_at,
            types=query.types,
            sort=query.sort,
            reverse=query.reverse,
            size=query.size,
            position=scroll.position,
            bound=scroll.bound,
        )
        data = self._cipher.encrypt(msgspec.msgpack.encode(sealed), None)
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

    def open(self, scroll_id: str, request: Request) -> Scroll:
        """Open a scrollId for the request that it came with.

        Raises:
            ScrollTampered: footfall did not make it.
            ScrollForeign: It was made for another organization.
            ScrollMismatch: It was made for another contact or other parameters.
        """
        sealed = self._unseal(scroll_id)
        asked = request.query
        if sealed.organization != _stand_in(asked.organization):
            raise ScrollForeign("This scrollId is not for this organization.")
        if sealed.contact != _stand_in(asked.contact):
            raise ScrollMismatch("This scrollId was made for another path.")
        query = EventQuery(
            organization=asked.organization,
            contact=asked.contact,
            start_at=sealed.start_at,
            end_at=sealed.end_at,
            types=sealed.types,
            sort=sealed.sort,
            reverse=sealed.reverse,
            size=sealed.size,
        )
        differing = [
            FieldError(
                PARAMETER_NAMES[name],
                "cannot change during a scroll; repeat its value or leave it out",
            )
            for name in sorted(request.given)
            if getattr(asked, name) != getattr(query, name)
        ]
        if differing:
            names = ", ".join(error.field for error in differing)
            raise ScrollMismatch(f"{names} cannot change during a scroll.", differing)
        return Scroll(query, sealed.position, sealed.bound)

    def _unseal(self, scroll_id: str) -> _Sealed:
        try:
            if len(scroll_id) >= _TEXT_MAX or "=" in scroll_id:
                raise ValueError
            padded = scroll_id.encode() + b"=" * (-len(scroll_id) % 4)
            data = base64.b64decode(padded, altchars=b"-_", validate=True)
            # The last character has spare bits; accept only one spelling.
            if base64.urlsafe_b64encode(data) != padded:
                raise ValueError
            opened = self._cipher.decrypt(data, None)
            return msgspec.msgpack.decode(opened, type=_Sealed)
        except (ValueError, InvalidTag, binascii.Error, msgspec.MsgspecError):
            raise ScrollTampered(
                "This scrollId is not valid; send it exactly as you received it.",
                [FieldError("scrollId", "was not made by this service")],
            ) from None


def _stand_in(name: str | None) -> bytes:
    if name is None:
        return b""
    return hashlib.blake2b(name.encode(), digest_size=8).digest()
