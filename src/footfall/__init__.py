"""footfall: a self-hosted platform for the events of a business's guests."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from footfall.client import AsyncClient, Client

__version__ = "0.1.0"
__all__ = ["AsyncClient", "Client", "__version__"]


def __getattr__(name: str) -> Any:
    """Load the client when it is asked for: the server and the commands need none."""
    if name in {"AsyncClient", "Client"}:
        return getattr(importlib.import_module("footfall.client"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
