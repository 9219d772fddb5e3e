"""Exports: the whole result of a query, as lines of JSON or as a table.

An *export* is a scroll in one response: it has no size, and a bound from its beginning,
so it ends. In lines of JSON, each part ends with a marker, a line that is no event
(`{"footfall":{"scrollId":…}}`): a client that lost the connection continues from there.
Only the last line says that the export is complete.
"""

from collections.abc import Mapping

from footfall.core.queries import Request, parse_flag, parse_request
from footfall.errors import FieldError, ParameterInvalid


def parse_export(
    organization: str, contact: str | None, parameters: Mapping[str, list[str]]
) -> Request:
    """Read the parameters of an export: those of a page but `size`.

    Raises:
        ParameterInvalid: Values are not allowed; names all such parameters.
    """
    errors: list[FieldError] = []
    request = None
    try:
        request = parse_request(organization, contact, parameters)
    except ParameterInvalid as invalid:
        errors += [error for error in invalid.errors if error.field != "size"]
    if "size" in parameters:
        message = "an export has the whole result and takes no size; leave it out"
        errors.append(FieldError("size", message))
    if request is None or errors:
        raise ParameterInvalid.of(*errors)
    return request


def parse_raw(parameters: Mapping[str, list[str]]) -> bool:
    """Read whether a table's text is to stay as it is, formulas too.

    Raises:
        ParameterInvalid: The value is not allowed.
    """
    values = parameters.get("raw", ["false"])
    try:
        if len(values) > 1:
            raise ValueError("is given more than once")
        return parse_flag(values[0])
    except ValueError as error:
        raise ParameterInvalid.of(FieldError("raw", str(error))) from None


def is_own(line: bytes) -> bool:
    """Tell whether a line of an export is no event, but footfall's own."""
    return line.startswith(b'{"footfall":')


def marker(scroll_id: str) -> bytes:
    """Write the line between two parts."""
    return b'{"footfall":{"scrollId":"%s"}}\n' % scroll_id.encode()


def completion(count: int, scroll_id: str | None) -> bytes:
    """Write the last line of an export: how many events it had.

    Args:
        count: The number of events.
        scroll_id: Where later events go on, of an export in the order of arrival.
    """
    more = b"" if scroll_id is None else b',"scrollId":"%s"' % scroll_id.encode()
    return b'{"footfall":{"complete":true,"count":%d%s}}\n' % (count, more)
