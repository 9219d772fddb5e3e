"""Attempts: the log of deliveries of a webhook, and a ping that tries it now."""

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any

import msgspec

from footfall.core.events.ids import id_of, key_of
from footfall.core.instants import format_instant
from footfall.core.paging import PAGING, SIZE_DEFAULT
from footfall.core.parameters import Parsers, parse_parameters
from footfall.core.subscriptions import heading_of
from footfall.core.webhooks import Answer, Outcome, headers
from footfall.flows.delivery.endpoint import Send
from footfall.flows.delivery.manage import Webhooks, entry_at, find
from footfall.store import Store
from footfall.store.transaction import Transaction
from footfall.store.webhooks import Attempt, Delivery, DeliveryQuery

_STATUSES = {outcome.name.lower(): outcome for outcome in Outcome}


class DeliveryView(msgspec.Struct, frozen=True, rename="camel"):
    """An attempt as the API shows it.

    Attributes:
        id: Its id.
        at: When.
        event_id: The event's id; null if the event is erased or withdrawn, or for a
            ping.
        attempt: Which attempt of the schedule it was, from 1.
        outcome: delivered, failed, given_up, dropped or disabled.
        status: The answer's status.
        reason: Why there was no answer.
        duration_ms: How long it took.
        answer: The first 1,024 bytes of the answer, as text.
    """

    id: str
    at: str
    event_id: str | None
    attempt: int
    outcome: str
    status: int | None
    reason: str | None
    duration_ms: int
    answer: str


class Pinged(msgspec.Struct, frozen=True, rename="camel"):
    """What became of a ping."""

    delivered: bool
    status: int | None
    reason: str | None
    duration_ms: int
    answer: str


def list_deliveries(
    store: Store,
    organization: str,
    webhook: str,
    parameters: Mapping[str, list[str]],
) -> list[DeliveryView]:
    """Return the attempts of a webhook, newest first.

    Args:
        store: Where they are.
        organization: Its id.
        webhook: The webhook's id.
        parameters: `event`, `status`, `size`, `before`.

    Raises:
        ParameterInvalid: Values are not allowed; names all such parameters.
        WebhookUnknown: There is no such webhook.
    """
    query = _parse(parameters)

    def work(transaction: Transaction) -> list[Delivery]:
        stored = find(transaction, webhook)
        return transaction.webhooks.deliveries(stored.number, query)

    found = store.read(organization, work)
    return [_shown(store, organization, one) for one in found]


async def ping(
    webhooks: Webhooks, send: Send, organization: str, webhook: str, now: int
) -> Pinged:
    """Send a message of the type `ping` now, once; it is in the log of deliveries.

    Raises:
        WebhookUnknown: There is no such webhook.
    """
    store = webhooks.store
    stored = await asyncio.to_thread(
        store.read, organization, lambda transaction: find(transaction, webhook)
    )
    when = format_instant(now)
    body = msgspec.json.encode(
        {"type": "ping", "timestamp": when, "data": {"webhookId": webhook}}
    )
    opened = webhooks.secrets.open(stored.webhook, now)
    name = f"msg_{secrets.token_hex(16)}"
    signed = headers(name, body, now, opened)
    answer = await send(stored.webhook.url, body, signed, organization)
    outcome = Outcome.DELIVERED if answer.succeeded else Outcome.FAILED
    attempt = Attempt(
        now,
        outcome,
        1,
        duration_ms=answer.duration_ms,
        status=answer.status,
        reason=answer.reason,
        answer=answer.body,
    )
    writing = await asyncio.to_thread(
        store.transaction,
        organization,
        lambda transaction: transaction.webhooks.add_attempts(stored.number, [attempt]),
    )
    await asyncio.wrap_future(writing)
    return _pinged(answer)


def _pinged(answer: Answer) -> Pinged:
    return Pinged(
        answer.succeeded,
        answer.status,
        answer.reason,
        answer.duration_ms,
        _text(answer.body),
    )


def _shown(store: Store, organization: str, delivery: Delivery) -> DeliveryView:
    return DeliveryView(
        str(delivery.number),
        format_instant(delivery.at),
        _event_id(store, organization, delivery),
        delivery.attempt,
        delivery.outcome.name.lower(),
        delivery.status,
        delivery.reason,
        delivery.duration_ms,
        _text(delivery.answer),
    )


def _event_id(store: Store, organization: str, delivery: Delivery) -> str | None:
    """Return the id of a usual event by its key, of another one from the log."""
    if not delivery.event or delivery.arrival is None:
        return None
    usual = id_of(delivery.event)
    if usual is not None:
        return usual
    entry = entry_at(store, organization, delivery.arrival)
    return None if entry is None else heading_of(entry.body).id


def _text(answer: bytes) -> str:
    return answer.rstrip(b"\0").decode(errors="replace")


def _parse(parameters: Mapping[str, list[str]]) -> DeliveryQuery:
    own: Parsers = {"event": ("event", key_of), "status": ("of_status", _status)}
    found = parse_parameters(parameters, {**own, **PAGING})
    of_status = found.pop("of_status", {})
    return DeliveryQuery(**{"limit": SIZE_DEFAULT} | found | of_status)


def _status(text: str) -> dict[str, Any]:
    if text in _STATUSES:
        return {"outcomes": (_STATUSES[text],)}
    if text.isascii() and text.isdigit() and len(text) == len("200"):
        return {"status": int(text)}
    allowed = ", ".join(_STATUSES)
    raise ValueError(f"{text[:64]!r} is no HTTP status and none of {allowed}")
