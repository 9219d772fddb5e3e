"""Manage webhooks: create, change and delete them; rotate, resend and replay."""

import secrets as random
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from typing import Any

import msgspec

from footfall.core import decoding, targets
from footfall.core.events.types import TYPES, unknown_type
from footfall.core.instants import SECOND, format_instant, parse_instant
from footfall.core.queries import EventQuery, Sort
from footfall.core.subscriptions import LOCATIONS_MAX
from footfall.core.targets import Network
from footfall.core.webhooks import (
    BATCH_SIZE_MAX,
    EndpointState,
    Reason,
    Replay,
)
from footfall.errors import FieldError, Invalid, NotFound, WebhookUnknown
from footfall.flows.delivery.secrets import WebhookSecrets
from footfall.store import Entry, Store
from footfall.store.transaction import Transaction
from footfall.store.webhooks import PendingDelivery, StoredWebhook, Webhook

WEBHOOKS_MAX = 100
# Secrets that sign at the same time.
SECRETS_MAX = 4
OVERLAP_S, OVERLAP_MAX_S = 86_400, 7 * 86_400
_LOCATION_LENGTH_MAX = 128
_EVER = 2**15 - 1


class NewWebhook(msgspec.Struct, frozen=True, rename="camel"):
    """A webhook to create; empty `events` or `locations` let all events pass."""

    url: str
    events: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    batch_size: int = 1


class WebhookChange(msgspec.Struct, frozen=True, rename="camel"):
    """The fields to change; fields that are not sent stay."""

    url: str | None = None
    events: tuple[str, ...] | None = None
    locations: tuple[str, ...] | None = None
    batch_size: int | None = None
    enabled: bool | None = None


class Rotation(msgspec.Struct, frozen=True, rename="camel"):
    """How many seconds the former secret still signs beside the new one."""

    overlap: int = OVERLAP_S


class ReplayRequest(msgspec.Struct, frozen=True, rename="camel"):
    """The instant since which events are sent again, by `when.createdAt`."""

    since: str = msgspec.field(name="from")


class WebhookView(msgspec.Struct, frozen=True, rename="camel"):
    """A webhook as the API shows it; the secret only when it is made.

    Attributes:
        id: Its id.
        url: Where events are sent to.
        events: Only these types; empty means all.
        locations: Only at these locations; empty means all.
        batch_size: How many events are sent at once, at most.
        created_at: When it was made.
        enabled: Whether it gets anything.
        disabled_because: Why not.
        failing_since: Since when all attempts have failed.
        pending: How many messages wait to be tried again.
        behind: How many entries of the log were not looked at yet.
        secret: What its messages are signed with.
    """

    id: str
    url: str
    events: tuple[str, ...]
    locations: tuple[str, ...]
    batch_size: int
    created_at: str
    enabled: bool
    disabled_because: str | None
    failing_since: str | None
    pending: int
    behind: int
    secret: str | msgspec.UnsetType = msgspec.UNSET


class Webhooks:
    """Manages the webhooks of all organizations."""

    def __init__(
        self, store: Store, secrets: WebhookSecrets, allowed: Iterable[Network] = ()
    ):
        """Name what it works with.

        Args:
            store: Where they are.
            secrets: What makes and opens their secrets.
            allowed: The networks that they may reach beside the internet.
        """
        self.store = store
        self.secrets = secrets
        self.allowed = tuple(allowed)

    def create(
        self, organization: str, value: dict[str, Any], now: int
    ) -> Future[WebhookView]:
        """Create a webhook for events from now on; its secret is shown only once.

        Raises:
            Invalid: It cannot be made; has every reason.
        """
        sent: NewWebhook = decoding.convert(value, NewWebhook)
        name, secret = random.token_hex(16), self.secrets.make()
        webhook = Webhook(
            name,
            organization,
            sent.url,
            now,
            (self.secrets.seal(name, secret),),
            sent.events,
            sent.locations,
            sent.batch_size,
        )
        self._check(webhook)
        newest = self._newest(organization)

        def work(transaction: Transaction) -> WebhookView:
            if len(transaction.webhooks.all()) >= WEBHOOKS_MAX:
                raise Invalid(
                    f"An organization may have {WEBHOOKS_MAX} webhooks; delete one."
                )
            stored = transaction.webhooks.add(webhook, EndpointState(position=newest))
            return _shown(transaction, stored, newest, secret)

        return self.store.transaction(organization, work)

    def list_all(self, organization: str) -> list[WebhookView]:
        """Return the webhooks, oldest first."""
        newest = self._newest(organization)
        return self.store.read(
            organization,
            lambda transaction: [
                _shown(transaction, one, newest) for one in transaction.webhooks.all()
            ],
        )

    def read(self, organization: str, webhook: str) -> WebhookView:
        """Return a webhook.

        Raises:
            WebhookUnknown: There is none with this id.
        """
        newest = self._newest(organization)

        def work(transaction: Transaction) -> WebhookView:
            return _shown(transaction, find(transaction, webhook), newest)

        return self.store.read(organization, work)

    def change(
        self, organization: str, webhook: str, value: dict[str, Any], now: int
    ) -> Future[WebhookView]:
        """Change the sent fields; one that is enabled again keeps its position."""
        sent: WebhookChange = decoding.convert(value, WebhookChange)

        def work(transaction: Transaction) -> WebhookView:
            stored = find(transaction, webhook)
            changed = _merged(stored.webhook, sent)
            self._check(changed)
            state = stored.state
            if sent.enabled is not None and sent.enabled != state.enabled:
                state = (
                    state.reenabled()
                    if sent.enabled
                    else state.disabled(now, Reason.REQUESTED)
                )
                if sent.enabled:
                    transaction.webhooks.hasten(stored.number, now, 1, _EVER)
            stored = transaction.webhooks.change(stored, changed, state)
            return _shown(transaction, stored, newest)

        newest = self._newest(organization)
        return self.store.transaction(organization, work)

    def delete(self, organization: str, webhook: str) -> Future[None]:
        """Delete a webhook; footfall sends nothing more to it."""

        def work(transaction: Transaction) -> None:
            transaction.webhooks.delete(find(transaction, webhook))

        return self.store.transaction(organization, work)

    def rotate(
        self, organization: str, webhook: str, value: dict[str, Any], now: int
    ) -> Future[WebhookView]:
        """Give a webhook a new secret; the former signs beside it for a while.

        Raises:
            Invalid: The overlap is not allowed.
        """
        overlap = decoding.convert(value, Rotation).overlap
        if not 0 <= overlap <= OVERLAP_MAX_S:
            allowed = f"allowed: 0 to {OVERLAP_MAX_S} seconds"
            raise Invalid(
                f"The overlap is {overlap}; {allowed}.",
                [FieldError("overlap", allowed)],
            )
        newest, secret = self._newest(organization), self.secrets.make()
        until = now + overlap * SECOND

        def work(transaction: Transaction) -> WebhookView:
            stored = find(transaction, webhook)
            former = [
                msgspec.structs.replace(
                    one, until=until if one.until is None else min(one.until, until)
                )
                for one in stored.webhook.secrets
                if one.until is None or now < one.until
            ]
            fresh = self.secrets.seal(stored.webhook.id, secret)
            changed = msgspec.structs.replace(
                stored.webhook, secrets=(fresh, *former[: SECRETS_MAX - 1])
            )
            stored = transaction.webhooks.change(stored, changed, stored.state)
            return _shown(transaction, stored, newest, secret)

        return self.store.transaction(organization, work)

    def resend(
        self, organization: str, webhook: str, delivery: str, now: int
    ) -> Future[None]:
        """Send the event of a delivery again, now, and by the schedule if it fails.

        Raises:
            WebhookUnknown: There is no such delivery.
            NotFound: Its event is erased or withdrawn.
            Invalid: The webhook is disabled.
        """

        def look(transaction: Transaction) -> int:
            stored = find_enabled(transaction, webhook)
            number = int(delivery) if _is_number(delivery) else -1
            found = transaction.webhooks.delivery(stored.number, number)
            if found is None or found.arrival is None:
                raise WebhookUnknown("There is no delivery of an event with this id.")
            return found.arrival

        arrival = self.store.read(organization, look)
        if entry_at(self.store, organization, arrival) is None:
            raise NotFound("The event of this delivery is erased or withdrawn.")

        def work(transaction: Transaction) -> None:
            stored = find_enabled(transaction, webhook)
            waiting = PendingDelivery((arrival,), 0, now, now)
            transaction.webhooks.put_pending(stored.number, [waiting])
            transaction.webhooks.change(stored, stored.webhook, stored.state)

        return self.store.transaction(organization, work)

    def replay(
        self, organization: str, webhook: str, value: dict[str, Any]
    ) -> Future[None]:
        """Send all events since an instant again, in the order of their arrival.

        Raises:
            Invalid: The instant cannot be read.
        """
        sent = decoding.convert(value, ReplayRequest).since
        try:
            since = parse_instant(sent)
        except ValueError as error:
            message = str(error)
            raise Invalid(f"from: {message}.", [FieldError("from", message)]) from None
        first = self.store.page(
            EventQuery(organization, start_at=since, sort=Sort.RECEIVED_TIME, size=1)
        ).last

        def work(transaction: Transaction) -> None:
            stored = find_enabled(transaction, webhook)
            if first is None or first.arrival > stored.state.position:
                return  # all of it is still to be sent anyway
            replay = Replay(since, first.arrival - 1, stored.state.position)
            state = msgspec.structs.replace(stored.state, replay=replay)
            transaction.webhooks.change(stored, stored.webhook, state)

        return self.store.transaction(organization, work)

    def _newest(self, organization: str) -> int:
        return self.store.newest_arrivals([organization]).get(organization, 0)

    def _check(self, webhook: Webhook) -> None:
        errors = list(_wrong(webhook, self.allowed))
        if errors:
            text = "; ".join(f"{error.field} {error.message}" for error in errors)
            raise Invalid(f"The webhook cannot be stored: {text}.", errors)


def entry_at(store: Store, organization: str, arrival: int) -> Entry | None:
    """Return an entry of the log; None if its event is erased or withdrawn."""
    entries = store.entries(EventQuery(organization, size=1), arrival - 1)
    found = next(iter(entries.found), None)
    return found if found is not None and found.arrival == arrival else None


def find(transaction: Transaction, webhook: str) -> StoredWebhook:
    """Return a webhook.

    Raises:
        WebhookUnknown: The organization has none with this id.
    """
    stored = transaction.webhooks.find(webhook)
    if stored is None:
        raise WebhookUnknown(f"There is no webhook {webhook[:64]}.")
    return stored


def find_enabled(transaction: Transaction, webhook: str) -> StoredWebhook:
    """Return a webhook that is not disabled.

    Raises:
        Invalid: It is disabled.
    """
    stored = find(transaction, webhook)
    if not stored.state.enabled:
        raise Invalid(f"The webhook {webhook} is disabled; enable it first.")
    return stored


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < len(str(2**62))


def _merged(webhook: Webhook, sent: WebhookChange) -> Webhook:
    changes = {
        "url": sent.url,
        "types": sent.events,
        "locations": sent.locations,
        "batch_size": sent.batch_size,
    }
    given = {name: value for name, value in changes.items() if value is not None}
    return msgspec.structs.replace(webhook, **given)


def _wrong(webhook: Webhook, allowed: tuple[Network, ...]) -> Iterator[FieldError]:
    wrong = targets.wrong_url(webhook.url, allowed)
    if wrong is not None:
        yield FieldError("url", wrong)
    for name in webhook.types[: len(TYPES) + 1]:
        if name not in TYPES:
            yield FieldError("events", unknown_type(name))
    if len(webhook.types) > len(TYPES):
        yield FieldError("events", f"at most {len(TYPES)} are allowed")
    if len(webhook.locations) > LOCATIONS_MAX:
        yield FieldError("locations", f"at most {LOCATIONS_MAX} are allowed")
    if not all(0 < len(name) <= _LOCATION_LENGTH_MAX for name in webhook.locations):
        yield FieldError(
            "locations", f"an id has 1 to {_LOCATION_LENGTH_MAX} characters"
        )
    if not 1 <= webhook.batch_size <= BATCH_SIZE_MAX:
        yield FieldError("batchSize", f"allowed: 1 to {BATCH_SIZE_MAX}")


def _shown(
    transaction: Transaction,
    stored: StoredWebhook,
    newest: int,
    secret: str | msgspec.UnsetType = msgspec.UNSET,
) -> WebhookView:
    webhook, state = stored.webhook, stored.state
    since = state.failing_since
    return WebhookView(
        webhook.id,
        webhook.url,
        webhook.types,
        webhook.locations,
        webhook.batch_size,
        format_instant(webhook.created_at),
        state.enabled,
        state.disabled_because,
        None if since is None else format_instant(since),
        transaction.webhooks.count_pending(stored.number),
        max(newest - state.position, 0),
        secret,
    )
