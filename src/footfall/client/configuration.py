"""Configuration: what a client is given, checked before it is used."""

import msgspec

from footfall.client.access import Access
from footfall.client.errors import ArgumentInvalid
from footfall.client.retries import RetryPolicy


class Target(msgspec.Struct, frozen=True):
    """Where the API is, and how patient to be."""

    base_url: str
    timeout_s: float
    policy: RetryPolicy


def connection(
    base_url: str,
    credential: tuple[str | None, str | None, str | None],
    timeout_s: float,
    policy: RetryPolicy | None,
) -> tuple[Target, Access]:
    """Return where to connect, and with what.

    Args:
        base_url: The server's address.
        credential: A key and a secret, or a token.
        timeout_s: How long to wait for a response.
        policy: How often a request is tried.

    Raises:
        ArgumentInvalid: Something is missing.
    """
    if not base_url.startswith(("http://", "https://")):
        message = f"{base_url!r} is not an address; it begins with https:// or http://."
        raise ArgumentInvalid(message)
    if "@" in base_url.partition("://")[2].partition("/")[0]:
        # Errors name the address.
        raise ArgumentInvalid("The address must hold no user and no password.")
    key, secret, token = credential
    if token is None and not (key and secret):
        raise ArgumentInvalid("Give client_key and client_secret, or a token.")
    target = Target(base_url.rstrip("/"), timeout_s, policy or RetryPolicy())
    return target, Access(key, secret, token)
