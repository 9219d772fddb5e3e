"""The commands over the API, against a real server."""

import contextlib
import io
import json
import signal
import stat
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import stamina
from stamina import instrumentation

from footfall import Client, clock
from footfall.core.access import Role
from footfall.flows.accounts import tenants
from tests.client.original import Original, serving
from tests.client.test_original import history
from tests.conftest import ALL_SCOPES, event
from tests.shared import ENVIRONMENT

KEY = "s"


@pytest.fixture(autouse=True)
def no_waiting():
    with stamina.set_testing(True, attempts=8, cap=True):
        yield
    instrumentation.set_on_retry_hooks(None)


@pytest.fixture
def typed(monkeypatch):
    """Put text into standard input."""

    def call(text):
        stdin = io.TextIOWrapper(io.BytesIO(text.encode()))
        monkeypatch.setattr("sys.stdin", stdin)

    return call


@pytest.fixture
def homes(tmp_path):
    """The user's own folders."""
    return {
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }


@pytest.fixture
def log_in(run, typed, homes):
    def call(url, organization, key="ck-x", secret=KEY, **more):
        typed(f"{secret}\n")
        at = ("--url", url, "--organization", organization, "--client-key", key)
        return run("login", *at, **homes, **more)

    return call


@pytest.fixture
def logged_in(tenant, log_in, run, homes):
    """Run a command as somebody who is logged in to the tenant."""
    made = tenants.create_service(
        tenant.store, tenant.id, Role.ORGANIZATION_MANAGER, ALL_SCOPES, clock.now()
    )
    log_in(tenant.server.address, tenant.id, made.client_key, made.client_secret)
    return lambda *arguments, **more: run(*arguments, **homes, **more)


@contextlib.contextmanager
def started(homes, *arguments):
    """Start a command that goes on until Ctrl-C."""
    process = subprocess.Popen(
        [sys.executable, "-m", "footfall", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT | homes,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
    assert process.returncode == 130


def ids(lines):
    return [json.loads(line)["event"]["id"] for line in lines.splitlines()]


def test_login_keeps_the_key_where_only_its_owner_can_read_it(
    tenant, logged_in, tmp_path
):
    file = tmp_path / "config" / "footfall" / "logins.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    [kept] = json.loads(file.read_text())
    assert (kept["url"], kept["organization"]) == (tenant.server.address, tenant.id)


def test_a_wrong_key_is_not_kept(tenant, log_in, tmp_path):
    said = log_in(tenant.server.address, tenant.id, status=1)
    assert "401 credentials-wrong" in said
    assert not (tmp_path / "config").exists()


def test_the_newest_login_counts_unless_an_organization_is_named(
    tenant, logged_in, log_in
):
    tenant.send(event("here"))
    with serving(Original([event("there")])) as original:
        log_in(original.address, "other")
        assert ids(logged_in("events", "list")) == ["there"]
        assert ids(logged_in("events", "list", "--organization", tenant.id)) == ["here"]
    said = logged_in("events", "list", "--organization", "third", status=1)
    assert "no login for organization third" in said


def test_without_a_login_the_commands_say_how_to_get_one(run, homes):
    said = run("events", "list", **homes, status=1)
    assert "footfall login --url URL" in said


def test_events_are_listed_as_lines(tenant, logged_in):
    tenant.send([event(f"{n}", customerId="ann") for n in range(3)])
    tenant.send(event("visit", event={"type": "visit", "id": "visit"}, extra="\x9b"))
    assert len(ids(logged_in("events", "list"))) == 4
    assert ids(logged_in("events", "list", "--events", "visit")) == ["visit"]
    some = ("--customer-id", "ann", "--limit", 2)
    assert ids(logged_in("events", "list", *some)) == ["0", "1"]
    said = logged_in("events", "list", "--events", "vist", status=1)
    assert "the nearest is 'visit'" in said
    assert "409 parameter-invalid, request" in said


def test_sync_goes_on_where_it_was(tenant, logged_in, tmp_path):
    tenant.send([event("a"), event("b")])
    sync = ("events", "sync", "--state", tmp_path / "place")
    assert ids(logged_in(*sync)) == ["a", "b"]
    assert logged_in(*sync) == ""
    tenant.send(event("c", when={"createdAt": "2020-01-01T00:00:00Z"}))
    assert ids(logged_in(*sync)) == ["c"]
    assert stat.S_IMODE((tmp_path / "place").stat().st_mode) == 0o600


def test_a_place_that_is_none_is_said(tenant, logged_in, tmp_path):
    (tmp_path / "place").write_text("?")
    said = logged_in("events", "sync", "--state", tmp_path / "place", status=2)
    assert "place cannot be used" in said


def test_events_are_sent_from_files_and_standard_input(
    tenant, logged_in, typed, tmp_path
):
    (tmp_path / "page.json").write_text(json.dumps({"events": [event("a")]}, indent=1))
    assert logged_in("events", "send", "page.json").startswith("1 stored, 0 already")
    typed("\n".join(json.dumps(event(name)) for name in "abc"))
    receipt = json.loads(logged_in("events", "send", "-", "--json"))
    assert (receipt["accepted"], receipt["duplicates"]) == (2, 1)
    assert set(tenant.ids()) == {"a", "b", "c"}


def test_rejected_events_are_said_with_their_reasons(logged_in, typed):
    typed('{"customerId":"c"}\n' + json.dumps(event()))
    said = logged_in("events", "send", "-", status=1)
    assert '"index":0' in said
    assert "event" in said
    typed('{"customerId":"c"}\n')
    assert "Nothing was stored" in logged_in("events", "send", "-", status=2)


def test_tail_prints_what_arrives(tenant, logged_in, homes):
    tenant.send(event("a"))
    with started(homes, "events", "tail", "--after", 0) as process:
        assert process.stdout is not None
        assert ids(process.stdout.readline()) == ["a"]
        tenant.send(event("b"))
        assert ids(process.stdout.readline()) == ["b"]


def test_a_reader_that_has_enough_ends_the_command(tenant, logged_in, homes):
    tenant.send([event(note="x" * 1000) for _ in range(300)])
    with subprocess.Popen(
        [sys.executable, "-m", "footfall", "events", "list"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=ENVIRONMENT | homes,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


class Receiver(BaseHTTPRequestHandler):
    """Takes webhooks in; answers the second one with an error."""

    got: list[tuple[bytes, dict[str, str]]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append((body, dict(self.headers)))
        self.send_response(500 if len(self.got) == 2 else 204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver():
    handler = type("Handler", (Receiver,), {"got": []})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", handler.got  # type: ignore[attr-defined]
    server.shutdown()
    thread.join()
    server.server_close()


def test_listen_forwards_signed_webhooks_and_goes_on_where_it_was(
    tenant, logged_in, homes, receiver
):
    url, got = receiver
    tenant.send([event("a"), event("b"), event("c")])
    listen = ("webhooks", "listen", "--forward-to", url)
    with started(homes, *listen, "--after", 0) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        secret = process.stdout.readline().split()[-1]
        assert process.stdout.readline() == "login a 204\n"
        assert process.stderr.readline() == "login b 500\n"
        assert process.stdout.readline() == "login c 204\n"
    tenant.send(event("d"))
    with started(homes, *listen) as process:
        assert process.stdout is not None
        assert process.stdout.readline().split()[-1] == secret
        assert process.stdout.readline() == "login d 204\n"
    messages = [Client.webhooks.unwrap(body, headers, secret) for body, headers in got]
    assert [one.event.id for one in messages] == ["a", "b", "c", "d"]
    assert len({one.id for one in messages}) == 4


# -- pull ------------------------------------------------------------------------


@pytest.fixture
def pulling(run, log_in, homes):
    """Pull from a server into the store in this folder."""

    def call(address, *more, **environment):
        command = ("pull", "--from", address, "--organization", "acc", *more)
        return run(*command, **homes, **environment)

    run("organization", "create", "--name", "Here", "--id", "acc")
    return call


def test_a_history_is_pulled_whole_on_a_bad_day(run, pulling, log_in, tmp_path):
    events = history(60)
    bad = Original(events, expires_after=4, drops_every=5, limits_every=3)
    with serving(bad) as original:
        log_in(original.address, "acc")
        done = json.loads(pulling(original.address, "--page-size", 7, "--json"))
    assert (done["accepted"], done["rejected"]) == (60, 0)
    (tmp_path / "all.json").write_text(json.dumps(events))
    said = run("import", "all.json", "--organization", "acc")
    assert "0 stored, 60 already there" in said
    assert not list((tmp_path / "state").rglob("*.json"))


@pytest.fixture
def interrupted(pulling, log_in):
    """A source that pulling broke off at, and how to go on."""
    with serving(Original(history(60), suspended_from=4)) as original:
        log_in(original.address, "acc")
        some = ("--page-size", 10, "--json")
        assert "Account suspended" in pulling(original.address, *some, status=1)
        original.suspended_from = 10**9
        original.paths.clear()
        yield original, lambda: json.loads(pulling(original.address, *some))


def test_an_interrupted_pull_goes_on_from_the_last_date(interrupted):
    original, again = interrupted
    done = again()
    # 30 were there; those of the last second come again, and again at the end.
    assert (done["accepted"], done["duplicates"]) == (30, 6)
    assert "dateStart=2026-05-01T10" in original.paths[0]


def test_a_pull_into_another_store_than_before_begins_anew(interrupted, run, tmp_path):
    _, again = interrupted
    for file in tmp_path.glob("footfall.db*"):
        file.unlink()
    run("organization", "create", "--name", "New", "--id", "acc")
    assert again()["accepted"] == 60


def test_an_account_of_another_footfall_is_pulled_with_what_it_knows(
    tenant, logged_in, run, tmp_path
):
    odd = event("odd", extra={"kept": [1.5, None]}, organizationId=tenant.id)
    tenant.send([odd, *(event() for _ in range(30))])
    run("organization", "create", "--name", "Here", "--id", tenant.id)
    at = ("--from", tenant.server.address + "/", "--organization", tenant.id)
    assert "31 stored" in logged_in("pull", *at, "--page-size", 10)
    assert "0 stored, 31 already there" in logged_in("pull", *at)
    (tmp_path / "odd.json").write_text(json.dumps(odd))
    assert "1 already" in run("import", "odd.json", "--organization", tenant.id)


@pytest.fixture
def to_file(run, log_in, homes, tmp_path):
    """Pull from a server into a file in this folder."""

    def call(original, *more, **environment):
        log_in(original.address, "acc")
        at = ("--from", original.address, "--organization", "acc")
        some = ("--output", "all.ndjson", "--page-size", 7)
        return run("pull", *at, *some, *more, **homes, **environment)

    return call


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_history_is_pulled_to_a_file_whole_each_event_once(to_file, tmp_path):
    events = history(60)
    bad = Original(events, expires_after=4, drops_every=5, limits_every=3)
    with serving(bad) as original:
        done = json.loads(to_file(original, "--json"))
    assert done == {"count": 60, "file": "all.ndjson"}
    assert lines(tmp_path / "all.ndjson") == events
    assert [one.name for one in tmp_path.glob("all.ndjson*")] == ["all.ndjson"]
    assert not list((tmp_path / "state").rglob("*.json"))
    assert not list(tmp_path.glob("footfall.db*"))


@pytest.mark.parametrize("left", ["whole", "torn", "gone"])
def test_a_pull_to_a_file_that_broke_off_goes_on(to_file, tmp_path, left):
    events, target = history(60), tmp_path / "all.ndjson"
    part = tmp_path / "all.ndjson.part"
    with serving(Original(events, suspended_from=5)) as original:
        assert "Account suspended" in to_file(original, status=1)
        assert not target.exists()
        assert len(lines(part)) > 20
        if left == "torn":
            part.write_bytes(part.read_bytes() + b'{"half')
        elif left == "gone":
            part.unlink()
        original.suspended_from = 10**9
        original.paths.clear()
        assert "60 events in all.ndjson" in to_file(original)
        assert ("dateStart" in original.paths[0]) == (left != "gone")
    assert lines(target) == events


def test_a_pull_to_a_file_replaces_nothing_and_takes_no_store(to_file, tmp_path):
    (tmp_path / "all.ndjson").write_text("mine")
    with serving(Original(history(3))) as original:
        assert "already; delete it" in to_file(original, status=1)
        assert "leave one" in to_file(original, "--store", "sqlite:x.db", status=2)
    assert (tmp_path / "all.ndjson").read_text() == "mine"


def test_what_cannot_be_stored_is_kept_with_its_reasons(pulling, log_in, tmp_path):
    bad = event("bad", event={"type": "unheard_of", "id": "bad"})
    with serving(Original([event("good"), bad])) as original:
        log_in(original.address, "acc")
        said = pulling(original.address)
    assert "1 stored" in said
    assert "pull-acc.rejected.ndjson" in said
    [line] = (tmp_path / "pull-acc.rejected.ndjson").read_text().splitlines()[:1]
    assert json.loads(line)["id"] == "bad"


def test_an_event_without_an_id_is_pulled_once(pulling, log_in):
    without = [event(event={"type": "login"}), event(event={"type": "visit"})]
    with serving(Original(without)) as original:
        log_in(original.address, "acc")
        assert pulling(original.address).startswith("2 stored, 2 already")
        assert pulling(original.address).startswith("0 stored, 4 already")


def test_a_pull_says_what_it_needs_first(run, homes, log_in):
    run("organization", "create", "--name", "Other")
    at = ("pull", "--from", "http://127.0.0.1:1", "--organization", "acc")
    assert "footfall login --url http://127.0.0.1:1" in run(*at, **homes, status=1)
    with serving(Original([])) as original:
        log_in(original.address, "acc")
        at = ("pull", "--from", original.address, "--organization", "acc")
        assert "organization create --name NAME --id acc" in run(*at, **homes, status=1)
