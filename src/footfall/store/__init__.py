"""The door to data: one protocol, one package an engine.

Reads answer at once and may be called from any thread. Writes return a future: it
is done when the write is on disk, and many writes share one commit.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar, runtime_checkable

import msgspec

from footfall.core.access import Service
from footfall.core.events.structs import NewEvent
from footfall.core.queries import EventQuery, Position, Sort
from footfall.store.transaction import Source, Transaction
from footfall.store.users import UserRepository
from footfall.store.webhooks import WebhookVersion

T = TypeVar("T")


class Organization(msgspec.Struct, frozen=True):
    """A tenant."""

    id: str
    name: str
    created_at: int


class Page(msgspec.Struct, frozen=True):
    """A page of events.

    Attributes:
        count: How many events it has.
        body: Their JSON, joined with the query's separator.
        last: The position of the last one, where `count` > 0.
        has_more: Whether events beyond it, up to the bound, match.
        newest: The organization's newest arrival number when the page was read.
    """

    count: int
    body: bytes
    last: Position | None
    has_more: bool
    newest: int


class Entry(msgspec.Struct, frozen=True, gc=False):
    """An event, or a withdrawal, in the log of arrivals: its number there, its JSON."""

    arrival: int
    body: bytes


class Entries(msgspec.Struct, frozen=True):
    """A part of an organization's log of arrivals.

    Attributes:
        found: What matches, in order.
        end: The arrival number up to which nothing else matches.
    """

    found: list[Entry]
    end: int


class Appended(msgspec.Struct, frozen=True):
    """What became of the events of one append.

    Attributes:
        accepted: How many were stored.
        duplicates: How many were there already, with the same content.
        conflicts: The positions of those whose id has other content.
    """

    accepted: int
    duplicates: int = 0
    conflicts: tuple[int, ...] = ()


class Credential(msgspec.Struct, frozen=True):
    """What is needed to let a service in.

    Attributes:
        service: The service.
        secret_hash: The hash of its secret.
        token_revoked: Whether the token that was asked about was ended.
    """

    service: Service
    secret_hash: bytes
    token_revoked: bool


class Erased(msgspec.Struct, frozen=True):
    """What an erasure took away.

    Attributes:
        counts: How many events, by the type's number.
        bytes_pending: Whether a long read still keeps bytes of it in the files; they
            are taken away as soon as it ends.
    """

    counts: dict[int, int]
    bytes_pending: bool


class Store(Protocol):
    """What an engine must do; `tests/store` is the suite that each must pass.

    An organization's writes come one after the other, whichever server does them: each
    updates the organization's row, which gives out its arrival numbers. So the order
    of the numbers is the order of the commits, and whoever reads by arrival passes
    none that is committed later.

    Attributes:
        is_remote: Whether a read may wait for another machine; if not, a read of a few
            rows costs less than handing it to a thread.
        users: People who sign in to the console.
    """

    is_remote: bool
    users: UserRepository

    def append(self, organization: str, events: list[NewEvent]) -> Future[Appended]:
        """Store events, each once by its key, in the order given."""

    def bodies(self, organization: str, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return the bodies of an organization's events by key, of those stored.

        They are on disk.
        """

    def page(
        self,
        query: EventQuery,
        after: Position | None = None,
        bound: int | None = None,
    ) -> Page:
        """Read a page: what follows `after`, among arrivals up to `bound`.

        Raises:
            ContactUnknown: The query names a contact that was never seen.
        """

    def entries(self, query: EventQuery, after: int) -> Entries:
        """Read the log of arrivals: up to `query.size` entries that follow `after`.

        Of the query, the contact, the types and the size count. A contact that was
        never seen has no entries.
        """

    def newest_arrivals(self, organizations: Iterable[str]) -> dict[str, int]:
        """Return the newest arrival number of each of these that exists."""

    def watch(self, wake: Callable[[str | None], None]) -> Callable[[], None]:
        """Be woken when a log grows, whichever process wrote.

        Args:
            wake: Called on any thread with the organization's id soon after a commit;
                with None where any log may have grown. It must not wait.

        Returns:
            What ends it.
        """

    def erase(self, organization: str, contact: str) -> Future[Erased]:
        """Erase a contact and all its events, from the files' bytes too.

        The future fails with ContactUnknown where it was never seen.
        """

    def finish_erasures(self, *, resume: bool = True) -> Future[bool]:
        """Take away the bytes that had to wait; with `resume` also what a crash left.

        The future tells whether bytes still wait.
        """

    def purge(self) -> bool:
        """Leave nothing of what was deleted; True if a long read prevents it."""

    def create_organization(self, organization: Organization) -> Future[None]:
        """Add a tenant; AlreadyExists if the id is taken."""

    def organizations(self) -> list[Organization]:
        """List the tenants, oldest first."""

    def create_service(self, service: Service, secret_hash: bytes) -> Future[None]:
        """Add a credential; OrganizationUnknown if there is no such tenant."""

    def services(self, organization: str | None = None) -> list[Service]:
        """List the credentials, oldest first."""

    def credential(self, client_key: str, token_id: str = "") -> Credential | None:
        """Return a service and the hash of its secret, and how a token stands."""

    def revoke_service(self, client_key: str, now: int) -> Future[bool]:
        """End a credential and all its tokens; False if there is none such."""

    def revoke_token(self, token_id: str, expires_at: int, now: int) -> Future[None]:
        """End one token for good; forget those that expired before `now`."""

    def transaction(
        self,
        organization: str,
        work: Callable[[Transaction], T],
        *,
        versioned: bool = True,
    ) -> Future[T]:
        """Do `work` in a transaction of an organization: whole or not at all.

        Args:
            organization: Its id.
            work: What to do. It may be done more than once, of which only the last
                counts: it changes nothing but what the transaction gives it.
            versioned: Whether the organization gets another version, by which a copy
                and other servers notice the change. Counts and deliveries leave it:
                they come all the time, and change no device and no stay.
        """

    def read(self, organization: str, work: Callable[[Transaction], T]) -> T:
        """Do `work`, which only reads, on one state of an organization's data."""

    def sources(self, organization: str | None = None) -> list[Source]:
        """List the sources, oldest first."""

    def source(self, source: str) -> Source | None:
        """Return a source."""

    def webhook_versions(self) -> list[WebhookVersion]:
        """List the webhooks of all organizations, each with its version."""

    def stays_due(self, now: int) -> list[str]:
        """List the organizations that have stays to look at."""

    def organizations_to_count(self) -> list[str]:
        """Return the organizations of which analytics has not counted everything."""

    def organizations_to_reattribute(self) -> list[str]:
        """List the organizations that have devices whose owner changed."""

    def forget(self, observed: int, rejections: int) -> Future[bool]:
        """Forget observations of before; True if there is more.

        Args:
            observed: Before when observations are forgotten.
            rejections: Before when rejections and attempts of webhooks are.
        """

    def check(self) -> Future[None]:
        """Fail with the reason while writes fail; done once they can succeed."""

    def take_lease(self, job: str, holder: str, now: int, until: int) -> Future[bool]:
        """Take a periodic job, or keep it; False while another holds it.

        Args:
            job: Which one.
            holder: Who asks: one process.
            now: This instant: a lease that ended before it is free.
            until: When the lease ends, unless it is taken again.
        """

    def give_up_leases(self, holder: str) -> Future[None]:
        """Let others have the jobs of a process that ends."""

    def servers(self, now: int) -> list[str]:
        """List the servers that are there: each holds a lease of its own name."""

    def close(self) -> None:
        """Finish what is waiting and close."""


def in_log(query: EventQuery) -> EventQuery:
    """Return the query for the log of arrivals, which knows no span and one order."""
    return msgspec.structs.replace(
        query, start_at=None, end_at=None, sort=Sort.RECEIVED_TIME, reverse=False
    )


@runtime_checkable
class HealthReporting(Protocol):
    """Of a store that can examine itself."""

    def check_health(self) -> dict[str, Any]:
        """Say how the store is: versions, settings, sizes, `problems` if any."""


@runtime_checkable
class DistributedStore(Protocol):
    """Of a store that can lie on several machines, by organization."""

    def distribute(self) -> list[str]:
        """Distribute the tables that are not yet; returns which.

        Fails with StoreError where the database cannot.
        """

    def isolate(self, organization: str, node: tuple[str, int]) -> None:
        """Move an organization's rows to a node, apart from those of all others.

        Fails with NotFound where the database has no such node.
        """


@runtime_checkable
class ObservationIndexing(Protocol):
    """Of a store that makes an index beside its writes."""

    def index_observations(self) -> bool:
        """Make kept observations findable by device; True if there may be more."""
