"""Secrets of webhooks: what signs messages, so that receivers know whose they are.

Signing needs the secret itself, so it is stored sealed under a key that is not in the
database (AES-SIV, RFC 5297).
"""

import base64
import secrets

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from footfall.core.webhooks import SECRET_PREFIX
from footfall.errors import WebhookUnknown
from footfall.store.webhooks import SealedSecret, Webhook

SECRET_BYTES = 32


class WebhookSecrets:
    """Makes secrets, seals them and opens them."""

    def __init__(self, key: bytes):
        self._cipher = AESSIV(key)

    def make(self) -> str:
        """Return a new random secret, as receivers enter it."""
        random = base64.b64encode(secrets.token_bytes(SECRET_BYTES))
        return SECRET_PREFIX + random.decode()

    def seal(self, webhook: str, secret: str) -> SealedSecret:
        """Return a secret as it is kept; it opens only for the same webhook."""
        return SealedSecret(self._cipher.encrypt(secret.encode(), [webhook.encode()]))

    def open(self, webhook: Webhook, now: int) -> list[str]:
        """Return the secrets that sign at an instant, the newest first.

        Raises:
            WebhookUnknown: They were sealed under another FOOTFALL_SECRET.
        """
        return [
            self._open(webhook, one)
            for one in webhook.secrets
            if one.until is None or now < one.until
        ]

    def can_open(self, webhook: Webhook) -> bool:
        """Tell whether a webhook's newest secret opens under this FOOTFALL_SECRET."""
        try:
            self._open(webhook, webhook.secrets[0])
        except WebhookUnknown:
            return False
        return True

    def reseal(self, webhook: Webhook, before: "WebhookSecrets") -> Webhook:
        """Return a webhook whose secrets were sealed under another key.

        Raises:
            WebhookUnknown: `before` cannot open them.
        """
        sealed = tuple(
            msgspec.structs.replace(
                self.seal(webhook.id, before._open(webhook, one)),  # noqa: SLF001
                until=one.until,
            )
            for one in webhook.secrets
        )
        return msgspec.structs.replace(webhook, secrets=sealed)

    def _open(self, webhook: Webhook, one: SealedSecret) -> str:
        try:
            name = [webhook.id.encode()]
            return self._cipher.decrypt(one.sealed, name).decode()
        except InvalidTag:
            raise WebhookUnknown(
                f"The secret of webhook {webhook.id} was sealed under another "
                "FOOTFALL_SECRET; rotate it."
            ) from None
