"""Parameters of a request: each has a parser, and all errors are told at once."""

from collections.abc import Callable, Mapping
from typing import Any

from footfall.errors import FieldError, ParameterInvalid

# By a parameter's name: what it is called here, and what reads its text, which raises
# ValueError with what is wrong.
Parsers = Mapping[str, tuple[str, Callable[[str], Any]]]


def parse_parameters(
    parameters: Mapping[str, list[str]], parsers: Parsers
) -> dict[str, Any]:
    """Read the parameters that were given, each once at most; others are ignored.

    Raises:
        ParameterInvalid: Values are not allowed; names all such parameters.
    """
    found: dict[str, Any] = {}
    errors: list[FieldError] = []
    for name, (attribute, parse) in parsers.items():
        values = parameters.get(name, [])
        try:
            if len(values) > 1:
                raise ValueError("is given more than once")
            if values:
                found[attribute] = parse(values[0])
        except (ValueError, OverflowError) as error:
            errors.append(FieldError(name, str(error)))
    if errors:
        raise ParameterInvalid.of(*errors)
    return found


def parse_whole_number(text: str, most: int) -> int:
    """Read a number from 1 to `most`; ValueError says what is wrong."""
    digits = text.isascii() and text.isdigit() and len(text) <= len(str(most))
    if not digits or not 1 <= int(text) <= most:
        raise ValueError(f"{text[:64]!r} is not a whole number from 1 to {most}")
    return int(text)
