"""Clients of the tenant that a test has to itself."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
import stamina

from footfall import Client, clock
from footfall.core.access import Role
from footfall.flows.accounts import tenants
from tests.conftest import ALL_SCOPES, Tenant


class Credential(msgspec.Struct):
    """What a client logs in with."""

    base_url: str
    organization: str
    client_key: str | None = None
    client_secret: str | None = None

    def client(self, **more: Any) -> Client:
        return Client(**msgspec.structs.asdict(self), **more)


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Attempts follow each other at once."""
    with stamina.set_testing(True, attempts=8, cap=True):
        yield


@pytest.fixture
def credential_of() -> Callable[..., Credential]:
    def make(
        tenant: Tenant,
        role: Role = Role.ORGANIZATION_MANAGER,
        scopes: tuple[str, ...] = ALL_SCOPES,
    ) -> Credential:
        made = tenants.create_service(
            tenant.store, tenant.id, role, scopes, clock.now()
        )
        return Credential(
            tenant.server.address, tenant.id, made.client_key, made.client_secret
        )

    return make


@pytest.fixture
def credential(tenant: Tenant, credential_of: Callable[..., Credential]) -> Credential:
    return credential_of(tenant)


@pytest.fixture
def client(credential: Credential) -> Iterator[Client]:
    with credential.client() as opened:
        yield opened
