"""`footfall simulate --as …` against a running server."""

import subprocess
import sys

import pytest

from footfall import clock
from footfall.core.instants import MINUTE
from footfall.simulation.devices import simulate_devices
from tests.shared import ENVIRONMENT

GUESTS, MINUTES = 8, 60


def simulate(*arguments, status=0):
    done = subprocess.run(
        [sys.executable, "-m", "footfall", "simulate", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr if status else done.stdout


@pytest.fixture
def source_secrets(server, server_store):
    return server.source_secrets(server_store)


@pytest.mark.parametrize("kind", ["radius", "meraki", "mist"])
def test_a_simulated_crowd_comes_and_visits(kind, tenant, source_secrets, server):
    place = {"id": "v", "name": "V", "externalId": "simulated-venue"}
    locations = f"/v1/organizations/{tenant.id}/locations"
    assert tenant.client.post(locations, json=place).status_code == 201
    rules = f"/v1/organizations/{tenant.id}/presence"
    tenant.client.patch(rules, json={"pseudonymous": kind == "meraki"})
    made = source_secrets.create(
        tenant.id, kind, clock.now(), validator="v", location="v", secret="s3cret"
    )
    to = f"{server.address}/v1/sources/{made.source.id}"
    if kind == "radius":
        to = f"udp://127.0.0.1:{server.radius_port}"
    said = simulate(
        *("--as", kind, "--to", to, "--secret", "s3cret", "--speed", 1e9),
        *("--guests", GUESTS, "--minutes", MINUTES, "--seed", 3),
    )
    assert f"{GUESTS} guests" in said
    page = tenant.read(size=1000, sortBy="utcTime").json()["events"]
    counts = {
        name: sum(e["event"]["type"] == name for e in page)
        for name in ("arriving", "login", "signup")
    }
    logins = 0 if kind == "meraki" else GUESTS
    assert counts == {"arriving": GUESTS, "login": logins, "signup": logins}
    sightings = simulate_devices(GUESTS, MINUTES, 3, 3)
    ended = clock.now() - 16 * MINUTE
    first = clock.now() - sightings[-1].at
    expected = sum(
        min(first + p.at for p in mine) + 5 * MINUTE
        <= max(first + p.at for p in mine)
        < ended
        for mine in ([p for p in sightings if p.guest == g] for g in range(GUESTS))
    )
    assert expected > 0
    visits = [e for e in page if e["event"]["type"] == "visit"]
    assert len(visits) >= expected
    assert (
        tenant.store.read(
            tenant.id, lambda transaction: transaction.sources.rejections(9)
        )
        == []
    )


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--as", "cisco", "--to", "x", "--secret", "y"], 2, "radius, meraki, mist"),
        (["--as", "mist"], 2, "needs --to and --secret"),
        ([], 2, "--organization and --events"),
        (["--as", "mist", "--to", "x", "--secret", "y"], 2, "http(s)://"),
        (
            ["--as", "mist", "--to", "http://127.0.0.1:9", "--secret", "y"]
            + ["--speed", "1e9"],
            1,
            "does not answer",
        ),
        (["--as", "radius", "--to", "x", "--secret", "y"], 2, "udp://HOST:PORT"),
        (
            ["--as", "mist", "--to", "x", "--secret", "y", "--access-point", "z"],
            2,
            "is not a MAC address",
        ),
        (["--as", "mist", "--to", "x", "--secret", "y", "--guests", "0"], 2, "over 0"),
    ],
)
def test_a_simulation_that_cannot_run_says_why(arguments, status, said):
    assert said in simulate(*arguments, status=status)


def test_a_server_that_refuses_is_reported(server):
    to = f"{server.address}/v1/sources/nope"
    arguments = ("--as", "mist", "--to", to, "--secret", "y", "--speed", 1e9)
    said = simulate(*arguments, "--guests", 1, status=1)
    assert "refuses with status 404" in said
