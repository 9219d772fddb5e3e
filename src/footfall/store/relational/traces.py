"""Traces: what of an erased person is found only by looking for it."""

import json
import re
from collections.abc import Iterable

import msgspec

_DEVICE = re.compile(r"\b[0-9a-f]{32}\b")


class Subject(msgspec.Struct, frozen=True):
    """Whose observations are erased: a digest, and from when to before when."""

    digest: bytes
    since: int
    until: int


class _Known(msgspec.Struct, frozen=True, rename="camel"):
    """What of a profile names a person."""

    identities: dict[str, str] = {}
    first_name: str | None = None
    last_name: str | None = None


def words_of(contact: str, profile: bytes | None) -> list[str]:
    """Return what names a person: the contact's id, identities and names."""
    known = msgspec.json.decode(profile, type=_Known) if profile else _Known()
    words = [contact, *known.identities.values(), known.first_name, known.last_name]
    return [word for word in words if word]


def pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Match any of the words in any case, also as JSON escapes them."""
    spelled = {form for word in words for form in (word, json.dumps(word)[1:-1])}
    either = "|".join(map(re.escape, sorted(spelled, key=len, reverse=True)))
    return re.compile(rf"(?<!\w)(?:{either})(?!\w)", re.IGNORECASE)


def is_named(text: str, names: re.Pattern[str], devices: set[str]) -> bool:
    """Tell whether a text has one of the names or of the devices' digests in it."""
    return bool(names.search(text)) or not devices.isdisjoint(_DEVICE.findall(text))
