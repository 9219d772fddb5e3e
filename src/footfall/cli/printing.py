"""What the commands share: the store that was named, and how data is printed."""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from footfall import settings

if TYPE_CHECKING:
    from footfall.store import Store


@contextlib.contextmanager
def opened(store: str | None) -> Iterator["Store"]:
    """Open the store that the command or the environment names."""
    from footfall import service

    opened_store = service.open_store(settings.load(os.environ, store=store))
    try:
        yield opened_store
    finally:
        opened_store.close()


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    import msgspec

    data = msgspec.json.format(msgspec.json.encode(value), indent=2)
    sys.stdout.write(data.decode() + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows under their columns."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    Console(soft_wrap=True).print(table)
