"""RADIUS over real sockets: when the server listens, and what a flood costs."""

import json
import os
import re
import secrets
import socket
from pathlib import Path

import httpx2
import pytest

from footfall import clock, service, settings
from footfall.settings import RADIUS_PORT
from tests.conftest import Server, Tenant, start_server, stop_server
from tests.sources.equipment import accounting_request


class Place:
    """A store beside a server that is started when the test says so."""

    def __init__(self, folder: Path):
        self.path = folder / "footfall.db"
        self.url = f"sqlite:{self.path}"
        self.store = service.open_store(settings.Settings(store=self.url))
        secret = settings.signing_secret(settings.Settings(store=self.url))
        self.source_secrets = service.source_secrets(self.store, secret)
        # A loopback address on which nothing else listens.
        self.host = f"127.{secrets.randbelow(200) + 20}.{os.getpid() % 250}.7"
        self.organization = ""
        self.client = httpx2.Client(timeout=30)
        self.server: Server | None = None

    def start(self, **environment):
        environment = {"FOOTFALL_RADIUS_PORT": ""} | environment
        server = start_server(self.path, FOOTFALL_HOST=self.host, **environment)
        tenant = Tenant(server, self.store)
        tenant.client.close()
        self.server, self.organization = server, tenant.id
        return server

    def get(self, path):
        assert self.server is not None
        return self.client.get(f"{self.server.address}{path}").text

    def threads(self):
        assert self.server is not None
        tasks = Path(f"/proc/{self.server.process.pid}/task")
        return len(list(tasks.iterdir()))

    def make_source(self, *networks):
        made = self.source_secrets.create(
            self.organization, "radius", clock.now(), networks=networks
        )
        return made.secret.encode()

    def metric(self, name):
        pattern = rf"^footfall_radius_{re.escape(name)} (\S+)$"
        found = re.search(pattern, self.get("/metrics"), re.MULTILINE)
        return 0.0 if found is None else float(found[1])

    def until(self, name, value):
        while self.metric(name) != value:
            pass

    def ask(self, port, packet, bound_to="127.0.0.1"):
        """Send a packet until it is answered, as a NAS does."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.bind((bound_to, 0))
            client.settimeout(0.5)
            for _ in range(20):
                client.sendto(packet, (self.host, port))
                try:
                    return client.recv(4096)
                except TimeoutError:
                    continue
        pytest.fail("a NAS was not answered")

    def log(self):
        return (self.path.parent / "log").read_text()


@pytest.fixture
def place(tmp_path):
    made = Place(tmp_path)
    yield made
    if made.server is not None:
        assert stop_server(made.server) == 0
    made.store.close()
    made.client.close()


def test_radius_is_listened_to_once_a_source_exists_and_its_port_is_free(place):
    """Another RADIUS server on the port stops neither the start nor HTTP."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as another:
        another.bind((place.host, RADIUS_PORT))
        place.start()
        assert place.metric("listening") == 0
        secret = place.make_source()
        while "RADIUS is not taken in" not in place.log():
            assert place.get("/readyz") == "ready"
        assert place.metric("listening") == 0
    place.until("listening", 1)
    assert place.ask(RADIUS_PORT, accounting_request(secret))[0] == 5
    said = [json.loads(line) for line in place.log().splitlines()]
    refused = [line for line in said if line["event"] == "RADIUS is not taken in"]
    assert len(refused) == 1
    assert f"{place.host}:{RADIUS_PORT}/udp" in refused[0]["reason"]


def test_a_source_that_exists_is_heard_from_the_start(place):
    first = place.start()
    secret = place.make_source()
    stop_server(first)
    assert place.start().radius_port == RADIUS_PORT
    assert place.metric("listening") == 1
    assert place.ask(RADIUS_PORT, accounting_request(secret))[0] == 5


def test_without_a_source_the_port_is_left_to_others(place):
    place.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as another:
        another.bind((place.host, RADIUS_PORT))


def test_a_named_port_is_listened_to_at_once(place):
    server = place.start(FOOTFALL_RADIUS_PORT="0")
    assert place.metric("listening") == 1
    secret = place.make_source()
    assert place.ask(server.radius_port, accounting_request(secret))[0] == 5


def test_a_flood_of_strangers_takes_no_threads_and_each_packet_is_counted(place):
    server = place.start(FOOTFALL_RADIUS_PORT="0")
    secret = place.make_source()
    # A stranger's packet is tried with each: so few packets are a flood, also where the
    # machine is slow.
    for _ in range(200):
        place.make_source()
    assert place.ask(server.radius_port, accounting_request(secret))[0] == 5
    threads = place.threads()
    counted = ('packets_total{result="refused"}', 'packets_total{result="slowed"}')
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.66", 0))
        wrong = accounting_request(b"wrong")
        sent = 0
        while not place.metric(counted[1]):
            for _ in range(100):  # no more than the system's buffer holds
                stranger.sendto(wrong, (place.host, server.radius_port))
            sent += 100
            while sum(map(place.metric, counted)) < sent:
                pass
    assert place.ask(server.radius_port, accounting_request(secret, 1))[0] == 5
    assert sum(map(place.metric, counted)) == sent
    assert place.threads() <= threads + 4
