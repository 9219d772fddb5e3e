"""The Python client of the API: `from footfall import Client, AsyncClient`.

It imports the core's structs and errors, and nothing of the server. `requests` builds
what is sent, `answers` reads what comes back, `readers` know what to ask next;
`blocking` and `asynchronous` only carry it.
"""

from footfall.client.asynchronous import AsyncClient
from footfall.client.blocking import Client
from footfall.client.errors import ClientError
from footfall.client.events import Changes, Event
from footfall.client.readers import HistoryPart, HistoryPlace
from footfall.client.receipts import Receipt, Rejection
from footfall.client.retries import RetryPolicy
from footfall.client.webhooks import WebhookMessage

__all__ = [
    "AsyncClient",
    "Changes",
    "Client",
    "ClientError",
    "Event",
    "HistoryPart",
    "HistoryPlace",
    "Receipt",
    "Rejection",
    "RetryPolicy",
    "WebhookMessage",
]
