"""A real store, a real server on loopback, and a tenant of its own for each test."""

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import httpx2
import hypothesis
import msgspec
import pytest

from footfall import clock, service, settings
from footfall.core.access import Role
from footfall.flows.accounts import tenants
from footfall.store import Store
from tests import postgres
from tests.shared import ENVIRONMENT

# A machine that others use too is slow at times; that fails no property.
hypothesis.settings.register_profile("footfall", deadline=None)
hypothesis.settings.load_profile("footfall")

EXAMPLE = json.loads(
    resources.files("footfall").joinpath("data/events-example.json").read_text("utf-8")
)["events"]
SEED_ORGANIZATION = "155d60f21dc1938562900a0e201d54f6"
ALL_SCOPES = ("organization_read", "organization_write")


class Server(msgspec.Struct):
    """A running `footfall serve`."""

    address: str
    path: Path
    process: subprocess.Popen[str]
    radius_port: int


class Tenant:
    """An organization, and a client that is logged in to it."""

    def __init__(self, server: Server, store: Store, organization: str | None = None):
        self.server = server
        self.store = store
        self.id = organization or secrets.token_hex(16)
        tenants.create_organization(store, "Test", self.id, clock.now())
        self.client = self.login(Role.ORGANIZATION_MANAGER, ALL_SCOPES)

    def login(
        self, role: Role, scopes: tuple[str, ...], locations: tuple[str, ...] = ()
    ) -> httpx2.Client:
        made = tenants.create_service(
            self.store, self.id, role, scopes, clock.now(), locations=locations
        )
        client = httpx2.Client(base_url=self.server.address, timeout=30)
        credentials = {
            "clientKey": made.client_key,
            "clientSecret": made.client_secret,
        }
        answer = client.post("/v1/sts/login/services", json=credentials)
        client.headers["Authorization"] = answer.headers["Authorization"]
        return client

    @property
    def events_path(self) -> str:
        return f"/v1/organizations/{self.id}/events"

    def send(self, events: Any, **kwargs: Any) -> httpx2.Response:
        return self.client.post(self.events_path, json=events, **kwargs)

    def read(self, **parameters: Any) -> httpx2.Response:
        return self.client.get(self.events_path, params=parameters)

    def ids(self, **parameters: Any) -> list[str]:
        answer = self.read(**{"size": 10_000} | parameters)
        assert answer.status_code == 200, answer.text
        return [event["event"]["id"] for event in answer.json()["events"]]


def event(event_id: str | None = None, **changes: Any) -> dict[str, Any]:
    """Make a whole event; with no id, a random one."""
    return {
        "customerId": "guest",
        "event": {"type": "login", "id": event_id or secrets.token_hex(16) + "l"},
        "where": {"locationId": "venue"},
        "when": {
            "createdAt": "2026-05-01T10:00:00Z",
            "createdAtLocal": "2026-05-01T12:00:00Z",
            "timezone": "Europe/Rome",
        },
    } | changes


def start_server(path: Path, *more: str, **environment: str) -> Server:
    """Start `footfall serve` on a free port and wait until it says its address.

    A variable that is empty is not set.
    """
    variables = ENVIRONMENT | {"FOOTFALL_RADIUS_PORT": "0"} | environment
    with (path.parent / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "footfall", "serve", "--port", "0"]
            + ["--store", f"sqlite:{path}", *more],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={name: value for name, value in variables.items() if value},
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert "serves http" in line, line
    radius = process.stdout.readline()
    assert "RADIUS" in radius, radius
    port = int(radius.rpartition("/udp")[0].rpartition(":")[2])
    return Server(line.split()[2], path, process, port)


def stop_server(server: Server) -> int:
    server.process.terminate()
    assert server.process.stdout is not None
    server.process.stdout.close()
    return server.process.wait(10)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = start_server(tmp_path_factory.mktemp("server") / "footfall.db")
    yield started
    stop_server(started)


@pytest.fixture(scope="session")
def server_store(server: Server) -> Iterator[Store]:
    """The server's store, opened beside it as the command line does."""
    opened = service.open_store(settings.Settings(store=f"sqlite:{server.path}"))
    yield opened
    opened.close()


@pytest.fixture
def tenant(server: Server, server_store: Store) -> Iterator[Tenant]:
    made = Tenant(server, server_store)
    yield made
    made.client.close()


@pytest.fixture
def other_tenant(server: Server, server_store: Store) -> Iterator[Tenant]:
    made = Tenant(server, server_store)
    yield made
    made.client.close()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    with postgres.running() as address:
        yield address


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """A database with nothing in it."""
    with postgres.schema(postgres_server) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def chosen(request: pytest.FixtureRequest, tmp_path: Path) -> settings.Settings:
    """Each engine in turn; the contract suite must pass on all."""
    if request.param == "sqlite":
        return settings.Settings(store=f"sqlite:{tmp_path / 'footfall.db'}")
    url = request.getfixturevalue("postgres_url")
    return settings.Settings(store=url, secret=postgres.SECRET)


@pytest.fixture
def store(chosen: settings.Settings) -> Iterator[Store]:
    opened = service.open_store(chosen)
    yield opened
    opened.close()
