"""Decoding: turn sent JSON into a struct, or name every reason why it is not one."""

from collections.abc import Iterator
from typing import Any, TypeVar, get_args

import msgspec

from footfall.core.numbers import check_numbers
from footfall.errors import BodyInvalid, FieldError

T = TypeVar("T")


def decode_object(raw: bytes) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        BodyInvalid: It is not a JSON object.
    """
    try:
        value = msgspec.json.decode(raw.decode())
        check_numbers(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BodyInvalid(f"The body is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise BodyInvalid("The body is not a JSON object.")
    return value


def convert(value: dict[str, Any], kind: type[T]) -> T:
    """Read an object as a struct.

    Raises:
        BodyInvalid: Some fields are wrong; names each of them.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        errors = list(wrong_types(value, kind)) or [FieldError("", str(error))]
        raise BodyInvalid("Some fields are wrong; see `errors`.", errors) from None


def wrong_types(value: Any, kind: type, path: str = "") -> Iterator[FieldError]:
    """Yield an error for each field of a struct that is missing or has another type."""
    if not isinstance(value, dict):
        yield FieldError(path, f"Expected `object`, got `{_json_type(value)}`")
        return
    for field in msgspec.structs.fields(kind):
        name = f"{path}.{field.encode_name}".lstrip(".")
        if field.encode_name not in value:
            if field.required:
                yield FieldError(name, "is missing")
            continue
        inner = value[field.encode_name]
        struct = _struct_in(field.type)
        if struct is not None and isinstance(inner, dict):
            yield from wrong_types(inner, struct, name)
            continue
        try:
            msgspec.convert(inner, field.type)
        except msgspec.ValidationError as error:
            yield FieldError(name, str(error))


def _struct_in(kind: Any) -> type | None:
    for option in (kind, *get_args(kind)):
        if isinstance(option, type) and issubclass(option, msgspec.Struct):
            return option
    return None


def _json_type(value: Any) -> str:
    names = {list: "array", str: "str", bool: "bool", type(None): "null"}
    return names.get(type(value), "number")
