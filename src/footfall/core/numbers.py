"""Numbers: refuse those that some JSON readers cannot read back.

Most readers turn a number into a double, and Python reads no integer of more than 4,300
digits. Larger numbers would come back as infinity, or not at all.
Source: RFC 8259, 6; https://docs.python.org/3/library/stdtypes.html#int-max-str-digits
"""

import json
import math
import re
from typing import NoReturn

DIGITS_MAX = 4_300
# A number beyond a double has many digits, or three in its exponent. The first class is
# what may stand before a number; before text there is a quotation mark.
_DOUBTFUL = re.compile(rb"[\s:,\[]-?(?:[0-9][0-9.]{199}|[0-9][0-9.]*[eE][+-]?[0-9]{3})")


def check_numbers(raw: bytes) -> None:
    """Check that all numbers in JSON can be read back.

    Args:
        raw: Valid JSON.

    Raises:
        ValueError: A number cannot be read back; names it.
        RecursionError: It is nested too deep.
    """
    if _DOUBTFUL.search(raw):
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
