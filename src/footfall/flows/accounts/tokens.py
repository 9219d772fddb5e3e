"""Tokens: login, verification, logout.

A token is a JWT (HS256, PyJWT). It only names the service: role and scopes are read
from the store on each request, so that a change or a revocation holds at once.
"""

import asyncio
import hmac
import secrets
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt

from footfall.core.access import Grant
from footfall.core.instants import SECOND
from footfall.errors import CredentialsWrong, LogoutRefused, TokenRefused
from footfall.flows.accounts.tenants import hash_secret
from footfall.store import Store

LIFETIME_S = 24 * 60 * 60
TOKEN_LENGTH_MAX = 4096
AGAIN = SECOND
VERIFIED_MAX = SIGNED_MAX = 4_096
_ALGORITHM = "HS256"
_ISSUER = "footfall"
_AUDIENCE = "footfall-api"
_CLAIMS = ("iss", "aud", "sub", "org", "iat", "exp", "jti")
# Threads of their own: no token waits behind other reads of the store.
THREADS = 4
_threads = ThreadPoolExecutor(THREADS, "footfall-token")
_NOBODY = hash_secret(secrets.token_urlsafe())


class Tokens:
    """Issues, checks and revokes tokens."""

    def __init__(self, store: Store, key: bytes):
        self._store = store
        self._key = key
        # The claims of tokens whose signatures were found good, the oldest first.
        self._signed: dict[str, dict[str, Any]] = {}
        # When tokens of long answers were last verified, the oldest first.
        self._verified: dict[str, tuple[int, asyncio.Future[Grant]]] = {}

    def login(self, client_key: str, client_secret: str, now: int) -> str:
        """Return a token for a service's key and secret.

        Raises:
            CredentialsWrong: The key or the secret is wrong, or was revoked.
        """
        found = self._store.credential(client_key)
        # An unknown key is compared too, so that the time tells nothing about it.
        expected = _NOBODY if found is None else found.secret_hash
        right = hmac.compare_digest(expected, hash_secret(client_secret))
        if found is None or not right or found.service.revoked_at is not None:
            raise CredentialsWrong("The clientKey or the clientSecret is wrong.")
        service = found.service
        return self.issue(service.client_key, service.organization, now, LIFETIME_S)

    def issue(self, subject: str, organization: str, now: int, lifetime_s: int) -> str:
        """Return a token for a service's key, or a session's; see `sign_in`."""
        claims = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "sub": subject,
            "org": organization,
            "iat": now // SECOND,
            "exp": now // SECOND + lifetime_s,
            "jti": uuid.uuid4().hex,
        }
        return jwt.encode(claims, self._key, _ALGORITHM)

    async def verify(self, token: str, now: int) -> Grant:
        """Return what a token allows.

        Each call reads the store: another server may have revoked the token just now.
        A forged token is refused before that.

        Raises:
            TokenRefused: It is malformed, expired or revoked.
        """
        claims = self._claims(token)
        asked = (claims["sub"], claims["jti"])
        if self._store.is_remote:
            loop = asyncio.get_running_loop()
            found = await loop.run_in_executor(_threads, self._store.credential, *asked)
        else:
            found = self._store.credential(*asked)
        if (
            claims["exp"] * SECOND <= now
            or found is None
            or found.token_revoked
            or found.service.organization != claims["org"]
            or found.service.revoked_at is not None
        ):
            raise TokenRefused("The token is expired or revoked; log in again.")
        return Grant(found.service, claims["jti"], claims["exp"] * SECOND)

    async def verify_again(self, token: str, now: int) -> None:
        """Verify a token with which a long answer goes on, at most once a second.

        Raises:
            TokenRefused: It has expired, or was revoked more than a second ago.
        """
        known = self._verified.get(token)
        if known is None or not known[0] <= now < known[0] + AGAIN:
            # Those that ask meanwhile wait for this one.
            known = (now, asyncio.ensure_future(self.verify(token, now)))
            self._verified.pop(token, None)
            self._verified[token] = known
            if len(self._verified) > VERIFIED_MAX:
                self._verified.pop(next(iter(self._verified)))
        await asyncio.shield(known[1])

    async def logout(self, token: str, now: int) -> None:
        """Revoke a token for good.

        Raises:
            LogoutRefused: It is not a valid token.
        """
        try:
            grant = await self.verify(token, now)
        except TokenRefused:
            raise LogoutRefused("The token is not valid.") from None
        done = self._store.revoke_token(grant.token_id, grant.expires_at, now)
        await asyncio.wrap_future(done)

    def _claims(self, token: str) -> dict[str, Any]:
        """Return the claims of a token whose signature is ours; see `verify`."""
        known = self._signed.get(token)
        if known is None:
            known = self._signed[token] = self._checked(token)
            if len(self._signed) > SIGNED_MAX:
                self._signed.pop(next(iter(self._signed)))
        return known

    def _checked(self, token: str) -> dict[str, Any]:
        try:
            if len(token) > TOKEN_LENGTH_MAX:
                raise ValueError
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                issuer=_ISSUER,
                audience=_AUDIENCE,
                # The expiry is checked against the `now` that the caller gives.
                options={
                    "require": list(_CLAIMS),
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
            if type(claims["exp"]) is not int:
                raise ValueError
        except (jwt.PyJWTError, ValueError):
            raise TokenRefused("The token is not valid; log in again.") from None
        return claims
