"""Sign-in at a directory: OpenID Connect, the authorization code flow with PKCE.

A sign-in begins here, goes on at the directory, and comes back with a code, which the
directory exchanges for what it says of the person. In between, the browser keeps what
belongs together in a signed cookie, so any of several servers can finish what another
began. Nobody becomes a user by this: the e-mail must be that of one.
Source: OpenID Connect Core 1.0, 3.1; RFC 6749, RFC 7636, RFC 9207, RFC 9700
"""

import contextlib
import hmac
import secrets
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import jwt
import msgspec
import structlog

from footfall.core import oidc
from footfall.core.instants import SECOND
from footfall.errors import CredentialsWrong, FootfallError
from footfall.flows.accounts.sign_in import NewSession, SignIn

WITHIN_S = 10 * 60
ATTEMPT_LENGTH_MAX = 4_096
_SECRET_BYTES = 32
_ALGORITHM = "HS256"
_AUDIENCE = "footfall-oidc"
_log = structlog.get_logger()

# What people read who come back without being signed in.
PROBLEMS = {
    "not-begun": "This sign-in was not begun in this browser, or more than ten "
    "minutes ago. Begin again.",
    "declined": "The directory did not sign you in. You may have cancelled there, or "
    "it does not let you use footfall.",
    "untrusted": "The directory's answer cannot be trusted, so nobody was signed in. "
    "The server's log says why.",
    "unconfirmed": "The directory did not confirm this sign-in. Begin again; if that "
    "does not help, the server's log says why.",
    "unverified": "The directory does not say that your e-mail address is verified, "
    "and footfall knows you by it alone. Ask whoever runs the directory.",
    "unknown": "Nobody of your e-mail address may use this footfall. Whoever runs this "
    "server can change that with: footfall user create",
    "several": "You belong to several organizations. Choose one.",
    "unreachable": "The directory does not answer. Try again in a minute.",
    "too-many": "Too many sign-ins failed. Try again in a minute.",
}


class SignInRefused(CredentialsWrong):
    """What came back from the directory signs nobody in.

    Attributes:
        reason: Why, as one of PROBLEMS.
    """

    def __init__(self, reason: str, why: str = ""):
        super().__init__(PROBLEMS[reason])
        self.reason = reason
        self.why = why


class DirectoryUnreachable(FootfallError):
    """The directory does not answer, or not as a directory does."""


class Attempt(msgspec.Struct, frozen=True):
    """A sign-in that is under way, as the browser's cookie keeps it.

    Attributes:
        state: Comes back with the browser, so that the answer belongs to this browser.
        nonce: Comes back in what the directory signs, so that that is fresh.
        verifier: Proves to the directory that whoever began also finishes.
        then: The page of the console to go on to.
        organization: Which one, if the person belongs to several.
    """

    state: str
    nonce: str
    verifier: str
    then: str
    organization: str | None = None


class Provider(Protocol):
    """A directory, as an OpenID provider."""

    async def authorization_url(self, attempt: Attempt, now: int) -> str:
        """Return where the browser goes on.

        Raises:
            DirectoryUnreachable: The directory does not say where.
        """

    async def claims(
        self, attempt: Attempt, answer: Mapping[str, str], now: int
    ) -> dict[str, Any]:
        """Exchange the code of an answer for what the directory says of the person.

        Raises:
            SignInRefused: It is not what this directory says to this attempt now.
            DirectoryUnreachable: The directory does not answer.
        """


class OIDCSignIn:
    """Begins and finishes sign-ins at a directory.

    Args:
        sign_in: Begins sessions.
        provider: The directory.
        name: What people call it.
        address: The address of this footfall that people's browsers open.
        key: Signs the cookies.
    """

    def __init__(
        self, sign_in: SignIn, provider: Provider, name: str, address: str, key: bytes
    ):
        self._sign_in = sign_in
        self._provider = provider
        self.name = name
        self.address = address
        self._key = key

    async def begin(
        self, then: str, organization: str | None, now: int
    ) -> tuple[str, str]:
        """Begin a sign-in; return where the browser goes on, and its cookie.

        Raises:
            DirectoryUnreachable: The directory does not say where.
        """
        attempt = Attempt(
            state=secrets.token_urlsafe(_SECRET_BYTES),
            nonce=secrets.token_urlsafe(_SECRET_BYTES),
            verifier=secrets.token_urlsafe(_SECRET_BYTES),
            then=oidc.own_path(then),
            organization=organization,
        )
        with _logged():
            url = await self._provider.authorization_url(attempt, now)
        claims = msgspec.to_builtins(attempt) | {
            "aud": _AUDIENCE,
            "exp": now // SECOND + WITHIN_S,
        }
        return url, jwt.encode(claims, self._key, _ALGORITHM)

    def attempt(self, cookie: str, now: int) -> Attempt | None:
        """Return the attempt of a cookie, if it is ours and not too old."""
        if not 0 < len(cookie) <= ATTEMPT_LENGTH_MAX:
            return None
        try:
            claims = jwt.decode(
                cookie,
                self._key,
                [_ALGORITHM],
                audience=_AUDIENCE,
                # The expiry is checked against the `now` that the caller gives.
                options={"require": ["exp", "aud"], "verify_exp": False},
            )
        except jwt.PyJWTError:
            return None
        if claims["exp"] * SECOND <= now:
            return None
        return msgspec.convert(claims, Attempt)

    async def finish(
        self, attempt: Attempt, answer: Mapping[str, str], now: int
    ) -> NewSession:
        """Begin the session of who signed in.

        Args:
            attempt: What the browser's cookie has.
            answer: The parameters with which the browser came back.
            now: The moment.

        Raises:
            SignInRefused: Nobody is signed in by that.
            SeveralOrganizations: The person must choose one.
            DirectoryUnreachable: The directory does not answer.
        """
        with _logged():
            return await self._finish(attempt, answer, now)

    async def _finish(
        self, attempt: Attempt, answer: Mapping[str, str], now: int
    ) -> NewSession:
        state = answer.get("state", "")
        if not hmac.compare_digest(state.encode(), attempt.state.encode()):
            raise SignInRefused("not-begun", "state")
        if not answer.get("code"):
            raise SignInRefused("declined", answer.get("error", "")[:64])
        email = oidc.verified_email(await self._provider.claims(attempt, answer, now))
        if email is None:
            raise SignInRefused("unverified")
        try:
            return await self._sign_in.with_email(email, attempt.organization, now)
        except CredentialsWrong:
            raise SignInRefused("unknown") from None


@contextlib.contextmanager
def _logged() -> Iterator[None]:
    """Tell operators why nobody was signed in; people get less to read."""
    try:
        yield
    except SignInRefused as refused:
        _log.warning("oidc_refused", reason=refused.reason, why=refused.why)
        raise
    except DirectoryUnreachable as error:
        _log.warning("oidc_unreachable", why=error.detail)
        raise
