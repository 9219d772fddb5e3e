"""Users, their sessions and sign-in links as rows, for both engines."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import msgspec
from typing_extensions import override

from footfall.core import access
from footfall.core.access import User
from footfall.errors import AlreadyExists, OrganizationUnknown
from footfall.store.relational.store import Row, Run
from footfall.store.users import Account, SignedIn, UserRepository

T = TypeVar("T")


class SQLUsers(UserRepository):
    """The repository, made of an engine's two ways to run named statements.

    Args:
        read: Runs one on a connection that reads.
        write: Does work in a transaction of the writer.
    """

    def __init__(self, read: Run, write: Callable[[Callable[[Run], Any]], Future[Any]]):
        self._read = read
        self._write = write

    @override
    def add(self, user: User) -> Future[str]:
        values = msgspec.structs.asdict(user) | {
            "scopes": " ".join(user.scopes),
            "locations": " ".join(user.locations),
            "role": str(user.role),
        }

        def work(run: Run) -> str:
            if not run("organization_exists", organization=user.organization):
                raise OrganizationUnknown(
                    f"There is no organization {user.organization}."
                )
            added = run("add_user", **values)
            if not added:
                raise AlreadyExists(
                    f"The organization has a user {user.email} already."
                )
            return str(added[0][0])

        return self._write(work)

    @override
    def all(self, organization: str | None = None) -> list[User]:
        if organization is None:
            return [_user(row) for row in self._read("users")]
        rows = self._read("users_of_organization", organization=organization)
        return [_user(row) for row in rows]

    @override
    def of_email(self, email: str) -> list[Account]:
        rows = self._read("users_of_email", email=email)
        return [Account(_user(row), password) for *row, password in rows]

    @override
    def change_password(self, user: str, password_hash: str, now: int) -> Future[bool]:
        def work(run: Run) -> bool:
            run("end_sessions_of_user", user=user)
            run("forget_links_of_user", user=user)
            return bool(run("change_password", user=user, password_hash=password_hash))

        return self._change(user, work, now)

    @override
    def revoke(self, user: str, now: int) -> Future[bool]:
        def work(run: Run) -> bool:
            run("end_sessions_of_user", user=user)
            run("forget_links_of_user", user=user)
            return bool(run("revoke_user", user=user, now=now))

        return self._change(user, work, now)

    def _change(
        self,
        user: str,  # noqa: ARG002  for an engine that keeps a journal
        work: Callable[[Run], bool],
        now: int,  # noqa: ARG002
    ) -> Future[bool]:
        """Do what a restored backup must not undo."""
        return self._write(work)

    @override
    def add_link(self, digest: bytes, user: str, expires_at: int) -> Future[None]:
        def work(run: Run) -> None:
            run("add_link", digest=digest, user=user, expires_at=expires_at)

        return self._write(work)

    @override
    def take_link(self, digest: bytes, now: int) -> Future[User | None]:
        def work(run: Run) -> User | None:
            run("forget_links", now=now)
            taken = run("take_link", digest=digest)
            found = run("user", user=taken[0][0]) if taken else []
            return _user(found[0]) if found else None

        return self._write(work)

    @override
    def begin_session(
        self,
        session: SignedIn,
        digest: bytes,
        now: int,
        password_hash: str | None = None,
    ) -> Future[bool]:
        def work(run: Run) -> bool:
            run("forget_console_sessions", now=now)
            begun = run(
                "add_console_session",
                key=session.key,
                user=session.user.id,
                digest=digest,
                created_at=now,
                expires_at=session.expires_at,
                password_hash=password_hash,
            )
            return bool(begun)

        return self._write(work)

    @override
    def session(self, digest: bytes, now: int) -> SignedIn | None:
        rows = self._read("console_session", digest=digest, now=now)
        return SignedIn(rows[0][-2], _user(rows[0][:-2]), rows[0][-1]) if rows else None

    @override
    def end_session(self, key: str) -> Future[None]:
        def work(run: Run) -> None:
            run("end_console_session", key=key)

        return self._write(work)


def _user(row: Row) -> User:
    user_id, organization, email, name, role, scopes, locations, created_at, end = row
    return User(
        id=user_id,
        organization=organization,
        email=email,
        name=name,
        role=access.Role(role),
        scopes=tuple(scopes.split()),
        locations=tuple(locations.split()),
        created_at=created_at,
        revoked_at=end,
    )
