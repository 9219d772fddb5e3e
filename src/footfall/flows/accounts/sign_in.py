"""Sign-in: a person's password or link becomes a session, and that API tokens.

The browser keeps a session's secret in a cookie, the store its digest. All that a
session can do is get tokens for the API, which name it as they name a service; so the
API knows no cookies, and a session that ended ends its tokens at once.
"""

import asyncio
import secrets
import uuid
from collections.abc import Sequence

import msgspec

from footfall.core import identities
from footfall.core.access import User
from footfall.core.instants import SECOND
from footfall.errors import CredentialsWrong, Invalid, SignedOut
from footfall.flows.accounts import passwords
from footfall.flows.accounts.tenants import hash_secret
from footfall.flows.accounts.tokens import Tokens
from footfall.store import Store
from footfall.store.users import Account, SignedIn

SESSION_S = 7 * 24 * 60 * 60
TOKEN_S = 15 * 60
_SECRET_BYTES = 32
SECRET_LENGTH_MAX = 64
# A password is tried for so many organizations that have a user of the e-mail.
ACCOUNTS_MAX = 5


class NewSession(msgspec.Struct, frozen=True):
    """A session that was just begun; its secret goes into the cookie."""

    session: SignedIn
    secret: str


class SeveralOrganizations(Invalid):
    """A person belongs to several organizations and must name one."""

    def __init__(self, organizations: Sequence[str]):
        super().__init__(
            f"Name the organization too; one of: {', '.join(organizations)}."
        )
        self.organizations = tuple(organizations)


class SignIn:
    """Begins, finds and ends sessions."""

    def __init__(self, store: Store, tokens: Tokens):
        self._store = store
        self._tokens = tokens

    async def with_password(
        self, email: str, password: str, organization: str | None, now: int
    ) -> NewSession:
        """Begin a session for an e-mail and a password.

        Raises:
            CredentialsWrong: They belong to no user.
            SeveralOrganizations: They fit in several, and none was named.
        """
        accounts = (await self._accounts(email, organization))[:ACCOUNTS_MAX]
        fitting = [
            one for one in accounts if await passwords.fits(one.password_hash, password)
        ]
        if not accounts:
            await passwords.fits(None, password)
        if not fitting:
            raise CredentialsWrong("The e-mail or the password is wrong.")
        account = _only(fitting)
        return await self._begin(account.user, now, account.password_hash)

    async def with_email(
        self, email: str, organization: str | None, now: int
    ) -> NewSession:
        """Begin a session for an e-mail that somebody trusted has verified.

        Raises:
            CredentialsWrong: It belongs to no user.
            SeveralOrganizations: It does in several, and none was named.
        """
        accounts = await self._accounts(email, organization)
        if not accounts:
            raise CredentialsWrong("The e-mail belongs to no user.")
        return await self._begin(_only(accounts).user, now)

    async def _accounts(self, email: str, organization: str | None) -> list[Account]:
        """Return the users of an e-mail, of an organization if one is named."""
        sought = identities.sought_email(email)
        found = await asyncio.to_thread(self._store.users.of_email, sought)
        return [one for one in found if organization in (None, one.user.organization)]

    async def with_link(self, token: str, now: int) -> NewSession:
        """Begin a session for a sign-in link, which is used up.

        Raises:
            CredentialsWrong: It was used, has expired or never was.
        """
        user = await asyncio.wrap_future(
            self._store.users.take_link(hash_secret(token), now)
        )
        if user is None:
            raise CredentialsWrong(
                "The sign-in link was used already or has expired: ask for a new one."
            )
        return await self._begin(user, now)

    async def _begin(
        self, user: User, now: int, password_hash: str | None = None
    ) -> NewSession:
        secret = secrets.token_urlsafe(_SECRET_BYTES)
        session = SignedIn(f"us-{uuid.uuid4()}", user, now + SESSION_S * SECOND)
        begun = self._store.users.begin_session(
            session, hash_secret(secret), now, password_hash
        )
        if not await asyncio.wrap_future(begun):
            raise CredentialsWrong("The e-mail or the password is wrong.")
        return NewSession(session, secret)

    async def session(self, secret: str, now: int) -> SignedIn:
        """Return the session of a cookie.

        Raises:
            SignedOut: There is none, or it has ended.
        """
        found = None
        if 0 < len(secret) <= SECRET_LENGTH_MAX:
            digest = hash_secret(secret)
            found = await asyncio.to_thread(self._store.users.session, digest, now)
        if found is None:
            raise SignedOut("Nobody is signed in; sign in again.")
        return found

    def token(self, session: SignedIn, now: int) -> tuple[str, int]:
        """Return an API token for a session, and for how many seconds it holds."""
        left = (session.expires_at - now) // SECOND
        lifetime_s = max(1, min(TOKEN_S, left))
        user = session.user
        token = self._tokens.issue(session.key, user.organization, now, lifetime_s)
        return token, lifetime_s

    async def change_password(
        self, session: SignedIn, old: str | None, new: str, now: int
    ) -> NewSession:
        """Set the user's password and end its sessions; returns a new one.

        The old password is needed where there is one, for a cookie alone could be a
        browser left open.

        Raises:
            CredentialsWrong: The old one is wrong.
            Invalid: The new one is too short or too long.
        """
        user = session.user
        found = await asyncio.to_thread(self._store.users.of_email, user.email)
        account = next((one for one in found if one.user.id == user.id), None)
        if account is None:
            raise SignedOut("Nobody is signed in; sign in again.")
        if account.password_hash is not None and not await passwords.fits(
            account.password_hash, old or ""
        ):
            raise CredentialsWrong("The password until now is wrong.")
        password_hash = await passwords.hashed(new)
        await asyncio.wrap_future(
            self._store.users.change_password(user.id, password_hash, now)
        )
        return await self._begin(user, now)

    async def end(self, session: SignedIn) -> None:
        """End a session, and its tokens with it."""
        await asyncio.wrap_future(self._store.users.end_session(session.key))


def _only(accounts: Sequence[Account]) -> Account:
    """Return the account, if it is the only one.

    Raises:
        SeveralOrganizations: It is not.
    """
    if len(accounts) > 1:
        raise SeveralOrganizations([one.user.organization for one in accounts])
    return accounts[0]
