"""The directory where people sign in: an OpenID provider, asked over HTTPS.

Authlib speaks the protocol, over httpx2, and checks what an ID token claims; joserfc,
which it stands on, checks the signature. Here is what they leave open: where the
directory's endpoints and keys are and for how long that holds, which signatures count,
and how long and how large an answer may be.
Source: OpenID Connect Core 1.0, 3.1.3; OpenID Connect Discovery 1.0, 4
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any
from urllib.parse import quote_plus

import httpx2
import msgspec
from authlib.integrations.httpx_client import AsyncOAuth2Client, OAuthError
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import BadSignatureError, InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry
from typing_extensions import override

from footfall import __version__
from footfall.core.instants import HOUR, SECOND
from footfall.flows.accounts.oidc import (
    Attempt,
    DirectoryUnreachable,
    Provider,
    SignInRefused,
)

# For all that a request asks the directory.
TIMEOUT_S = 10.0
ANSWER_BYTES_MAX = 256 * 1024
# So many requests ask at once; others wait, no longer than the timeout.
ASKING_MAX = 16
# For how long it holds where the directory's endpoints and keys are.
FRESH = HOUR
LEEWAY_S = 60
SCOPE = "openid email"
# With a key pair: neither `none`, nor a secret that the directory shares with others.
_ALGORITHMS = [
    f"{kind}{size}" for kind in ("RS", "PS", "ES") for size in (256, 384, 512)
]
_SIGNATURES = JWSRegistry(algorithms=_ALGORITHMS, strict_check_header=False)
_HEADERS = {"user-agent": f"footfall/{__version__}", "accept-encoding": "identity"}


class _Endpoints(msgspec.Struct, frozen=True):
    """What of the discovery document is used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)

    def are_secure(self) -> bool:
        """Tell whether all of them are reached over TLS."""
        urls = (self.authorization_endpoint, self.token_endpoint, self.jwks_uri)
        more = (self.userinfo_endpoint,) if self.userinfo_endpoint else ()
        return all(url.startswith("https://") for url in urls + more)


class Directory(Provider):
    """An OpenID provider.

    Args:
        issuer: Its address, as its discovery document spells it.
        client_id: How it knows this footfall.
        client_secret: What proves that; None for a public client.
        redirect_uri: Where it sends browsers back to.
    """

    def __init__(
        self, issuer: str, client_id: str, client_secret: str | None, redirect_uri: str
    ):
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._redirect_uri = redirect_uri
        self._tls = httpx2.create_ssl_context()
        self._turns = asyncio.Semaphore(ASKING_MAX)
        self._endpoints: tuple[int, _Endpoints] | None = None
        self._keys: tuple[int, KeySet] | None = None

    @override
    async def authorization_url(self, attempt: Attempt, now: int) -> str:
        async with self._asking() as client:
            found = await self._found(client, now)
            url, _ = client.create_authorization_url(
                found.authorization_endpoint,
                state=attempt.state,
                nonce=attempt.nonce,
                code_verifier=attempt.verifier,
            )
        return str(url)

    async def check(self, now: int) -> None:
        """Ask for all that a sign-in will need.

        Raises:
            DirectoryUnreachable: Something is missing.
        """
        async with self._asking() as client:
            found = await self._found(client, now)
            await self._key_set(client, found.jwks_uri, now)

    @override
    async def claims(
        self, attempt: Attempt, answer: Mapping[str, str], now: int
    ) -> dict[str, Any]:
        if answer.get("iss", self._issuer) != self._issuer:
            raise SignInRefused("untrusted", "another issuer answered")
        async with self._asking() as client:
            found = await self._found(client, now)
            token = await self._exchanged(client, found, attempt, answer["code"])
            claims = await self._checked(client, found, token, attempt, now)
            if "email" not in claims and found.userinfo_endpoint is not None:
                claims |= await self._userinfo(client, found.userinfo_endpoint, claims)
        return claims

    @contextlib.asynccontextmanager
    async def _asking(self) -> AsyncIterator[AsyncOAuth2Client]:
        """Lend a client for some requests, for a limited time."""
        client = AsyncOAuth2Client(
            self._client_id,
            self._client_secret,
            redirect_uri=self._redirect_uri,
            scope=SCOPE,
            code_challenge_method="S256",
            verify=self._tls,
            timeout=TIMEOUT_S,
            headers=_HEADERS,
            event_hooks={"response": [_bound]},
        )
        try:
            async with asyncio.timeout(TIMEOUT_S), self._turns, client:
                yield client
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            raise DirectoryUnreachable(
                f"The directory {self._issuer} cannot be used: {_reason(error)}."
            ) from None

    async def _found(self, client: AsyncOAuth2Client, now: int) -> _Endpoints:
        """Return where the directory's endpoints are."""
        if self._endpoints is None or now >= self._endpoints[0] + FRESH:
            base = self._issuer.rstrip("/")
            url = f"{base}/.well-known/openid-configuration"
            try:
                found = msgspec.json.decode(await _get(client, url), type=_Endpoints)
            except msgspec.MsgspecError as error:
                raise ValueError(f"its discovery document: {error}") from None
            if found.issuer != self._issuer:
                raise ValueError(f"it says that its issuer is {found.issuer}")
            if self._issuer.startswith("https:") and not found.are_secure():
                raise ValueError("one of its endpoints is not https://")
            self._endpoints = now, found
        return self._endpoints[1]

    async def _key_set(
        self, client: AsyncOAuth2Client, url: str, now: int, *, anew: bool = False
    ) -> KeySet:
        """Return the keys with which the directory signs."""
        if anew or self._keys is None or now >= self._keys[0] + FRESH:
            try:
                found: Any = msgspec.json.decode(await _get(client, url), type=dict)
                self._keys = now, KeySet.import_key_set(found)
            except (msgspec.MsgspecError, JoseError, LookupError, TypeError):
                raise ValueError("its keys cannot be read") from None
        return self._keys[1]

    async def _exchanged(
        self, client: AsyncOAuth2Client, found: _Endpoints, attempt: Attempt, code: str
    ) -> dict[str, Any]:
        """Exchange the code for tokens, of which the ID token is wanted."""
        try:
            token: dict[str, Any] = await client.fetch_token(
                found.token_endpoint,
                grant_type="authorization_code",
                code=code,
                code_verifier=attempt.verifier,
                auth=self._proof(client, found),
            )
        except OAuthError as error:
            raise SignInRefused("unconfirmed", str(error.error)[:64]) from None
        return token

    def _proof(self, client: AsyncOAuth2Client, found: _Endpoints) -> httpx2.Auth:
        """Return how a request proves that it is ours."""
        secret = self._client_secret
        if (
            secret is not None
            and "client_secret_basic" in found.token_endpoint_auth_methods_supported
        ):
            # Authlib leaves out the encoding that RFC 6749, 2.3.1 wants.
            return httpx2.BasicAuth(quote_plus(self._client_id), quote_plus(secret))
        method = "client_secret_post" if secret is not None else "none"
        auth: httpx2.Auth = client.client_auth(method)
        return auth

    async def _checked(
        self,
        client: AsyncOAuth2Client,
        found: _Endpoints,
        token: dict[str, Any],
        attempt: Attempt,
        now: int,
    ) -> dict[str, Any]:
        """Return the claims of an ID token that is for us, now and for this attempt."""
        text = token.get("id_token")
        if not isinstance(text, str):
            raise SignInRefused("untrusted", "there is no ID token")
        expected = {
            "iss": {"essential": True, "value": self._issuer},
            "aud": {"essential": True, "value": self._client_id},
        }
        given = {
            "nonce": attempt.nonce,
            "client_id": self._client_id,
            "access_token": token.get("access_token"),
        }
        decoded = _decoded(text, await self._key_set(client, found.jwks_uri, now))
        if decoded is None:
            # The directory may have changed its keys.
            keys = await self._key_set(client, found.jwks_uri, now, anew=True)
            decoded = _decoded(text, keys)
        if decoded is None:
            raise SignInRefused("untrusted", "none of its keys signed the ID token")
        try:
            claims = CodeIDToken(decoded.claims, decoded.header, expected, given)
            claims.validate(now // SECOND, LEEWAY_S)
        except (JoseError, ValueError, TypeError, OverflowError) as error:
            raise SignInRefused("untrusted", str(error)) from None
        return dict(claims)

    async def _userinfo(
        self, client: AsyncOAuth2Client, url: str, claims: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the e-mail, where the directory does not put it into the ID token."""
        bearer = {"authorization": f"Bearer {client.token['access_token']}"}
        try:
            told = msgspec.json.decode(await _get(client, url, bearer), type=dict)
        except (msgspec.MsgspecError, KeyError):
            raise SignInRefused("untrusted", "the userinfo cannot be read") from None
        if told.get("sub") != claims["sub"]:
            raise SignInRefused("untrusted", "the userinfo is another person's")
        names = ("email", "email_verified", "xms_edov")
        return {name: told[name] for name in names if name in told}


def _reason(error: Exception) -> str:
    """Say what went wrong; errors whose words are not known may quote what was sent."""
    if isinstance(error, httpx2.HTTPStatusError):
        return f"{error.request.url} answers {error.response.status_code}"
    if isinstance(error, TimeoutError | httpx2.TimeoutException):
        return f"no answer within {TIMEOUT_S:.0f} s"
    return str(error) if type(error) is ValueError else type(error).__name__


def _decoded(text: str, keys: KeySet) -> jwt.Token | None:
    """Return a token that one of the keys signed; None if none of them did.

    Raises:
        SignInRefused: It cannot be read, so other keys would not help.
    """
    try:
        return jwt.decode(text, keys, registry=_SIGNATURES)
    except (InvalidKeyIdError, BadSignatureError):
        return None
    except (JoseError, ValueError, TypeError) as error:
        raise SignInRefused("untrusted", str(error)) from None


async def _get(
    client: AsyncOAuth2Client, url: str, headers: Mapping[str, str] | None = None
) -> bytes:
    answer = await client.request("GET", url, headers=headers, withhold_token=True)
    answer.raise_for_status()
    return bytes(answer.content)


async def _bound(response: httpx2.Response) -> None:
    """Let no more of an answer be read than is allowed."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise ValueError("it packs its answers unasked")
    stream = response.stream
    assert isinstance(stream, httpx2.AsyncByteStream)  # noqa: S101  an async client's
    response.stream = _BoundedStream(stream)


class _BoundedStream(httpx2.AsyncByteStream):
    """The bytes of an answer, up to a limit."""

    def __init__(self, stream: httpx2.AsyncByteStream):
        self._stream = stream

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for part in self._stream:
            size += len(part)
            if size > ANSWER_BYTES_MAX:
                raise ValueError(f"it answers with over {ANSWER_BYTES_MAX} bytes")
            yield part

    @override
    async def aclose(self) -> None:
        await self._stream.aclose()
