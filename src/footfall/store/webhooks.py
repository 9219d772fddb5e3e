"""Webhooks as they are stored: endpoints, what waits to be tried again, what was tried.

No event's body is among it. A message that waits is known by its arrival numbers, and
is read in the log again: so an event that was erased or withdrawn waits no longer.
"""

from collections.abc import Iterable
from typing import Protocol

import msgspec

from footfall.core.webhooks import EndpointState, Outcome

Arrivals = tuple[int, ...]


class SealedSecret(msgspec.Struct, frozen=True):
    """A secret that signs, sealed; `until` is when it ends, if another took over."""

    sealed: bytes
    until: int | None = None


class Webhook(msgspec.Struct, frozen=True):
    """An endpoint: where events are sent to, and which.

    Attributes:
        id: The last part of its path.
        organization: Whose events.
        url: Where to.
        created_at: An instant.
        secrets: What signs, the newest first.
        types: Only events of these types; empty means all.
        locations: Only events at these locations; empty means all.
        batch_size: How many events are sent at once, at most.
    """

    id: str
    organization: str
    url: str
    created_at: int
    secrets: tuple[SealedSecret, ...]
    types: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    batch_size: int = 1


class StoredWebhook(msgspec.Struct, frozen=True):
    """An endpoint with its number, its state, and which version of it this is."""

    number: int
    version: int
    webhook: Webhook
    state: EndpointState


class WebhookVersion(msgspec.Struct, frozen=True):
    """An endpoint of some organization, and whether what is known of it still holds."""

    organization: str
    webhook: str
    version: int


class PendingDelivery(msgspec.Struct, frozen=True, gc=False):
    """A message, or a batch, that waits to be tried again.

    Attributes:
        arrivals: The numbers of its entries in the log.
        attempts: How many attempts of the schedule have failed.
        retry_at: When the schedule tries it again.
        due_at: When it is tried; sooner where the endpoint has recovered.
        early: How many times it was tried sooner, since the latest attempt of the
            schedule.
    """

    arrivals: Arrivals
    attempts: int
    retry_at: int
    due_at: int
    early: int = 0


class Attempt(msgspec.Struct, frozen=True, gc=False):
    """One attempt to deliver one event, as it is written to the log of deliveries.

    Attributes:
        at: When.
        outcome: What became of it.
        attempt: Which attempt of the schedule it was, from 1.
        arrival: The event's number in the log; None for a ping.
        event: The event's key; empty for a ping.
        contact: The contact's id, whose erasure takes this away; None for a ping.
        duration_ms: How long it took.
        status: The answer's status.
        reason: Why there was no answer.
        answer: The first bytes of the answer.
        batched: Whether it was sent with the attempt before it in the list.
    """

    at: int
    outcome: Outcome
    attempt: int
    arrival: int | None = None
    event: bytes = b""
    contact: str | None = None
    duration_ms: int = 0
    status: int | None = None
    reason: str | None = None
    answer: bytes = b""
    batched: bool = False


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """An attempt in the log of deliveries, by its number; `answer` is its request's."""

    number: int
    at: int
    outcome: Outcome
    attempt: int
    arrival: int | None
    event: bytes
    duration_ms: int
    status: int | None
    reason: str | None
    answer: bytes


class DeliveryQuery(msgspec.Struct, frozen=True):
    """Which attempts are wanted, newest first.

    Attributes:
        event: Only of the event with this key.
        outcomes: Only with one of these outcomes; empty means all.
        status: Only with this status.
        before: Only attempts with smaller numbers.
        limit: How many.
    """

    event: bytes | None = None
    outcomes: tuple[Outcome, ...] = ()
    status: int | None = None
    before: int | None = None
    limit: int = 20


class WebhookRepository(Protocol):
    """The endpoints of an organization, what waits, and what was tried."""

    def all(self) -> list[StoredWebhook]:
        """Return the endpoints, oldest first."""

    def find(self, webhook: str) -> StoredWebhook | None:
        """Return an endpoint by its id."""

    def add(self, webhook: Webhook, state: EndpointState) -> StoredWebhook:
        """Add an endpoint."""

    def change(
        self, stored: StoredWebhook, webhook: Webhook, state: EndpointState
    ) -> StoredWebhook:
        """Change an endpoint; servers learn of it by its version."""

    def delete(self, stored: StoredWebhook) -> None:
        """Forget an endpoint, and what waits for it."""

    def put_state(self, number: int, state: EndpointState) -> None:
        """Note how far an endpoint is and how it stands."""

    def pending(self, number: int, now: int, limit: int) -> list[PendingDelivery]:
        """Return what is due, the longest due first."""

    def first_pending(self, number: int) -> PendingDelivery | None:
        """Return what is due first, now or later."""

    def count_pending(self, number: int) -> int:
        """Return how many messages wait."""

    def put_pending(self, number: int, waiting: Iterable[PendingDelivery]) -> None:
        """Let messages wait; one that waits already waits as this says."""

    def delete_pending(self, number: int, done: Iterable[Arrivals]) -> None:
        """Note that messages do not wait any more."""

    def hasten(self, number: int, now: int, spread: int, early_max: int) -> None:
        """Make all that waits due within `spread`, but not what was often tried so."""

    def add_attempts(self, number: int, attempts: list[Attempt]) -> None:
        """Write attempts to the log of deliveries, but not those of erased contacts."""

    def forget_surplus(self, number: int) -> None:
        """Forget the oldest attempts, where an endpoint has too many in its log."""

    def deliveries(self, number: int, query: DeliveryQuery) -> list[Delivery]:
        """Return attempts, newest first."""

    def delivery(self, number: int, delivery: int) -> Delivery | None:
        """Return an attempt by its number."""
