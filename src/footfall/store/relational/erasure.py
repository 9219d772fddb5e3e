"""Erasure: what both engines do alike of it; the steps themselves are an engine's."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, TypeVar

from footfall.errors import FootfallError
from footfall.store.transaction import BEGINNING

T = TypeVar("T")
Rows_co = TypeVar("Rows_co", covariant=True)


class Runner(Protocol[Rows_co]):
    """How the steps reach the rows, in the form that an engine has them."""

    def write(self, step: Callable[[Rows_co], T]) -> T:
        """Do a step in a transaction of its own."""

    def read(self, look: Callable[[Rows_co], T]) -> T:
        """Look at one state of the database, beside the writer."""


def pseudonyms(
    contact: int, devices: Iterable[Any], number_of: Callable[[str], int | None]
) -> list[int]:
    """Return the contacts that a person's devices were before it was known.

    What they did became the person's; but what was announced of them is still theirs.

    Args:
        contact: The person's number.
        devices: Of each device its digest, since when it was the person's, and more.
        number_of: Returns the number of a contact by its id.
    """
    # Only from a pseudonym is a device inherited from the beginning of time.
    found = [
        number_of(device.hex()) for device, since, *_ in devices if since == BEGINNING
    ]
    return [number for number in found if number is not None and number != contact]


@contextlib.contextmanager
def going_on() -> Iterator[None]:
    """Say with an error that the first step is done, and what becomes of the others."""
    try:
        yield
    except FootfallError as error:
        raise type(error)(
            f"{error.detail} The contact is unknown from now on; the erasure of its "
            "events has begun, and goes on by itself."
        ) from error
