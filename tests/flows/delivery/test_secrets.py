"""Secrets of webhooks are sealed, and can be moved to another key."""

import msgspec
import pytest

from footfall.errors import WebhookUnknown
from footfall.flows.copy_store import resealed_webhook
from footfall.flows.delivery.secrets import WebhookSecrets
from footfall.store.webhooks import Webhook

HERE, THERE = WebhookSecrets(bytes(range(64))), WebhookSecrets(bytes(range(1, 65)))


def webhook(*secrets, name="w1"):
    sealed = tuple(HERE.seal(name, secret) for secret in secrets)
    return Webhook(name, "org", "https://a.example/", 0, sealed)


def test_a_secret_opens_only_for_its_webhook_and_under_its_key():
    made = webhook("whsec_a")
    assert b"whsec_a" not in msgspec.json.encode(made)
    assert HERE.open(made, 0) == ["whsec_a"]
    for wrong, secrets in (
        (msgspec.structs.replace(made, id="w2"), HERE),
        (made, THERE),
    ):
        with pytest.raises(WebhookUnknown, match="rotate"):
            secrets.open(wrong, 0)


def test_a_secret_signs_until_its_end():
    one, other = webhook("whsec_a", "whsec_b").secrets
    ending = msgspec.structs.replace(other, until=10)
    made = msgspec.structs.replace(webhook(), secrets=(one, ending))
    assert HERE.open(made, 9) == ["whsec_a", "whsec_b"]
    assert HERE.open(made, 10) == ["whsec_a"]


def test_a_copied_webhook_opens_under_the_key_of_the_other_store():
    made = webhook("whsec_a", "whsec_b")
    row = 1, "w1", 3, msgspec.json.encode(made), b"{}"
    *_, body, state = resealed_webhook(row, HERE, THERE)
    assert state == b"{}"
    moved = msgspec.json.decode(body, type=Webhook)
    assert THERE.open(moved, 0) == ["whsec_a", "whsec_b"]
    assert resealed_webhook(row, THERE, HERE) == row
