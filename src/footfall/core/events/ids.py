"""The ids of events: how they are made, checked, and turned into keys of the store."""

import hashlib
import re
from collections.abc import Iterator

from footfall.core.events.types import GEOFENCE_TYPES
from footfall.errors import FieldError

ID_LENGTH_MAX = 128
_USUAL_ID = re.compile("[0-9a-f]{32}[gl]")
_USUAL_KEY_LENGTH = 17


def key_of(event_id: str) -> bytes:
    """Return the key of an id in the store: short, and in the order of usual ids.

    The 32 hex digits and the letter of a usual id become 17 bytes. Any other id becomes
    a digest of 16 bytes and `#`, which no usual id ends with.
    """
    if _USUAL_ID.fullmatch(event_id):
        return bytes.fromhex(event_id[:32]) + event_id[-1].encode()
    digest = hashlib.blake2b(event_id.encode(), digest_size=16).digest()
    return digest + b"#"


def id_of(key: bytes) -> str | None:
    """Return the id that a key was made of, if it is a usual one."""
    if len(key) != _USUAL_KEY_LENGTH or key[-1:] not in (b"g", b"l"):
        return None
    return key[:16].hex() + key[-1:].decode()


def make_id(instant: int, random_bits: int) -> str:
    """Make the digits of a time-ordered id: 48 bits of milliseconds, then 80 random."""
    return f"{instant // 1000:012x}{random_bits:020x}"


def time_key(instant: int, bits: bytes) -> bytes:
    """Return the key of an id as `make_id` makes it, ended with `l`; of 10 bytes."""
    return (instant // 1000).to_bytes(6) + bits + b"l"


def id_letter(event_type: str) -> str:
    """Return the letter that ends the id of an event of that type."""
    return "g" if event_type in GEOFENCE_TYPES else "l"


def bad_id(field: str, value: str) -> Iterator[FieldError]:
    """Yield the errors of an id that was sent."""
    if not value:
        yield FieldError(field, "is empty; leave it out or give it a value")
    elif len(value) > ID_LENGTH_MAX:
        message = f"has {len(value)} characters; at most {ID_LENGTH_MAX} are allowed"
        yield FieldError(field, message)
    elif not value.isprintable():
        yield FieldError(field, "has control or other unprintable characters")
