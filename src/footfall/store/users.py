"""Users of the console, as an engine keeps them: who they are, and where signed in.

They are found before their organization is known, as services are.
"""

from concurrent.futures import Future
from typing import Protocol

import msgspec

from footfall.core.access import User


class Account(msgspec.Struct, frozen=True):
    """A user, and the hash of its password, if it has one."""

    user: User
    password_hash: str | None


class SignedIn(msgspec.Struct, frozen=True):
    """A session of a user.

    Attributes:
        key: What its API tokens name, as a service's name the clientKey.
        user: Whose it is.
        expires_at: When it ends.
    """

    key: str
    user: User
    expires_at: int


class UserRepository(Protocol):
    """Users, their sessions and sign-in links; only digests of secrets are kept."""

    def add(self, user: User) -> Future[str]:
        """Add a user; returns its id, which is the old one where it was revoked.

        The future fails with AlreadyExists where the organization has one of this
        e-mail, with OrganizationUnknown where there is no such tenant.
        """

    def all(self, organization: str | None = None) -> list[User]:
        """List the users, oldest first."""

    def of_email(self, email: str) -> list[Account]:
        """Return those with an e-mail, of all organizations, who may sign in."""

    def change_password(self, user: str, password_hash: str, now: int) -> Future[bool]:
        """Set a password and end the user's sessions; False if there is none such."""

    def revoke(self, user: str, now: int) -> Future[bool]:
        """End a user and all its sessions; False if there is no such user."""

    def add_link(self, digest: bytes, user: str, expires_at: int) -> Future[None]:
        """Keep a link that signs a user in."""

    def take_link(self, digest: bytes, now: int) -> Future[User | None]:
        """Use a link up; returns whom it signs in."""

    def begin_session(
        self,
        session: SignedIn,
        digest: bytes,
        now: int,
        password_hash: str | None = None,
    ) -> Future[bool]:
        """Keep a session; forget those that have ended.

        False if the user was revoked, or no longer has the password of this hash.
        """

    def session(self, digest: bytes, now: int) -> SignedIn | None:
        """Return the session of a cookie, if it goes on."""

    def end_session(self, key: str) -> Future[None]:
        """End a session, and its tokens with it."""
