"""What the commands share: the store that was named, and how data is printed."""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from footfall import settings
from footfall.errors import StoreError

if TYPE_CHECKING:
    from footfall.store import Store


@contextlib.contextmanager
def opened(store: str | None, *, creates: bool = False) -> Iterator["Store"]:
    """Open the store that the command or the environment names.

    Raises:
        StoreError: There is none, and the command is not one that `creates` it.
    """
    from footfall import service

    chosen = settings.load(os.environ, store=store)
    if not (creates or chosen.path.exists()):
        raise StoreError(
            f"There is no {chosen.path}: `footfall serve` or `footfall organization "
            "create` makes it, or name another with --store."
        )
    opened_store = service.open_store(chosen)
    try:
        yield opened_store
    finally:
        opened_store.close()


def shown(text: str) -> str:
    """Return text that is safe on a terminal: what is not printable is escaped.

    Names, ids and problems come from outside. A control character in one could move the
    cursor, colour the screen or turn the order of the letters around.
    """
    return "".join(
        letter if letter.isprintable() or letter == "\n" else _escaped(letter)
        for letter in text
    )


def _escaped(letter: str) -> str:
    """Write a character as JSON does, so that JSON stays what it is."""
    units = letter.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def say(text: str) -> None:
    """Print lines to the one who asked."""
    sys.stdout.write(shown(text) + "\n")


def warn(text: str) -> None:
    """Print lines that are no result."""
    sys.stderr.write(shown(text) + "\n")


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    import msgspec

    say(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under their columns."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        # Text, for in a string `[red]` would be a style.
        table.add_row(*(Text(shown(str(cell)).replace("\n", "\\n")) for cell in row))
    Console(soft_wrap=True).print(table)
