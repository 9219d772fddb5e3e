"""A backup under load is a prefix of the arrivals, and can be put back."""

import json
import os
import subprocess
import sys
import threading

import pytest

from footfall import service, settings
from footfall.core.queries import EventQuery, Sort
from footfall.store import Organization
from tests.conftest import Tenant, event, start_server, stop_server


def footfall(*arguments, status=0):
    done = subprocess.run(
        [sys.executable, "-m", "footfall", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"]},
    )
    assert done.returncode == status, done.stderr
    return done.stderr if status else done.stdout


def arrivals(path, organization):
    store = service.open_store(settings.Settings(store=f"sqlite:{path}"))
    query = EventQuery(organization, sort=Sort.RECEIVED_TIME, size=10_000)
    page = store.page(query)
    store.close()
    return [e["event"]["id"] for e in json.loads(b"[" + page.body + b"]")]


def test_a_backup_while_serving_is_a_prefix_and_is_restored(tmp_path):
    path, copy = tmp_path / "footfall.db", tmp_path / "copy.db"
    store = service.open_store(settings.Settings(store=f"sqlite:{path}"))
    server = start_server(path)
    tenant = Tenant(server, store)
    store.close()
    tenant.send([event() for _ in range(500)])
    stop = threading.Event()

    def load():
        while not stop.is_set():
            tenant.send([event() for _ in range(20)])

    sender = threading.Thread(target=load)
    sender.start()
    footfall("backup", copy, "--store", f"sqlite:{path}")
    stop.set()
    sender.join()
    assert "in use" in footfall("restore", copy, "--store", f"sqlite:{path}", status=1)
    tenant.client.close()
    assert stop_server(server) == 0
    everything, kept = arrivals(path, tenant.id), arrivals(copy, tenant.id)
    assert len(kept) >= 500
    assert everything[: len(kept)] == kept
    doctor = json.loads(footfall("doctor", "--json", "--store", f"sqlite:{copy}"))
    assert doctor["store"]["problems"] == []

    assert "kept as" in footfall("restore", copy, "--store", f"sqlite:{path}")
    assert arrivals(path, tenant.id) == kept
    assert arrivals(f"{path}.replaced-1", tenant.id) == everything
    footfall("restore", copy, "--store", f"sqlite:{tmp_path}/new.db")
    assert arrivals(tmp_path / "new.db", tenant.id) == kept


def test_a_backup_does_not_overwrite(tmp_path):
    path = tmp_path / "footfall.db"
    service.open_store(settings.Settings(store=f"sqlite:{path}")).close()
    text = footfall("backup", path, "--store", f"sqlite:{path}", status=1)
    assert "already" in text


@pytest.mark.parametrize("damage", ["cut", "foreign", "scratched", "missing"])
def test_what_is_no_whole_backup_is_not_restored(tmp_path, damage):
    path, copy = tmp_path / "footfall.db", tmp_path / "copy.db"
    chosen = settings.Settings(store=f"sqlite:{path}")
    store = service.open_store(chosen)
    store.create_organization(Organization("org", "Org", 0)).result()
    store.close()
    service.backup(chosen, copy)
    data = copy.read_bytes()
    page = int.from_bytes(data[16:18], "big")
    broken = {
        "cut": data[: len(data) // 2],
        "foreign": b"SQLite format 3\0" + bytes(len(data)),
        "scratched": data[:page] + b"\xff" * page * 3 + data[page * 4 :],
    }
    copy.unlink()
    if damage in broken:
        copy.write_bytes(broken[damage])
    before = path.read_bytes()
    footfall("restore", copy, "--store", f"sqlite:{path}", status=1)
    assert path.read_bytes() == before
