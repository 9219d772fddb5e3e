"""Paging: the parameters of lists that are read from the newest on.

A page goes on before the id of the last item that its reader has.
"""

from collections.abc import Mapping

import msgspec

from footfall.core.parameters import Parsers, parse_parameters, parse_whole_number

SIZE_MAX, SIZE_DEFAULT = 100, 20
_NUMBER_MAX = 2**62
PAGING: Parsers = {
    "size": ("limit", lambda text: parse_whole_number(text, SIZE_MAX)),
    "before": ("before", lambda text: parse_whole_number(text, _NUMBER_MAX)),
}


class Paging(msgspec.Struct, frozen=True):
    """How many items, and before which number; None begins with the newest."""

    limit: int = SIZE_DEFAULT
    before: int | None = None


def parse_paging(parameters: Mapping[str, list[str]]) -> Paging:
    """Read `size` and `before`.

    Raises:
        ParameterInvalid: A value is not allowed; names all such parameters.
    """
    return Paging(**parse_parameters(parameters, PAGING))
