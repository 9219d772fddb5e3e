"""A real store, a real server on loopback, and a tenant of its own for each test."""

import contextlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
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
from footfall.flows.accounts.source_secrets import SourceSecrets
from footfall.settings import Settings
from footfall.store import Store
from tests import postgres
from tests.shared import ENVIRONMENT, copy_empty_store

# The tests speak to loopback alone: to load the certificates of all authorities would
# take 30 ms for each client.
os.environ.pop("SSL_CERT_FILE", None)
os.environ["SSL_CERT_DIR"] = str(Path(__file__).parent / "fixtures")

# A machine that others use too is slow at times; that fails no property.
hypothesis.settings.register_profile("footfall", deadline=None)
# CI tries other examples each time, so fewer of them.
hypothesis.settings.register_profile("ci", deadline=None, max_examples=40)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "footfall")


EXAMPLE = json.loads(
    resources.files("footfall").joinpath("data/events-example.json").read_text("utf-8")
)["events"]
SEED_ORGANIZATION = "155d60f21dc1938562900a0e201d54f6"
ALL_SCOPES = ("organization_read", "organization_write")


ENGINES = ("sqlite", "postgresql")
# Where no engine shows: heads, cookies, limits, forms of bodies.
OF_ONE_ENGINE = {
    f"tests/web/test_{name}.py"
    for name in (
        "compression",
        "console",
        "edge",
        "intake",
        "limits",
        "oidc",
        "services",
        "source_management",
        "sts",
    )
}
EXHAUSTIVE = {
    "tests/flows/analytics/test_real_data.py",
    "tests/flows/presence/test_histories.py",
    "tests/store/test_isolation.py",
    "tests/store/test_model.py",
    "tests/store/test_shards.py",
    "tests/web/test_openapi_conformance.py",
}


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Mark what `make coverage` leaves out; the store's tests are of both engines."""
    chosen: list[pytest.Item] = []
    superfluous: list[pytest.Item] = []
    for item in items:
        module, folder = item.nodeid.partition("::")[0], item.path.parent.name
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        is_second = "postgresql" in parameters.values()
        if is_second and folder != "store":
            item.add_marker("second_engine")
        if folder in ("console", "journeys", "proof"):
            item.add_marker("processes")
        if module in EXHAUSTIVE:
            item.add_marker("exhaustive")
        is_superfluous = is_second and module in OF_ONE_ENGINE
        (superfluous if is_superfluous else chosen).append(item)
    items[:] = chosen
    config.hook.pytest_deselected(items=superfluous)


class Server(msgspec.Struct):
    """A running `footfall serve`, and the settings that it was given."""

    address: str
    chosen: Settings
    folder: Path
    process: subprocess.Popen[str]
    radius_port: int

    def source_secrets(self, store: Store) -> SourceSecrets:
        return service.source_secrets(store, settings.signing_secret(self.chosen))

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()


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


def start_server(
    place: Path | Settings, *more: str, port: str = "0", **environment: str
) -> Server:
    """Start `footfall serve` and wait until it says its address.

    Args:
        place: The file of its store, or the settings that name it.
        more: Arguments of the command.
        port: Where it listens; 0 is a free port.
        environment: Its variables; one that is empty is not set.
    """
    chosen = Settings(store=f"sqlite:{place}") if isinstance(place, Path) else place
    folder = place.parent if isinstance(place, Path) else Path(tempfile.mkdtemp())
    variables = ENVIRONMENT | {"FOOTFALL_RADIUS_PORT": "0"} | environment
    if chosen.secret is not None:
        variables["FOOTFALL_SECRET"] = chosen.secret
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "footfall", "serve", "--port", port]
            + ["--store", chosen.store, *more],
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
    radius_port = int(radius.rpartition("/udp")[0].rpartition(":")[2])
    return Server(line.split()[2], chosen, folder, process, radius_port)


def stop_server(server: Server) -> int:
    server.process.terminate()
    assert server.process.stdout is not None
    server.process.stdout.close()
    return server.process.wait(10)


@pytest.fixture(scope="session", params=ENGINES)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server on each engine in turn."""
    with _place(request) as chosen:
        started = start_server(chosen, FOOTFALL_WEBHOOK_ALLOW="127.0.0.1/32")
        yield started
        stop_server(started)


@pytest.fixture(scope="session")
def server_store(server: Server) -> Iterator[Store]:
    """The server's store, opened beside it as the command line does."""
    opened = service.open_store(server.chosen)
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


@pytest.fixture(scope="session")
def postgres_schemas(postgres_server: str) -> Iterator[postgres.Schemas]:
    with contextlib.closing(postgres.Schemas(postgres_server)) as schemas:
        yield schemas


@pytest.fixture(params=ENGINES)
def lent_place(
    request: pytest.FixtureRequest,
) -> Callable[[], contextlib.AbstractContextManager[Settings]]:
    """Lends a store with nothing in it, on each engine in turn: yields its settings."""
    return lambda: _place(request)


@pytest.fixture
def new_place(
    lent_place: Callable[[], contextlib.AbstractContextManager[Settings]],
) -> Iterator[Callable[[], Settings]]:
    """Makes the settings of an empty store, on each engine in turn."""
    with contextlib.ExitStack() as stack:
        yield lambda: stack.enter_context(lent_place())


@contextlib.contextmanager
def _place(request: pytest.FixtureRequest) -> Iterator[Settings]:
    if request.param == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            chosen = Settings(store=f"sqlite:{folder}/footfall.db")
            copy_empty_store(chosen.path)
            yield chosen
    else:
        schemas: postgres.Schemas = request.getfixturevalue("postgres_schemas")
        with schemas.one() as url:
            yield Settings(store=url, secret=postgres.SECRET)


@pytest.fixture
def chosen(new_place: Callable[[], Settings]) -> Settings:
    """The settings of one such store; the contract suite passes on each engine."""
    return new_place()


@pytest.fixture
def store(chosen: Settings) -> Iterator[Store]:
    opened = service.open_store(chosen)
    yield opened
    opened.close()
