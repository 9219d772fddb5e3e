"""What the decoders share: reading JSON fields that may have any type."""

import json
import math
from collections.abc import Iterator
from typing import Any

import msgspec

from footfall.core import instants
from footfall.core.instants import SECOND
from footfall.core.observations import Rejection, parse_mac
from footfall.errors import FieldError

# Epoch times over this are milliseconds: in seconds it would be the year 5138.
_MILLISECONDS_FROM = 100_000_000_000
_SIGNAL_MIN, _SIGNAL_MAX = -200, 100


def read_json(body: bytes) -> Any:
    """Read JSON; also `NaN`, which is not JSON but some senders write.

    Raises:
        ValueError: It is not JSON.
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        value = json.loads(body)
        # Raises for a lone surrogate, which cannot be stored or written as UTF-8.
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("is nested too deep") from None
    except UnicodeEncodeError:
        raise ValueError("has a lone surrogate in a string") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise ValueError(f"is not JSON: {error}") from None
    return value


def checked_object(value: Any) -> dict[str, Any]:
    """Read an object.

    Raises:
        ValueError: It is not an object.
    """
    if not isinstance(value, dict):
        raise ValueError("is not an object")  # noqa: TRY004  as for every wrong value
    return value


def mac_of(value: Any) -> bytes:
    """Read a MAC address.

    Raises:
        ValueError: It is not one.
    """
    if not isinstance(value, str):
        raise ValueError("is not a MAC address")  # noqa: TRY004  as above
    return parse_mac(value)


def optional_mac(value: Any) -> bytes | None:
    """Read a MAC address, if it is one."""
    try:
        return mac_of(value)
    except ValueError:
        return None


def signal_of(value: Any) -> int | None:
    """Read a signal in dBm, a number or a number as text; None for all else."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if not math.isfinite(number) or not _SIGNAL_MIN <= number <= _SIGNAL_MAX:
        return None
    return round(number)


def epoch_of(value: Any) -> int:
    """Read seconds or milliseconds since 1970 as an instant.

    Raises:
        ValueError: It is not such a number.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("is not a time in seconds since 1970")  # noqa: TRY004  as above
    # NaN fails this too; an integer beyond a double is compared exactly.
    if not 0 <= value < _MILLISECONDS_FROM * 1000:
        raise ValueError(f"{str(value)!r} is not a time in seconds since 1970")
    seconds = value / 1000 if value >= _MILLISECONDS_FROM else value
    return int(seconds * SECOND)


def instant_of(value: Any) -> int:
    """Read an ISO 8601 time.

    Raises:
        ValueError: It is not one.
    """
    if not isinstance(value, str):
        raise ValueError("is not an ISO 8601 time")  # noqa: TRY004  as above
    return instants.parse_instant(value)


def text_of(value: Any) -> str | None:
    """Read text; None for blank text and all else."""
    return value.strip() or None if isinstance(value, str) else None


def object_of(value: Any) -> dict[str, Any]:
    """Read an object; all else counts as an empty one."""
    return value if isinstance(value, dict) else {}


def list_of(value: Any) -> list[Any]:
    """Read an array; all else counts as an empty one."""
    return value if isinstance(value, list) else []


def rejection(
    field: str, error: Exception | str, raw: Any, index: int = 0
) -> Rejection:
    """Return the rejection of a part of a post that was not understood."""
    data = raw if isinstance(raw, bytes) else json.dumps(raw, default=str).encode()
    return Rejection((FieldError(field, str(error)),), data, index)


def items(value: Any, field: str) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Yield the items of an array that are objects, with their path and index."""
    for index, item in enumerate(list_of(value)):
        if isinstance(item, dict):
            yield f"{field}[{index}]", index, item
