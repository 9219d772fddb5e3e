"""Changes: the outcome of deliveries to an endpoint, written in one transaction.

So the position, the pending messages and the log of attempts never disagree. If a crash
prevents the write, the messages are delivered again.
"""

from footfall.core.webhooks import (
    EARLY_MAX,
    RECOVERY_SPREAD,
    EndpointState,
    Replay,
)
from footfall.store.transaction import Transaction
from footfall.store.webhooks import Arrivals, Attempt, PendingDelivery, StoredWebhook


class Changes:
    """Changes that are not stored yet.

    Attributes:
        position: The arrival up to which all messages are settled.
        replay: The replay with its position; None if there is none.
        health: Attempts in order: when, whether it succeeded, whether it was a 410.
            Successes in a row are one.
        waiting: Pending messages to insert or to update.
        done: Pending messages to delete.
        attempts: Rows for the log of deliveries.
        recovered_at: When the endpoint accepted a message again after failures.
        cuts_log: Whether to delete the oldest rows of a log that is too long.
    """

    def __init__(self) -> None:
        self.position = 0
        self.replay: Replay | None = None
        self.health: list[tuple[int, bool, bool]] = []
        self.waiting: dict[Arrivals, PendingDelivery] = {}
        self.done: set[Arrivals] = set()
        self.attempts: list[Attempt] = []
        self.recovered_at: int | None = None
        self.cuts_log = False

    def write(
        self, transaction: Transaction, endpoint: StoredWebhook
    ) -> EndpointState | None:
        """Write all; return the endpoint's new state, or None if it was deleted."""
        webhooks = transaction.webhooks
        stored = webhooks.find(endpoint.webhook.id)
        if stored is None:
            return None
        state = stored.state
        for at, succeeded, gone in self.health:
            state = state.succeeded() if succeeded else state.failed(at, gone=gone)
        state = state.advanced(self.position, self.replay)
        if state != stored.state:
            webhooks.put_state(stored.number, state)
        webhooks.delete_pending(stored.number, self.done)
        webhooks.put_pending(stored.number, self.waiting.values())
        if self.recovered_at is not None:
            at = self.recovered_at
            webhooks.hasten(stored.number, at, RECOVERY_SPREAD, EARLY_MAX)
        webhooks.add_attempts(stored.number, self.attempts)
        if self.cuts_log:
            webhooks.forget_surplus(stored.number)
        return state
