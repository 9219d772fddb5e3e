"""The command, run as people run it."""

import gzip
import io
import json
import re
import stat
import subprocess
import sys

import httpx2
import pytest

from footfall import service, settings
from footfall.cli import app
from footfall.core.queries import EventQuery, Sort
from tests.conftest import EXAMPLE, SEED_ORGANIZATION, event, start_server, stop_server
from tests.shared import ENVIRONMENT

ORG = SEED_ORGANIZATION


@pytest.fixture
def filled(run):
    run("organization", "create", "--name", "Test", "--id", ORG)
    return run


COMMANDS = [
    ["serve"],
    ["organization", "create"],
    ["organization", "list"],
    ["analytics", "rebuild"],
    ["user", "create"],
    ["user", "list"],
    ["user", "link"],
    ["user", "password"],
    ["user", "revoke"],
    ["service", "create"],
    ["service", "list"],
    ["service", "revoke"],
    ["import"],
    ["export"],
    ["simulate"],
    ["demo"],
    ["doctor"],
    ["backup"],
    ["restore"],
    ["copy"],
    ["location", "import"],
    ["location", "list"],
    ["hotspot", "import"],
    ["hotspot", "list"],
    ["source", "create"],
    ["source", "list"],
    ["source", "delete"],
    ["source", "problems"],
    ["replay"],
    ["presence", "recompute"],
    ["presence", "forget-devices"],
    ["store", "distribute"],
    ["store", "isolate"],
    ["webhooks", "create"],
    ["webhooks", "list"],
    ["webhooks", "show"],
    ["webhooks", "change"],
    ["webhooks", "delete"],
    ["webhooks", "rotate"],
    ["webhooks", "deliveries"],
    ["webhooks", "resend"],
    ["webhooks", "replay"],
    ["webhooks", "ping"],
    ["login"],
    ["pull"],
    ["events", "list"],
    ["events", "tail"],
    ["events", "sync"],
    ["events", "send"],
    ["webhooks", "listen"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(run, command):
    text = " ".join(run(*command, "--help").split())
    assert f"Example: footfall {' '.join(command)}" in text


def test_every_command_is_listed_above():
    listed = {command[0] for command in COMMANDS}
    assert {name for name in app if not name.startswith("-")} == listed


def test_organizations_are_made_and_listed(run):
    made = json.loads(run("organization", "create", "--name", "A b", "--json"))
    assert re.fullmatch("[0-9a-f]{32}", made["id"])
    assert json.loads(run("organization", "list", "--json")) == [made]
    assert "A b" in run("organization", "list")
    assert run("organization", "create", "--name", "x", "--id", "x") == "x\n"


def test_services_are_made_listed_and_revoked(filled):
    role = "Organization Manager"
    command = ["service", "create", "--organization", ORG, "--role", role]
    command += ["--scope", "events_read", "--scope", "events_write"]
    made = json.loads(filled(*command, "--json"))
    assert len(made["clientSecret"]) == 32
    [listed] = json.loads(filled("service", "list", "--json"))
    assert listed["clientKey"] == made["clientKey"]
    assert listed["scopes"] == ["events_read", "events_write"]
    assert made["clientSecret"] not in json.dumps(listed)
    assert "None" not in filled("service", "list")
    assert made["clientKey"] in filled("service", "revoke", made["clientKey"])
    assert json.loads(filled("service", "list", "--json"))[0]["revokedAt"]
    assert "clientSecret" in filled(*command)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["serve", "--port", "x"], 2, "port"),
        (["nope"], 2, "nope"),
        (["organization", "create"], 2, "--name"),
        (["organization", "create", "--name", "x", "--id", "a/b"], 2, "allowed"),
        (["organization", "create", "--name", "x", "--id", ORG], 1, "already"),
        (
            ["service", "create", "--organization", ORG, "--role", "Boss"]
            + ["--scope", "events_read"],
            2,
            "Location Manager",
        ),
        (
            ["service", "create", "--organization", ORG, "--role", "Public app"]
            + ["--scope", "all"],
            2,
            "events_read",
        ),
        (
            ["service", "create", "--organization", "no", "--role", "Public app"]
            + ["--scope", "events_read"],
            1,
            "no organization no",
        ),
        (["service", "revoke", "ck-nope"], 1, "no service"),
        (["import", "nope.json", "--organization", ORG], 1, "nope.json"),
        (["import", "--organization", ORG], 2, "at least one file"),
        (["simulate", "--organization", ORG, "--events", "0", "--seed", "1"], 2, "1"),
        (["store", "distribute"], 1, "one file"),
        (["store", "isolate", ORG, "--node", "nowhere"], 2, "HOST:PORT"),
        (["doctor", "--store", "sqlite:nope.db"], 1, "no nope.db"),
        (["doctor", "--store", "mysql:x"], 2, "sqlite:PATH"),
        (["organization", "list", "--store", "sqlite:/etc/passwd"], 1, "not a footf"),
    ],
)
def test_an_error_is_one_sentence_with_its_status(filled, arguments, status, message):
    text = filled(*arguments, status=status)
    assert message in text
    assert len([line for line in text.splitlines() if "footfall:" in line]) == 1


def read_back(tmp_path):
    url = f"sqlite:{tmp_path}/footfall.db"
    store = service.open_store(settings.Settings(store=url))
    page = store.page(EventQuery(ORG, sort=Sort.RECEIVED_TIME, size=10_000))
    store.close()
    return json.loads(b"[" + page.body + b"]")


FORMS = {
    "response.json": json.dumps({"generated": "x", "count": 20, "events": EXAMPLE}),
    "pretty.json": json.dumps({"events": EXAMPLE}, indent=1),
    "array.json": json.dumps(EXAMPLE),
    "pretty-array.json": json.dumps(EXAMPLE, indent=2),
    "lines.ndjson": "\n".join(map(json.dumps, EXAMPLE)),
    "responses.ndjson": "\n".join(
        json.dumps({"events": EXAMPLE[i : i + 5]}) for i in range(0, 19, 5)
    ),
}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("packed", [False, True])
def test_every_form_of_file_is_imported_whole(filled, tmp_path, name, packed):
    data = FORMS[name].encode()
    path = tmp_path / (name + ".gz" if packed else name)
    path.write_bytes(gzip.compress(data) if packed else data)
    [result] = json.loads(filled("import", path, "--organization", ORG, "--json"))
    assert (result["accepted"], result["rejected"]) == (19, 0)
    assert read_back(tmp_path) == EXAMPLE
    assert "19 already there" in filled("import", path, "--organization", ORG)


def test_rejections_go_to_a_file_with_their_reasons(filled, tmp_path):
    path = tmp_path / "mixed.ndjson"
    lines = [json.dumps(event()), "{broken", json.dumps(event(customerId=""))]
    path.write_text("\n".join(lines))
    assert "2 rejected" in filled("import", path, "--organization", ORG)
    kept = (tmp_path / "mixed.ndjson.rejected.ndjson").read_text().splitlines()
    assert [json.loads(k)["index"] for k in kept] == [1, 2]
    assert [json.loads(k)["event"] for k in kept] == lines[1:]
    assert all(json.loads(k)["errors"] for k in kept)


def test_events_without_ids_are_stored_once_however_often_they_are_imported(
    filled, tmp_path
):
    path = tmp_path / "plain.ndjson"
    line = json.dumps({"customerId": "c", "event": {"type": "login"}})
    path.write_text(f"{line}\n{line}\n")
    for accepted in (2, 0):
        [result] = json.loads(filled("import", path, "--organization", ORG, "--json"))
        assert result["accepted"] == accepted


@pytest.mark.parametrize("data", [b"", b"hello", b"[1,", b"\x1f\x8b123"])
def test_a_file_without_events_is_refused(filled, tmp_path, data):
    path = tmp_path / ("x.gz" if data[:1] == b"\x1f" else "x.json")
    path.write_bytes(data)
    text = filled("import", path, "--organization", ORG, status=2)
    assert path.name in text


def test_simulate_is_deterministic_and_exact(filled):
    command = ["simulate", "--organization", ORG, "--events", "3000", "--seed", "7"]
    assert json.loads(filled(*command, "--json")) == {
        "accepted": 3000,
        "duplicates": 0,
    }
    assert filled(*command) == "0 stored, 3000 already there\n"


def test_doctor_reports_the_health_of_the_store(filled, tmp_path):
    report = json.loads(filled("doctor", "--json"))
    assert report["store"]["problems"] == []
    assert report["store"]["pragmas"]["synchronous"] == 2
    assert "problems: none" in filled("doctor")
    secret = tmp_path / "footfall.db.secret"
    secret.write_text("x" * 40)
    secret.chmod(0o644)
    assert (
        "chmod 600"
        in json.loads(
            subprocess.run(
                [sys.executable, "-m", "footfall", "doctor", "--json"],
                capture_output=True,
                check=False,
                cwd=tmp_path,
            ).stdout
        )["store"]["problems"][0]
    )


def test_the_signing_secret_is_made_once_and_only_its_owner_can_read_it(tmp_path):
    path = tmp_path / "footfall.db"
    secrets = []
    for _ in range(2):
        stop_server(start_server(path))
        secrets.append(path.with_name("footfall.db.secret").read_text())
    assert secrets[0] == secrets[1]
    assert len(secrets[0]) > 40
    mode = path.with_name("footfall.db.secret").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_a_port_in_use_is_reported_in_one_sentence(run, tmp_path):
    server = start_server(tmp_path / "one.db")
    port = server.address.rsplit(":", 1)[1]
    command = ("serve", "--store", "sqlite:two.db", "--port", port)
    text = run(*command, status=1, FOOTFALL_RADIUS_PORT="0")
    assert "cannot listen on" in text
    taken = str(server.radius_port)
    text = run(*command, status=1, FOOTFALL_RADIUS_PORT=taken)
    assert f"RADIUS cannot listen on 127.0.0.1:{taken}/udp" in text
    assert "FOOTFALL_RADIUS_PORT" in text
    stop_server(server)


def test_a_person_is_made_listed_given_a_password_and_revoked(filled, monkeypatch):
    command = ["user", "create", "--organization", ORG, "--email", "Ann@Example.com"]
    made = json.loads(filled(*command, "--address", "https://x.example", "--json"))
    assert made["email"] == "ann@example.com"
    assert made["link"].startswith("https://x.example/console/sign-in#")
    assert "ann@example.com" in filled("user", "list")
    assert "/console/sign-in#" in filled("user", "link", "ann@example.com")
    monkeypatch.setattr(sys, "stdin", io.StringIO("a long password\n"))
    assert "new password" in filled("user", "password", made["id"])
    assert "revoked" in filled("user", "revoke", "ann@example.com")
    [listed] = json.loads(filled("user", "list", "--json"))
    assert listed["revokedAt"]


def test_the_demo_prints_commands_that_work(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "footfall", "demo", "--port", "0"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=ENVIRONMENT,
    )
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if "ends the demo" in line:
            break
    commands = re.findall(
        r"^  (TOKEN=.*?|curl .*?)(?<!\\)$", said, re.MULTILINE | re.DOTALL
    )
    assert len(commands) == 2
    answer = subprocess.run(
        ["bash", "-c", "\n".join(commands)], capture_output=True, text=True, check=True
    )
    assert json.loads(answer.stdout)["count"] == 3
    [link] = re.findall(r"(http\S+)/console/sign-in#(\S+)", said)
    signed_in = httpx2.post(f"{link[0]}/console/session", json={"link": link[1]})
    assert signed_in.json()["organization"]["name"] == "Demo"
    assert (tmp_path / "demo" / "footfall.log").exists()
    [docs] = re.findall(r"docs: (\S+)", said)
    assert httpx2.get(docs).status_code == 200
    process.terminate()
    assert process.wait(30) == 0
    process.stdout.close()


ODD = "Ann\x1b[2J\x9b31m\x07\u202emoc.live\u2066 [red]x[/red]\r\n"


def test_stored_text_never_controls_a_terminal(run):
    run("organization", "create", "--name", ODD, "--id", "odd")
    for json_too in ((), ("--json",)):
        listed = run("organization", "list", *json_too)
        printed = listed.replace("\n", "")
        assert printed.isprintable(), repr(printed)
        assert "[red]x[/red]" in printed
        assert "\\u001b" in printed
    listed = run("organization", "list", "--json")
    assert json.loads(listed)[0]["name"] == ODD.strip()


READING = [
    ["organization", "list"],
    ["service", "list"],
    ["service", "revoke", "ck"],
    ["location", "list", "--organization", "x"],
    ["hotspot", "list", "--organization", "x"],
    ["source", "list"],
    ["source", "delete", "x"],
    ["source", "problems", "--organization", "x"],
    ["presence", "recompute", "--organization", "x", "--since", "2026-05-01"]
    + ["--until", "2026-05-02"],
    ["presence", "forget-devices", "--organization", "x"],
    ["import", "events.json", "--organization", "x"],
    ["replay", "seen.csv", "--organization", "x", "--location", "y"]
    + ["--time-column", "t", "--device-column", "d"],
    ["service", "create", "--organization", "x", "--role", "Public app"]
    + ["--scope", "events_read"],
    ["doctor"],
    ["backup", "copy.db"],
]


@pytest.mark.parametrize("command", READING, ids=lambda command: " ".join(command[:2]))
def test_a_mistyped_store_is_reported_and_not_created(run, tmp_path, command):
    for name in ("events.json", "seen.csv"):
        (tmp_path / name).write_text("{}")
    before = sorted(tmp_path.iterdir())
    said = run(*command, "--store", "sqlite:mistyped.db", status=1)
    assert "There is no mistyped.db" in said
    assert sorted(tmp_path.iterdir()) == before


def test_only_the_owner_can_read_what_a_command_writes(filled, tmp_path):
    (tmp_path / "bad.ndjson").write_text('{"customerId":"c"}\n')
    filled("import", "bad.ndjson", "--organization", ORG, status=2)
    filled("backup", "copy.db")
    server = start_server(tmp_path / "footfall.db")
    for file in tmp_path.iterdir():
        if file.name.startswith(("footfall.db", "copy.db", "bad.ndjson.")):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    stop_server(server)


def test_doctor_names_files_that_others_can_read(filled, tmp_path):
    (tmp_path / "footfall.db").chmod(0o644)
    done = subprocess.run(
        [sys.executable, "-m", "footfall", "doctor"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 1
    assert "footfall.db can be read by others: chmod 600" in done.stdout


def test_only_a_server_makes_the_ballast_file(filled, tmp_path):
    ballast = tmp_path / "footfall.db.ballast"
    assert not ballast.exists()
    server = start_server(tmp_path / "footfall.db")
    laid = ballast.stat()
    filled("organization", "create", "--name", "Beside")
    assert ballast.stat().st_mtime_ns == laid.st_mtime_ns
    stop_server(server)


def test_another_users_ballast_file_does_not_stop_intake(filled, tmp_path):
    # Not even root can open a folder as a file.
    (tmp_path / "footfall.db.ballast").mkdir()
    server = start_server(tmp_path / "footfall.db")
    ready = httpx2.get(f"{server.address}/readyz")
    assert ready.status_code == 503
    assert "footfall.db.ballast cannot be used" in ready.json()["detail"]
    filled("organization", "create", "--name", "Beside")
    stop_server(server)


HEAVY = ("apsw", "asyncio", "granian", "httpx2", "litestar", "numpy", "psycopg")
HELPED = f"""
import contextlib, io, sys
from footfall.cli import main
sys.argv = ["footfall", "--help"]
with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
    main()
print([name for name in {HEAVY} if name in sys.modules])
"""


def test_help_loads_nothing_that_takes_long():
    done = subprocess.run(
        [sys.executable, "-c", HELPED],
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
        check=True,
    )
    assert done.stdout == "[]\n"
