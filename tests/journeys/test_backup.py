"""A backup under load is a prefix of the arrivals, and can be restored."""

import json
import secrets
import subprocess
import sys
import threading
from pathlib import Path

import apsw
import pytest

from footfall import service, settings
from footfall.core.access import Role
from footfall.core.events.acceptance import accept
from footfall.core.queries import EventQuery, Sort
from footfall.errors import ContactUnknown
from footfall.flows.accounts import tenants
from footfall.store import Organization
from tests.conftest import Tenant, event, start_server, stop_server
from tests.shared import ENVIRONMENT

# A backup opens under the secret of its store.
SECRET = "s" * 40


def footfall(*arguments, status=0):
    done = subprocess.run(
        [sys.executable, "-m", "footfall", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT | {"FOOTFALL_SECRET": SECRET},
    )
    assert done.returncode == status, done.stderr
    return done.stderr if status else done.stdout


def arrivals(path, organization):
    store = service.open_store(settings.Settings(store=f"sqlite:{path}", secret=SECRET))
    query = EventQuery(organization, sort=Sort.RECEIVED_TIME, size=10_000)
    page = store.page(query)
    store.close()
    return [e["event"]["id"] for e in json.loads(b"[" + page.body + b"]")]


@pytest.mark.long
def test_a_backup_while_serving_is_a_prefix_and_is_restored(tmp_path):
    path, copy = tmp_path / "footfall.db", tmp_path / "copy.db"
    store = service.open_store(settings.Settings(store=f"sqlite:{path}", secret=SECRET))
    server = start_server(path, FOOTFALL_SECRET=SECRET)
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
    # At another path there is no journal of the erasures since.
    elsewhere = ("restore", copy, "--store", f"sqlite:{tmp_path}/new.db")
    assert "--without-journal" in footfall(*elsewhere, status=1)
    footfall(*elsewhere, "--without-journal")
    assert arrivals(tmp_path / "new.db", tenant.id) == kept


def test_a_backup_does_not_overwrite(tmp_path):
    path = tmp_path / "footfall.db"
    service.open_store(settings.Settings(store=f"sqlite:{path}", secret=SECRET)).close()
    text = footfall("backup", path, "--store", f"sqlite:{path}", status=1)
    assert "already" in text


@pytest.mark.parametrize("damage", ["cut", "foreign", "scratched", "missing"])
def test_a_damaged_backup_is_not_restored(tmp_path, damage):
    path, copy = tmp_path / "footfall.db", tmp_path / "copy.db"
    chosen = settings.Settings(store=f"sqlite:{path}", secret=SECRET)
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


def opened(path):
    return service.open_store(settings.Settings(store=f"sqlite:{path}", secret=SECRET))


def made(path, *contacts):
    store = opened(path)
    store.create_organization(Organization("org", "Org", 0)).result()
    for contact in contacts:
        raw = json.dumps(event(customerId=contact)).encode()
        new = accept(raw, "org", 0, lambda: secrets.token_hex(16))
        store.append("org", [new]).result()
    return store


def test_erasures_and_revocations_since_a_backup_survive_its_restore(tmp_path):
    path, copy = tmp_path / "footfall.db", tmp_path / "copy.db"
    store = made(path, "ann", "bob")
    service_made = tenants.create_service(
        store, "org", Role.ORGANIZATION_MANAGER, ("organization_read",), 0
    )
    footfall("backup", copy, "--store", f"sqlite:{path}")
    store.erase("org", "ann").result()
    store.revoke_service(service_made.client_key, 7).result()
    store.revoke_token("a token", 2**60, 7).result()
    store.close()
    said = footfall("restore", copy, "--store", f"sqlite:{path}")
    assert f"kept as {path}.replaced-1" in said
    store = opened(path)
    with pytest.raises(ContactUnknown):
        store.page(EventQuery("org", "ann"))
    assert store.page(EventQuery("org", "bob")).count == 1
    credential = store.credential(service_made.client_key, "a token")
    assert credential.service.revoked_at == 7
    assert credential.token_revoked
    store.close()
    for file in tmp_path.glob("footfall.db*"):
        assert ".replaced" in file.name or b'"ann"' not in file.read_bytes()


DYING = """
import os, sys
from pathlib import Path
from footfall import service, settings
from footfall.core.access import Role
calls, dies_at = 0, int(sys.argv[3])
def dying(name):
    real = getattr(os, name)
    def call(*args, **kwargs):
        global calls
        calls += 1
        if calls == dies_at:
            os._exit(9)
        return real(*args, **kwargs)
    setattr(os, name, call)
for name in ("link", "rename", "replace", "fsync", "unlink"):
    dying(name)
chosen = settings.Settings(store=f"sqlite:{sys.argv[1]}", secret="s" * 40)
service.restore(chosen, Path(sys.argv[2]))
print(calls)
"""


def restore_dying(path, copy, dies_at):
    command = [sys.executable, "-c", DYING, str(path), str(copy), str(dies_at)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.long
def test_a_restore_that_is_killed_leaves_the_old_store_or_the_new_one(tmp_path):
    old, copy = tmp_path / "old.db", tmp_path / "copy.db"
    made(old, "a").close()
    service.backup(settings.Settings(store=f"sqlite:{old}", secret=SECRET), copy)
    seen, dies_at = set(), 1
    while True:
        folder = tmp_path / str(dies_at)
        folder.mkdir()
        path = folder / "footfall.db"
        made(path, "a", "b").close()
        done = restore_dying(path, copy, dies_at)
        assert done.returncode in (0, 9), done.stderr
        store = opened(path)
        count = store.page(EventQuery("org")).count
        assert store.check_health()["problems"] == []
        store.close()
        assert count in (1, 2)
        seen.add(count)
        if done.returncode == 0:
            break
        dies_at += 1
    assert count == 1
    assert seen == {1, 2}
    assert dies_at > 5


def test_a_stale_wal_does_not_get_into_a_restored_store(tmp_path):
    path, copy = tmp_path / "footfall.db", tmp_path / "copy.db"
    made(path, "a").close()
    service.backup(settings.Settings(store=f"sqlite:{path}", secret=SECRET), copy)
    # A killed process leaves its WAL.
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[2])\n"
        "from pathlib import Path\n"
        "from tests.journeys.test_backup import made\n"
        "made(Path(sys.argv[1] + '.other'), *map(str, range(50)))\n"
        "os._exit(0)"
    )
    root = str(Path(__file__).parents[2])
    subprocess.run([sys.executable, "-c", code, str(path), root], check=True)
    other = path.with_name("footfall.db.other-wal")
    other.rename(path.with_name("footfall.db-wal"))
    footfall("restore", copy, "--store", f"sqlite:{path}")
    store = opened(path)
    assert store.page(EventQuery("org")).count == 1
    assert store.check_health()["problems"] == []
    store.close()


def test_a_damaged_store_in_the_way_is_set_aside(tmp_path):
    path, copy = tmp_path / "footfall.db", tmp_path / "copy.db"
    made(path, "a").close()
    service.backup(settings.Settings(store=f"sqlite:{path}", secret=SECRET), copy)
    path.write_bytes(b"\0" * 100 + path.read_bytes()[100:])
    said = footfall("restore", copy, "--store", f"sqlite:{path}")
    assert "kept as" in said
    assert arrivals(path, "org")


def test_a_file_with_a_header_but_no_tables_is_refused(tmp_path):
    path, copy = tmp_path / "footfall.db", tmp_path / "copy.db"
    made(path, "a").close()
    hollow = apsw.Connection(str(copy))
    for name in ("application_id", "user_version"):
        source = apsw.Connection(str(path))
        hollow.pragma(name, source.pragma(name))
        source.close()
    hollow.close()
    said = footfall("restore", copy, "--store", f"sqlite:{path}", status=1)
    assert "table event is missing" in said
    done = subprocess.run(
        [sys.executable, "-m", "footfall", "doctor", "--store", f"sqlite:{copy}"],
        env=ENVIRONMENT | {"FOOTFALL_SECRET": SECRET},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "table event is missing" in done.stdout + done.stderr


@pytest.mark.parametrize("which", ["source", "store", "target"])
def test_symbolic_links_are_refused(tmp_path, which):
    path, copy, link = (tmp_path / name for name in ("footfall.db", "copy.db", "link"))
    made(path, "a").close()
    service.backup(settings.Settings(store=f"sqlite:{path}", secret=SECRET), copy)
    link.symlink_to(copy if which == "source" else path)
    if which == "target":
        said = footfall("backup", link, "--store", f"sqlite:{path}", status=1)
        assert "already" in said
        return
    source, store = (link, path) if which == "source" else (copy, link)
    said = footfall("restore", source, "--store", f"sqlite:{store}", status=1)
    assert "symbolic link" in said


def test_the_leftovers_of_a_killed_backup_are_removed(tmp_path):
    path, copy = tmp_path / "footfall.db", tmp_path / "copy.db"
    made(path, "a").close()
    stale = tmp_path / "copy.db.partial-999999999"
    stale.write_bytes(b"half")
    footfall("backup", copy, "--store", f"sqlite:{path}")
    assert not stale.exists()
    assert not list(tmp_path.glob("copy.db.partial*"))


def test_a_running_server_is_noticed_though_its_wal_is_gone(tmp_path):
    path, copy = tmp_path / "footfall.db", tmp_path / "copy.db"
    made(path, "a").close()
    server = start_server(path, FOOTFALL_SECRET=SECRET)
    footfall("backup", copy, "--store", f"sqlite:{path}")
    path.with_name("footfall.db-wal").unlink(missing_ok=True)
    before = path.stat().st_ino
    said = footfall("restore", copy, "--store", f"sqlite:{path}", status=1)
    assert "in use" in said
    assert path.stat().st_ino == before
    stop_server(server)


def test_a_restore_does_not_erase_a_contact_that_came_back_after_an_erasure(tmp_path):
    path, copy = tmp_path / "footfall.db", tmp_path / "copy.db"
    store = made(path, "ann")
    store.erase("org", "ann").result()
    raw = json.dumps(event(customerId="ann")).encode()
    new = accept(raw, "org", 0, lambda: secrets.token_hex(16))
    store.append("org", [new]).result()
    footfall("backup", copy, "--store", f"sqlite:{path}")
    store.close()
    footfall("restore", copy, "--store", f"sqlite:{path}")
    store = opened(path)
    assert store.page(EventQuery("org", "ann")).count == 1
    store.close()


def test_a_missing_or_emptied_journal_is_refused(tmp_path):
    path, copy = tmp_path / "footfall.db", tmp_path / "copy.db"
    store = made(path, "ann", "bob")
    store.erase("org", "ann").result()
    footfall("backup", copy, "--store", f"sqlite:{path}")
    store.close()
    journal = path.with_name("footfall.db.erasures")
    before = path.read_bytes()
    journal.write_bytes(b"")
    said = footfall("restore", copy, "--store", f"sqlite:{path}", status=1)
    assert "lacks erasures" in said
    journal.unlink()
    said = footfall("restore", copy, "--store", f"sqlite:{path}", status=1)
    assert "--without-journal" in said
    assert path.read_bytes() == before
    footfall("restore", copy, "--store", f"sqlite:{path}", "--without-journal")
