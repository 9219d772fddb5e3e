"""The endpoints of an organization, what waits for them, and what was tried."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from typing_extensions import override

from footfall.core.webhooks import EndpointState, Outcome
from footfall.store.relational.contacts import find_contacts
from footfall.store.relational.repository import Repository
from footfall.store.webhooks import (
    Arrivals,
    Attempt,
    Delivery,
    DeliveryQuery,
    PendingDelivery,
    StoredWebhook,
    Webhook,
    WebhookRepository,
)

# So many attempts are kept for an endpoint; so many are forgotten in one step.
DELIVERIES_MAX = 100_000
SURPLUS_STEP = 2_500
_END = 2**62


class SQLWebhooks(Repository, WebhookRepository):
    """The webhooks of an organization."""

    @override
    def all(self) -> list[StoredWebhook]:
        return [_stored(row) for row in self._run("webhooks")]

    @override
    def find(self, webhook: str) -> StoredWebhook | None:
        row = self._one("webhook", id=webhook)
        return None if row is None else _stored(row)

    @override
    def add(self, webhook: Webhook, state: EndpointState) -> StoredWebhook:
        row = self._one(
            "add_webhook",
            id=webhook.id,
            body=msgspec.json.encode(webhook),
            state=msgspec.json.encode(state),
        )
        assert row is not None  # noqa: S101  it was inserted
        return StoredWebhook(int(row[0]), 1, webhook, state)

    @override
    def change(
        self, stored: StoredWebhook, webhook: Webhook, state: EndpointState
    ) -> StoredWebhook:
        row = self._one(
            "change_webhook",
            webhook=stored.number,
            body=msgspec.json.encode(webhook),
            state=msgspec.json.encode(state),
        )
        version = stored.version if row is None else int(row[0])
        return StoredWebhook(stored.number, version, webhook, state)

    @override
    def delete(self, stored: StoredWebhook) -> None:
        self._run("delete_all_pending", webhook=stored.number)
        self._run("delete_webhook", webhook=stored.number)

    @override
    def put_state(self, number: int, state: EndpointState) -> None:
        body = msgspec.json.encode(state)
        self._run("put_webhook_state", webhook=number, state=body)

    @override
    def pending(self, number: int, now: int, limit: int) -> list[PendingDelivery]:
        rows = self._run("pending_deliveries", webhook=number, now=now, limit=limit)
        return [_pending(row) for row in rows]

    @override
    def first_pending(self, number: int) -> PendingDelivery | None:
        row = self._one("first_pending", webhook=number)
        return None if row is None else _pending(row)

    @override
    def count_pending(self, number: int) -> int:
        row = self._one("count_pending", webhook=number)
        return 0 if row is None else int(row[0])

    @override
    def put_pending(self, number: int, waiting: Iterable[PendingDelivery]) -> None:
        rows = [
            {
                "webhook": number,
                "arrivals": msgspec.msgpack.encode(one.arrivals),
                "attempts": one.attempts,
                "retry_at": one.retry_at,
                "due_at": one.due_at,
                "early": one.early,
            }
            for one in waiting
        ]
        self._many("put_pending", rows)

    @override
    def delete_pending(self, number: int, done: Iterable[Arrivals]) -> None:
        rows = [
            {"webhook": number, "arrivals": msgspec.msgpack.encode(one)} for one in done
        ]
        self._many("delete_pending", rows)

    @override
    def hasten(self, number: int, now: int, spread: int, early_max: int) -> None:
        self._run(
            "hasten_pending",
            webhook=number,
            now=now,
            spread=spread,
            early_max=early_max,
        )

    @override
    def add_attempts(self, number: int, attempts: list[Attempt]) -> None:
        keys = {
            one.contact: self._keys.contact(one.contact)
            for one in attempts
            if one.contact is not None
        }
        known = find_contacts(self._bulk, keys.values())
        numbers = {contact: known.get(key) for contact, key in keys.items()}
        requests = _requests(attempts, numbers)
        heads = [_row(number, some[0], numbers) for some in requests]
        added = [row[0] for row in self._many("add_delivery", heads)]
        rest = [
            _row(number, one, numbers, request=first)
            for first, some in zip(added, requests, strict=True)
            for one in some[1:]
        ]
        list(self._many("add_delivery", rest))

    @override
    def forget_surplus(self, number: int) -> None:
        rows = self._run(
            "surplus_deliveries",
            webhook=number,
            limit=SURPLUS_STEP,
            most=DELIVERIES_MAX,
        )
        surplus = [{"number": row[0]} for row in rows]
        self._many("delete_delivery", surplus)

    @override
    def deliveries(self, number: int, query: DeliveryQuery) -> list[Delivery]:
        values: dict[str, Any] = {
            "webhook": number,
            "before": query.before or _END,
            "limit": query.limit,
        }
        if query.event is not None:
            rows = self._run("deliveries_of_event", **values, event=query.event)
            found = [_delivery(row) for row in rows]
            return [one for one in found if _matches(one, query)]
        values["status"] = query.status
        if not query.outcomes:
            return [_delivery(row) for row in self._run("deliveries", **values)]
        found = [
            _delivery(row)
            for outcome in query.outcomes
            for row in self._run("deliveries_of_outcome", **values, outcome=outcome)
        ]
        found.sort(key=lambda one: one.number, reverse=True)
        return found[: query.limit]

    @override
    def delivery(self, number: int, delivery: int) -> Delivery | None:
        query = DeliveryQuery(before=delivery + 1, limit=1)
        found = next(iter(self.deliveries(number, query)), None)
        return found if found is not None and found.number == delivery else None


def _requests(
    attempts: list[Attempt], contacts: dict[str, int | None]
) -> list[list[Attempt]]:
    """Group attempts by request, without those of contacts that are erased.

    The answer of a request with an erased contact may be about it, so it goes too.
    """
    found: list[list[Attempt]] = []
    for one in attempts:
        if one.batched and found:
            found[-1].append(one)
        else:
            found.append([one])
    kept = []
    for some in found:
        left = [
            one
            for one in some
            if one.contact is None or contacts.get(one.contact) is not None
        ]
        if len(left) < len(some):
            left = [msgspec.structs.replace(one, answer=b"") for one in left]
        if left:
            kept.append(left)
    return kept


def _row(
    webhook: int,
    attempt: Attempt,
    contacts: dict[str, int | None],
    *,
    request: int | None = None,
) -> dict[str, Any]:
    return {
        "webhook": webhook,
        "request": request,
        "at": attempt.at,
        "outcome": int(attempt.outcome),
        "attempt": attempt.attempt,
        "arrival": attempt.arrival,
        "contact": None if attempt.contact is None else contacts[attempt.contact],
        "duration": attempt.duration_ms,
        "status": attempt.status,
        "reason": attempt.reason,
        "event": attempt.event,
        "answer": attempt.answer if request is None else b"",
    }


def _matches(one: Delivery, query: DeliveryQuery) -> bool:
    return (not query.outcomes or one.outcome in query.outcomes) and (
        query.status is None or one.status == query.status
    )


def _stored(row: Sequence[Any]) -> StoredWebhook:
    number, version, body, state = row
    return StoredWebhook(
        number,
        version,
        msgspec.json.decode(body, type=Webhook),
        msgspec.json.decode(state, type=EndpointState),
    )


def _pending(row: Sequence[Any]) -> PendingDelivery:
    arrivals, *times = row
    return PendingDelivery(msgspec.msgpack.decode(arrivals, type=Arrivals), *times)


def _delivery(row: Sequence[Any]) -> Delivery:
    return Delivery(
        number=row[0],
        at=row[1],
        outcome=Outcome(row[2]),
        attempt=row[3],
        arrival=row[4],
        event=bytes(row[5]),
        duration_ms=row[6],
        status=row[7],
        reason=row[8],
        answer=bytes(row[9]),
    )
