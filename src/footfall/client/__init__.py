"""The Python client of the API: `from footfall import Client, AsyncClient`.

It imports the core's structs and errors, and nothing of the server. `requests` builds
what is sent, `responses` reads what comes back, `readers` know what to ask next;
`blocking` and `asynchronous` only carry it.
"""

import importlib
from typing import TYPE_CHECKING, Any

from footfall.client.blocking import Client
from footfall.client.errors import ClientError
from footfall.client.events import Changes, Event
from footfall.client.readers import HistoryPart, HistoryPosition
from footfall.client.receipts import Receipt, Rejection
from footfall.client.retries import RetryPolicy
from footfall.client.webhooks import WebhookMessage

if TYPE_CHECKING:
    from footfall.client.asynchronous import AsyncClient

__all__ = [
    "AsyncClient",
    "Changes",
    "Client",
    "ClientError",
    "Event",
    "HistoryPart",
    "HistoryPosition",
    "Receipt",
    "Rejection",
    "RetryPolicy",
    "WebhookMessage",
]


def __getattr__(name: str) -> Any:
    """Load what needs asyncio when it is asked for: that takes 40 ms."""
    if name == "AsyncClient":
        return importlib.import_module("footfall.client.asynchronous").AsyncClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
