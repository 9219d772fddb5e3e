"""A disk that is full: nothing is lost, reads go on, and it heals by itself."""

import subprocess

import pytest

from footfall import service, settings
from tests.conftest import Tenant, event, start_server, stop_server


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 8 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs root")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_hurts_only_sends_and_heals_when_there_is_space(small_disk):
    other = small_disk / "other-file"
    other.write_bytes(b"x" * 2_000_000)
    path = small_disk / "footfall.db"
    store = service.open_store(settings.Settings(store=f"sqlite:{path}"))
    server = start_server(path, FOOTFALL_BURST="100000")
    tenant = Tenant(server, store)
    store.close()
    acknowledged = []
    answer = tenant.read()
    for number in range(400):
        batch = [event(customerId=f"c-{number}", pad="x" * 2_000) for _ in range(10)]
        answer = tenant.send(batch)
        if answer.status_code != 201:
            break
        acknowledged += [e["event"]["id"] for e in batch]
    assert answer.status_code == 507
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"].endswith("store-full")

    assert sorted(tenant.ids()) == sorted(acknowledged)
    ready = tenant.client.get("/readyz")
    assert ready.status_code == 507
    assert "no space left" in ready.json()["detail"]
    assert tenant.client.get("/healthz").status_code == 200

    erased = tenant.client.delete(f"/v1/organizations/{tenant.id}/customers/c-0")
    assert erased.status_code == 200, (erased.text, list(small_disk.iterdir()))
    assert erased.json()["count"] == 10
    for file in small_disk.glob("footfall.db*"):
        assert b'"c-0"' not in file.read_bytes()

    other.unlink()
    assert tenant.send([event("after")]).status_code == 201
    assert tenant.client.get("/readyz").status_code == 200
    assert "after" in tenant.ids()
    tenant.client.close()
    assert stop_server(server) == 0
