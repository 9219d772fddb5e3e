"""Access: the token, and when it has to be fetched anew."""

import base64
import binascii

import msgspec

from footfall.client import requests
from footfall.client.errors import CredentialsRefused, Forbidden, Refused
from footfall.client.requests import Call
from footfall.client.responses import Response, read_token

_SECOND = 1_000_000
# A token that is about to expire is not used for a request that may take long.
EXPIRES_WITHIN = 60 * _SECOND
_TOKEN_REFUSED = frozenset({"token-refused", "token-missing"})
_FOREIGN = "refused"
_PARTS = 3


class _Claims(msgspec.Struct):
    exp: int | float | None = None


class Access:
    """A credential or a token, and the token in use."""

    def __init__(
        self, client_key: str | None, client_secret: str | None, token: str | None
    ):
        """Use a key and a secret, or only a token that somebody fetched."""
        self._credential = (
            (client_key, client_secret) if client_key and client_secret else None
        )
        self._token = token
        self._expires_at = expiry_of(token) if token else None

    @property
    def token(self) -> str:
        """The token; fetch one first if `is_stale`."""
        return self._token or ""

    def is_stale(self, now: int) -> bool:
        """Tell whether a token has to be fetched."""
        if self._credential is None:
            return False
        expires_soon = (
            self._expires_at is not None and now > self._expires_at - EXPIRES_WITHIN
        )
        return self._token is None or expires_soon

    def log_in(self) -> Call:
        """Return the request that fetches a token."""
        key, secret = self._credential or ("", "")
        return requests.log_in(key, secret)

    def take(self, response: Response) -> None:
        """Take the token of a login's response."""
        self._token = read_token(response)
        self._expires_at = expiry_of(self._token)

    def drops(self, token: str, error: Refused) -> bool:
        """Drop a token that a server refused; tell whether another may help.

        Another server than footfall does not say whether it refused the token or the
        request, so a new token is tried there too.
        """
        if self._credential is None:
            return False
        by_type = isinstance(error, CredentialsRefused | Forbidden)
        if error.code not in _TOKEN_REFUSED and not (
            by_type and error.code == _FOREIGN
        ):
            return False
        if self._token == token:
            self._token = None
        return True


def expiry_of(token: str) -> int | None:
    """Return the instant at which a JWT expires; None if it does not say."""
    parts = token.split(".")
    if len(parts) != _PARTS:
        return None
    try:
        claims = base64.urlsafe_b64decode(parts[1] + "==")
        expires = msgspec.json.decode(claims, type=_Claims).exp
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        return None
    return None if expires is None else int(expires * _SECOND)
