"""Webhooks: check that a message is footfall's, and read it.

Source: https://github.com/standard-webhooks/standard-webhooks, 1.0
"""

import binascii
from collections.abc import Mapping

import msgspec

from footfall.client.errors import ArgumentInvalid, ResponseUnreadable, SignatureWrong
from footfall.client.events import Event

_BATCH = "batch"
_ID = "webhook-id"


class WebhookMessage(msgspec.Struct, frozen=True):
    """A message that proved to be footfall's.

    Attributes:
        id: The same whenever the message comes again: do its work once.
        type: The event's type, with `.withdrawn` for one that no longer holds; `batch`
            for several; `test` and others have no event.
        timestamp: When it happened.
        events: The event, or those of a batch.
    """

    id: str
    type: str
    timestamp: str
    events: list[Event]

    @property
    def event(self) -> Event:
        """The only event.

        Raises:
            ResponseUnreadable: There is none, or there are several.
        """
        if len(self.events) != 1:
            raise ResponseUnreadable(
                f"The message {self.id} has {len(self.events)} events; see `events`."
            )
        return self.events[0]


class _Message(msgspec.Struct):
    type: str
    timestamp: str
    data: msgspec.Raw


class _Item(msgspec.Struct):
    data: msgspec.Raw


class Webhooks:
    """What a receiver of webhooks needs; it speaks to no server."""

    @staticmethod
    def unwrap(
        body: bytes | str, headers: Mapping[str, str], secret: str
    ) -> WebhookMessage:
        """Verify a message and read it.

        Args:
            body: The request's body, exactly as it came.
            headers: The request's headers.
            secret: The endpoint's secret, `whsec_…`.

        Raises:
            SignatureWrong: It is not signed with the secret, or older than 5 minutes.
            ResponseUnreadable: It is signed, but not a message of footfall.
        """
        raw = body.encode() if isinstance(body, str) else bytes(body)
        lower = {name.lower(): value for name, value in headers.items()}
        _verify(raw, lower, secret)
        try:
            found = msgspec.json.decode(raw, type=_Message)
            events = _events(found)
        except msgspec.MsgspecError as error:
            message = f"The body is not a message of footfall: {error}."
            raise ResponseUnreadable(message) from None
        return WebhookMessage(lower[_ID], found.type, found.timestamp, events)


def _verify(raw: bytes, headers: dict[str, str], secret: str) -> None:
    from standardwebhooks import webhooks

    try:
        verifier = webhooks.Webhook(secret)
    except (webhooks.EmptyWebhookSecretError, binascii.Error, ValueError):
        message = "The secret is not one of a webhook: it begins with whsec_."
        raise ArgumentInvalid(message) from None
    try:
        verifier.verify(raw, headers, json_parse=False)
    # The library lets errors of malformed signatures and bodies through.
    except (webhooks.WebhookVerificationError, ValueError) as error:
        raise SignatureWrong(f"The webhook is not authentic: {error}.") from None


def _events(found: _Message) -> list[Event]:
    if found.type == _BATCH:
        items = msgspec.json.decode(found.data, type=list[_Item])
        return [Event(bytes(item.data)) for item in items]
    event = Event(bytes(found.data))
    return [event] if _is_event(event) else []


def _is_event(event: Event) -> bool:
    value = msgspec.json.decode(event.raw)
    return isinstance(value, dict) and "event" in value and "customerId" in value
