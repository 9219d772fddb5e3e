"""Numbers: refuse those that some JSON readers cannot read back.

Most readers turn a number into a double, and Python reads no integer of more than 4,300
digits. Larger numbers would come back as infinity, or not at all.
Source: RFC 8259, 6; https://docs.python.org/3/library/stdtypes.html#int-max-str-digits
"""

import json
import math
from typing import NoReturn

import msgspec

DIGITS_MAX = 4_300
# The decoder refuses a number beyond a double, except one of so many digits. It is five
# times as fast as any search for what may be such a number.
_decoder = msgspec.json.Decoder()
_LONG = b"0" * 200
_ALIKE = bytes.maketrans(b"123456789.", b"0" * 10)


def check_numbers(raw: bytes) -> None:
    """Check that all numbers in JSON can be read back.

    Args:
        raw: Valid JSON.

    Raises:
        ValueError: A number cannot be read back; names it.
        RecursionError: It is nested too deep.
    """
    try:
        _decoder.decode(raw)
    except msgspec.DecodeError as error:
        _check_each(raw)
        raise ValueError(str(error)) from None
    if _LONG in raw.translate(_ALIKE):
        _check_each(raw)


def _check_each(raw: bytes) -> None:
    json.loads(raw, parse_int=_check, parse_float=_check, parse_constant=_refuse)


def _check(text: str) -> None:
    if len(text) > DIGITS_MAX:
        raise ValueError(
            f"the number {text[:20]}… has over {DIGITS_MAX:,} digits; send it as text"
        )
    if not math.isfinite(float(text)):
        raise ValueError(
            f"the number {text[:20]}{'…' * (len(text) > 20)} is beyond a double; "  # noqa: PLR2004
            "send it as text"
        )


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a JSON number")
