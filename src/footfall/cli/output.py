"""Opening the store and printing, for all commands."""

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
        StoreError: There is none, and this command does not create one (`creates`).
    """
    from footfall import service

    chosen = settings.load(os.environ, store=store)
    if not (creates or chosen.is_postgres or chosen.path.exists()):
        raise StoreError(
            f"There is no {chosen.path}: create it with `footfall serve` or `footfall "
            "organization create`, or name another with --store."
        )
    opened_store = service.open_store(chosen)
    try:
        yield opened_store
    finally:
        opened_store.close()


def shown(text: str) -> str:
    """Return text that is safe on a terminal: unprintable characters are escaped.

    Names, ids and problems come from outside. A control character in one could move the
    cursor, colour the screen or reverse the order of the letters.
    """
    return "".join(
        letter if letter.isprintable() or letter == "\n" else _escaped(letter)
        for letter in text
    )


def _escaped(letter: str) -> str:
    """Write a character as a JSON escape, so that printed JSON stays valid."""
    units = letter.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def say(text: str) -> None:
    """Print a result to stdout."""
    sys.stdout.write(shown(text) + "\n")


def warn(text: str) -> None:
    """Print a message to stderr, apart from the results."""
    sys.stderr.write(shown(text) + "\n")


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    import msgspec

    say(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_list(found: Sequence[object], columns: Sequence[str], *, json: bool) -> None:
    """Print structs or dicts: whole as JSON, or a table of these fields."""
    if json:
        print_json(found)
        return
    import msgspec
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=None, pad_edge=False)
    for row in msgspec.to_builtins(found):
        cells = ("" if row[name] is None else str(row[name]) for name in columns)
        # Text, because rich would read `[red]` in a string as a style.
        table.add_row(*(Text(shown(cell).replace("\n", "\\n")) for cell in cells))
    Console(soft_wrap=True).print(table)
