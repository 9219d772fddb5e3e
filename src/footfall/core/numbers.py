"""Numbers: which ones every reader of JSON can read back.

A double is what most readers make of a number, and Python reads no integer of more
than 4,300 digits. What is beyond would come back as infinity, or not at all.
Source: RFC 8259, 6; https://docs.python.org/3/library/stdtypes.html#int-max-str-digits
"""

import json
import math
import re
from typing import NoReturn

DIGITS_MAX = 4_300
# What can be beyond a double has many digits or three in its exponent. A number stands
# behind one of these; text stands behind a quotation mark.
_DOUBTFUL = re.compile(rb"[\s:,\[]-?(?:[0-9][0-9.]{199}|[0-9][0-9.]*[eE][+-]?[0-9]{3})")


def check_numbers(raw: bytes) -> None:
    """Accept JSON all of whose numbers can be read back.

    Args:
        raw: JSON, checked to be so.

    Raises:
        ValueError: It has one that cannot, and which.
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
    raise ValueError(f"{text} is not a number of JSON")
