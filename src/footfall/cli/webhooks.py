"""`footfall webhooks …`."""

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from footfall import clock, settings
from footfall.cli.output import opened, print_json, print_list, say

if TYPE_CHECKING:
    from footfall.flows.delivery.manage import Webhooks

SHOWN = 20


def create(  # noqa: PLR0913  each is a flag
    url: str,
    *,
    organization: str,
    event: list[str] | None = None,
    location: list[str] | None = None,
    batch_size: int = 1,
    store: str | None = None,
    json: bool = False,
) -> None:
    """Make a webhook for what arrives from now on; its secret is shown only once.

    Example: footfall webhooks create https://crm.example.com/hook --organization ID

    Args:
        url: Where events are sent to.
        organization: The organization's id.
        event: Only events of this type; repeatable.
        location: Only events at the location with this id; repeatable.
        batch_size: How many events are sent at once, at most.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
        json: Print JSON.
    """
    with _webhooks(store) as webhooks:
        value = {
            "url": url,
            "events": event or [],
            "locations": location or [],
            "batchSize": batch_size,
        }
        made = webhooks.create(organization, value, clock.now()).result()
    if json:
        print_json(made)
        return
    say(f"webhook  {made.id}\nsecret   {made.secret}")
    say("\nThe secret is not shown again: enter it at the receiver now.")


def list_webhooks(
    *, organization: str, store: str | None = None, json: bool = False
) -> None:
    """List the webhooks of an organization, without their secrets.

    Example: footfall webhooks list --organization ID

    Args:
        organization: The organization's id.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
        json: Print JSON.
    """
    with _webhooks(store) as webhooks:
        found = webhooks.list_all(organization)
    columns = ("id", "url", "enabled", "failingSince", "pending", "behind")
    print_list(found, columns, json=json)


def show(
    webhook: str, *, organization: str, store: str | None = None, json: bool = False
) -> None:
    """Show a webhook, and how it stands.

    Example: footfall webhooks show WEBHOOK --organization ID

    Args:
        webhook: The webhook's id.
        organization: The organization's id.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
        json: Print JSON.
    """
    import msgspec

    with _webhooks(store) as webhooks:
        found = webhooks.read(organization, webhook)
    if json:
        print_json(found)
        return
    values: dict[str, Any] = msgspec.to_builtins(found)
    for name, value in values.items():
        text = ", ".join(value) if isinstance(value, (list, tuple)) else value
        say(f"{name:16} {'' if text is None else text}")


def change(  # noqa: PLR0913  each is a flag
    webhook: str,
    *,
    organization: str,
    url: str | None = None,
    event: list[str] | None = None,
    location: list[str] | None = None,
    batch_size: int | None = None,
    enabled: bool | None = None,
    store: str | None = None,
) -> None:
    """Change what is given of a webhook; enabled again, it goes on where it was.

    Example: footfall webhooks change WEBHOOK --organization ID --enabled

    Args:
        webhook: The webhook's id.
        organization: The organization's id.
        url: Where events are sent to.
        event: Only events of this type; repeatable.
        location: Only events at the location with this id; repeatable.
        batch_size: How many events are sent at once, at most.
        enabled: Whether it gets anything.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
    """
    sent = {
        "url": url,
        "events": event,
        "locations": location,
        "batchSize": batch_size,
        "enabled": enabled,
    }
    value = {name: one for name, one in sent.items() if one is not None}
    with _webhooks(store) as webhooks:
        webhooks.change(organization, webhook, value, clock.now()).result()
    say(f"{webhook} is changed.")


def delete(webhook: str, *, organization: str, store: str | None = None) -> None:
    """Delete a webhook; nothing more is sent to it.

    Example: footfall webhooks delete WEBHOOK --organization ID

    Args:
        webhook: The webhook's id.
        organization: The organization's id.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
    """
    with _webhooks(store) as webhooks:
        webhooks.delete(organization, webhook).result()
    say(f"{webhook} is deleted.")


def rotate(
    webhook: str,
    *,
    organization: str,
    overlap: int = 86_400,
    store: str | None = None,
    json: bool = False,
) -> None:
    """Give a webhook a new secret; the former signs beside it for a while.

    Example: footfall webhooks rotate WEBHOOK --organization ID --overlap 3600

    Args:
        webhook: The webhook's id.
        organization: The organization's id.
        overlap: For how many seconds the former secret signs, too.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
        json: Print JSON.
    """
    with _webhooks(store) as webhooks:
        value = {"overlap": overlap}
        made = webhooks.rotate(organization, webhook, value, clock.now()).result()
    if json:
        print_json(made)
    else:
        say(f"secret   {made.secret}\n\nThe secret is not shown again.")


def deliveries(  # noqa: PLR0913  each is a flag
    webhook: str,
    *,
    organization: str,
    event: str | None = None,
    status: str | None = None,
    limit: int = SHOWN,
    store: str | None = None,
    json: bool = False,
) -> None:
    """List what was tried in the last 7 days, newest first.

    Example: footfall webhooks deliveries WEBHOOK --organization ID --status failed

    Args:
        webhook: The webhook's id.
        organization: The organization's id.
        event: Only attempts for the event with this id.
        status: delivered, failed, given_up, dropped, disabled, or an HTTP status.
        limit: How many to list at most.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
        json: Print JSON, with the beginning of each answer.
    """
    from footfall.flows.delivery.attempts import list_deliveries

    asked = {"event": event, "status": status, "size": str(limit)}
    parameters = {name: [one] for name, one in asked.items() if one is not None}
    with opened(store) as data:
        found = list_deliveries(data, organization, webhook, parameters)
    columns = ("id", "at", "eventId", "attempt", "outcome", "status", "reason")
    print_list(found, columns, json=json)


def resend(
    webhook: str, delivery: str, *, organization: str, store: str | None = None
) -> None:
    """Send the event of a delivery again; a running server does it within seconds.

    Example: footfall webhooks resend WEBHOOK 4711 --organization ID

    Args:
        webhook: The webhook's id.
        delivery: The id of the delivery.
        organization: The organization's id.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
    """
    with _webhooks(store) as webhooks:
        webhooks.resend(organization, webhook, delivery, clock.now()).result()
    say("It is sent again as soon as a server runs.")


def replay(
    webhook: str, *, organization: str, since: str, store: str | None = None
) -> None:
    """Send all events since an instant again, in the order of their arrival.

    Example: footfall webhooks replay WEBHOOK --organization ID
    --since 2026-05-01T00:00:00Z

    Args:
        webhook: The webhook's id.
        organization: The organization's id.
        since: Events with `when.createdAt` at or after this instant.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
    """
    with _webhooks(store) as webhooks:
        webhooks.replay(organization, webhook, {"from": since}).result()
    say("They are sent again as soon as a server runs.")


def ping(
    webhook: str, *, organization: str, store: str | None = None, json: bool = False
) -> None:
    """Send a test message from here, now, and say what became of it.

    Example: footfall webhooks ping WEBHOOK --organization ID

    Args:
        webhook: The webhook's id.
        organization: The organization's id.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
        json: Print JSON.
    """
    import asyncio

    from footfall.flows.delivery import attempts
    from footfall.runtime.webhook_sender import Sender

    with _webhooks(store) as webhooks:

        async def send() -> attempts.Pinged:
            async with Sender(webhooks.allowed).open() as sender:
                return await attempts.ping(
                    webhooks, sender, organization, webhook, clock.now()
                )

        done = asyncio.run(send())
    if json:
        print_json(done)
    else:
        what = done.reason if done.status is None else f"status {done.status}"
        say(f"{what}, {done.duration_ms} ms")


@contextlib.contextmanager
def _webhooks(store: str | None) -> Iterator["Webhooks"]:
    from footfall import service

    chosen = settings.load(os.environ, store=store)
    with opened(store) as data:
        yield service.webhooks(data, chosen)
