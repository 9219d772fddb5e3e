"""What both engines do alike with rows that are not within an organization's order."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

import msgspec
from typing_extensions import override

from footfall.core.access import Service
from footfall.store import Credential, Organization, Store
from footfall.store.relational.services import credential_of, service_of
from footfall.store.transaction import Source
from footfall.store.webhooks import WebhookVersion

T = TypeVar("T")
Row = Sequence[Any]
# Runs a statement by its name and returns its rows.
Run = Callable[..., list[Row]]


class RelationalStore(Store, Protocol):
    """A store that runs named statements; an engine has the two ways to run them."""

    @abstractmethod
    def _rows(self, name: str, /, **values: Any) -> list[Any]:
        """Run a statement on a connection that reads; return its rows."""

    @abstractmethod
    def _write(self, work: Callable[[Run], T]) -> Future[T]:
        """Do work in a transaction that is no organization's."""

    def _names(self, name: str, /, **values: Any) -> list[str]:
        """Run a statement whose rows are names."""
        return [str(found) for (found,) in self._rows(name, **values)]

    @override
    def sources(self, organization: str | None = None) -> list[Source]:
        rows = self._rows("sources", organization=organization)
        return [msgspec.json.decode(body, type=Source) for (body,) in rows]

    @override
    def source(self, source: str) -> Source | None:
        rows = self._rows("source", id=source)
        return msgspec.json.decode(rows[0][0], type=Source) if rows else None

    @override
    def webhook_versions(self) -> list[WebhookVersion]:
        return [WebhookVersion(*row) for row in self._rows("webhook_versions")]

    @override
    def stays_due(self, now: int) -> list[str]:
        return self._names("due", now=now)

    @override
    def organizations_to_count(self) -> list[str]:
        return self._names("organizations_to_count")

    @override
    def organizations_to_reattribute(self) -> list[str]:
        return self._names("organizations_to_reattribute")

    @override
    def organizations(self) -> list[Organization]:
        return [Organization(*row) for row in self._rows("organizations")]

    @override
    def services(self, organization: str | None = None) -> list[Service]:
        if organization is None:
            rows = self._rows("services")
        else:
            rows = self._rows("services_of", organization=organization)
        return [service_of(row) for row in rows]

    @override
    def credential(self, client_key: str, token_id: str = "") -> Credential | None:
        rows = self._rows("credential", client_key=client_key, token_id=token_id)
        return credential_of(rows[0]) if rows else None

    @override
    def take_lease(self, job: str, holder: str, now: int, until: int) -> Future[bool]:
        return self._write(
            lambda run: bool(
                run("take_lease", job=job, holder=holder, now=now, until_at=until)
            )
        )

    @override
    def give_up_leases(self, holder: str) -> Future[None]:
        def work(run: Run) -> None:
            run("give_up_leases", holder=holder)

        return self._write(work)

    @override
    def servers(self, now: int) -> list[str]:
        return self._names("servers", now=now)
