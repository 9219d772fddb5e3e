"""Paging: the parameters of lists that are read from the newest on.

A page goes on before the id of the last item that its reader has.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from footfall.errors import FieldError, ParameterInvalid

SIZE_MAX, SIZE_DEFAULT = 100, 20
_NUMBER_MAX = 2**62
Parse = Callable[[str], dict[str, Any]]


class Paging(msgspec.Struct, frozen=True):
    """How many items, and before which number; None begins with the newest."""

    limit: int = SIZE_DEFAULT
    before: int | None = None


def parse_paging(parameters: Mapping[str, list[str]]) -> Paging:
    """Read `size` and `before`.

    Raises:
        ParameterInvalid: A value is not allowed; names all such parameters.
    """
    return Paging(**parse_all(parameters, PAGING))


def parse_all(
    parameters: Mapping[str, list[str]], parsers: Iterable[tuple[str, Parse]]
) -> dict[str, Any]:
    """Read parameters, each once at most, with a parser of each.

    Raises:
        ParameterInvalid: A value is not allowed; names all such parameters.
    """
    found: dict[str, Any] = {}
    errors: list[FieldError] = []
    for name, parse in parsers:
        values = parameters.get(name, [])
        try:
            if len(values) > 1:
                raise ValueError("is given more than once")
            if values:
                found |= parse(values[0])
        except ValueError as error:
            errors.append(FieldError(name, str(error)))
    if errors:
        raise ParameterInvalid.of(*errors)
    return found


def _size(text: str) -> dict[str, Any]:
    return {"limit": _number(text, SIZE_MAX)}


def _before(text: str) -> dict[str, Any]:
    return {"before": _number(text, _NUMBER_MAX)}


def _number(text: str, most: int) -> int:
    digits = text.isascii() and text.isdigit() and len(text) <= len(str(most))
    if not digits or not 1 <= int(text) <= most:
        raise ValueError(f"{text[:64]!r} is not a whole number from 1 to {most}")
    return int(text)


PAGING: tuple[tuple[str, Parse], ...] = (("size", _size), ("before", _before))
