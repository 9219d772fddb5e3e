"""Traces: what of an erased person is found only by looking for it."""

import json
import re
from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec

from footfall.store.transaction import BEGINNING

T = TypeVar("T")
_DEVICE = re.compile(r"\b[0-9a-f]{32}\b")
_END = 2**62


class Subject(msgspec.Struct, frozen=True):
    """Whose observations are erased: a digest, and from when to before when."""

    digest: bytes
    since: int
    until: int


def subjects_of(key: bytes, devices: Iterable[Any]) -> list[Subject]:
    """Return what observations hold of a person.

    Args:
        key: What stands for the contact's id.
        devices: Of each device its digest, since when it was the person's, when the
            next owner had it, and whether nobody had it before.
    """
    subjects = [Subject(key, BEGINNING, _END)]
    for device, since, until, is_first in devices:
        # Before its first owner the device was this person's as far as is known.
        start = BEGINNING if is_first else since
        subjects.append(Subject(device, start, _END if until is None else until))
    return subjects


def digests_of(subjects: Iterable[Subject]) -> set[str]:
    """Return the digests of subjects as texts have them."""
    return {one.digest.hex() for one in subjects}


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


def rejections_of(
    rows: Iterable[Any], names: re.Pattern[str], devices: set[str]
) -> list[int]:
    """Return the numbers of the rejections that have a name or a device in them.

    Args:
        rows: A number, a reason and a body each.
        names: Matches what names a person.
        devices: The digests of its devices, as texts have them.
    """
    return [
        number
        for number, reason, body in rows
        if _is_named(f"{reason}\n{body.decode(errors='replace')}", names, devices)
    ]


def _is_named(text: str, names: re.Pattern[str], devices: set[str]) -> bool:
    return bool(names.search(text)) or not devices.isdisjoint(_DEVICE.findall(text))


def sliced(rows: list[T], size: int) -> Iterable[list[T]]:
    """Yield the rows in slices."""
    return (rows[at : at + size] for at in range(0, len(rows), size))
