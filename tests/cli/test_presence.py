"""The commands of places, sources and presence, run as people run them."""

import collections
import csv
import datetime as dt
import gzip
import json
import subprocess
import sys
from typing import Any

import apsw
import pytest

from footfall import service, settings
from tests.conftest import Tenant, start_server, stop_server
from tests.shared import data

ORG = "org"


@pytest.fixture
def run(run):
    run("organization", "create", "--name", "Test", "--id", ORG)
    return run


VENUES = """id,name,timezone,lat,lng,externalId,tags,city,country
one,One,Europe/Rome,43.7,10.4,L_1,a|b,Pisa,IT
,Two,Asia/Tokyo,,,L_2,,,
three,Three,Mars,,,,,,
four,Four,UTC,x,,,,,
"""
POINTS = """name,venueId,macAddress,vendor
Bar,one,E0-55-3D-C0-76-F4,Meraki
Door,one,e0:55:3d:c0:76:f5,
Nowhere,nowhere,,
Same,one,e0:55:3d:c0:76:f4x,
"""


def test_importing_locations_and_hotspots_again_makes_no_duplicates(run, tmp_path):
    (tmp_path / "venues.csv").write_text(VENUES)
    (tmp_path / "points.csv").write_text(POINTS)
    for _ in range(2):
        done = json.loads(
            run("location", "import", "venues.csv", "--organization", ORG, "--json")
        )
        assert done["stored"] == 2
        assert [one["line"] for one in done["rejected"]] == [4, 5]
        assert "Mars" in done["rejected"][0]["reason"]
        done = json.loads(
            run("hotspot", "import", "points.csv", "--organization", ORG, "--json")
        )
        assert done["stored"] == 2
        assert [one["line"] for one in done["rejected"]] == [4, 5]
    venues = json.loads(run("location", "list", "--organization", ORG, "--json"))
    assert [v["name"] for v in venues] == ["One", "Two"]
    assert venues[0]["tags"] == ["a", "b"]
    assert venues[0]["address"]["city"] == "Pisa"
    assert venues[0]["lat"] == 43.7
    points = json.loads(run("hotspot", "list", "--organization", ORG, "--json"))
    assert [p["macAddress"] for p in points] == [
        "e0:55:3d:c0:76:f4",
        "e0:55:3d:c0:76:f5",
    ]
    assert "One" in run("location", "list", "--organization", ORG)
    (tmp_path / "bad.csv").write_text("name,timezone\n,Mars\n")
    said = run("location", "import", "bad.csv", "--organization", ORG, status=2)
    assert "Nothing was imported" in said


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("radius", "UDP port 1813"),
        ("freeradius", 'auth     = "basic"'),
        ("meraki", "Post URL  https://f.example/v1/sources/"),
        ("mist", "Topics"),
    ],
)
def test_source_create_prints_what_to_enter_and_the_secret(run, kind, said, tmp_path):
    more = ["--validator", "v"] if kind == "meraki" else []
    text = run(
        *("source", "create", "--kind", kind, "--organization", ORG),
        *("--secret", "a secret of ours", "--url", "https://f.example/", *more),
    )
    assert said in text
    assert "a secret of ours" in text
    listed = run("source", "list", "--organization", ORG, "--json")
    [source] = json.loads(listed)
    assert source["kind"] == kind
    assert "a secret" not in listed
    assert b"a secret of ours" not in (tmp_path / "footfall.db").read_bytes()
    run("source", "delete", source["id"])
    assert json.loads(run("source", "list", "--json")) == []
    assert "no source" in run("source", "delete", source["id"], status=1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--kind", "cisco"], "allowed: radius, freeradius, meraki, mist"),
        (["--kind", "meraki"], "validator"),
        (["--kind", "mist", "--secret", ""], "secret"),
        (["--kind", "radius", "--address", "x"], "address"),
    ],
)
def test_a_source_that_cannot_be_made_is_refused_with_the_reason(run, arguments, said):
    text = run("source", "create", "--organization", ORG, *arguments, status=2)
    assert said in text


def visits_of(client, organization):
    path = f"/v1/organizations/{organization}/events"
    page = client.get(path, params={"events": "visit", "size": 10_000}).json()
    found: collections.Counter[Any] = collections.Counter()
    for event in page["events"]:
        start = dt.datetime.fromisoformat(event["event"]["visit"]["startAt"])
        end = dt.datetime.fromisoformat(event["when"]["createdAt"])
        found[start, end - start] += 1
        assert event["event"]["visit"]["duration"] == (end - start).seconds // 60
    return found


@pytest.mark.exhaustive
def test_a_month_at_a_real_venue_gives_the_visits_that_were_published(tmp_path):
    """Data of the Hokuriku Inbound Tourism DX/Data Consortium; read through the API."""
    detections = data("shishiku-highland-detections.csv.gz")
    published = data("shishiku-highland-visits-30min.csv")
    copy = tmp_path / detections.name
    copy.write_bytes(detections.read_bytes())
    path = tmp_path / "footfall.db"
    store = service.open_store(settings.Settings(store=f"sqlite:{path}"))
    server = start_server(path)
    tenant = Tenant(server, store)
    place = {"id": "highland", "name": "Highland", "timezone": "Asia/Tokyo"}
    locations = f"/v1/organizations/{tenant.id}/locations"
    assert tenant.client.post(locations, json=place).status_code == 201
    # A server on the same store would close some of the stays itself.
    stop_server(server)
    command = [sys.executable, "-m", "footfall", "replay", str(copy)]
    command += ["--organization", tenant.id, "--location", "highland"]
    command += ["--time-column", "local_time", "--device-column", "device_hash"]
    command += ["--timezone", "Asia/Tokyo", "--session-timeout", "30"]
    command += ["--minimum-dwell", "0", "--pseudonymous", "--json"]
    command += ["--store", f"sqlite:{path}"]
    for made in (2 * 919, 0):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert json.loads(done.stdout)["events"] == made
    server = start_server(path)
    tenant.client.base_url = server.address
    with published.open(newline="") as file:
        expected = collections.Counter(
            (dt.datetime.fromisoformat(row["dt"]), length(row["spend"]))
            for row in csv.DictReader(file)
        )
    assert sum(expected.values()) == 919
    assert visits_of(tenant.client, tenant.id) == expected
    tenant.client.close()
    store.close()
    stop_server(server)


def length(text):
    hours, minutes, seconds = map(int, text.split(":"))
    return dt.timedelta(hours=hours, minutes=minutes, seconds=seconds)


HISTORY = """when,who
2026-05-01 10:00:00,0c:8d:db:00:11:22
1777622400,0c:8d:db:00:11:22
2026-05-01T08:05:00Z,0c:8d:db:00:11:22
yesterday,0c:8d:db:00:11:22
2026-05-01 10:00:00,
"""


def replay(run, file, *more, **kwargs):
    return run(
        *("replay", file, "--organization", ORG, "--time-column", "when"),
        *("--device-column", "who", "--location", kwargs.pop("at", "one"), *more),
        **kwargs,
    )


@pytest.fixture
def venue(run, tmp_path):
    (tmp_path / "venues.csv").write_text("id,name,timezone\none,One,Europe/Rome\n")
    run("location", "import", "venues.csv", "--organization", ORG)
    (tmp_path / "history.csv").write_text(HISTORY)
    return run


def test_replay_keeps_rejected_rows_with_their_lines(venue, tmp_path):
    text = replay(venue, "history.csv", "--pseudonymous")
    assert "3 observations, 2 events made, 2 rejected" in text
    kept = (tmp_path / "history.csv.rejected.ndjson").read_text().splitlines()
    assert [json.loads(line)["line"] for line in kept] == [5, 6]
    assert "0 events made" in replay(venue, "history.csv", "--pseudonymous")


def test_replay_reads_milliseconds_and_keeps_rows_without_a_known_place(
    venue, tmp_path
):
    (tmp_path / "odd.csv").write_text(
        "when,who\n1777622400000,0c:8d:db:00:11:22\n"
        "1777622700000,0c:8d:db:00:11:22\n4102444800,0c:8d:db:00:11:22\n"
    )
    text = replay(venue, "odd.csv", "--pseudonymous")
    assert "2 observations" in text
    assert "1 rejected" in text
    kept = json.loads((tmp_path / "odd.csv.rejected.ndjson").read_text())
    assert kept["line"] == 4
    assert "in the future" in kept["error"]


@pytest.mark.parametrize(
    ("content", "more", "status", "said"),
    [
        (b"a,b\n1,2\n", [], 2, "has no column when and who; it has: a, b"),
        (b"", [], 2, "has no column"),
        (b"\xff\xfe", [], 2, "is not CSV in UTF-8"),
        (HISTORY.encode(), ["--timezone", "Mars"], 2, "IANA"),
    ],
)
def test_a_file_that_cannot_be_replayed_is_refused_with_the_reason(
    venue, tmp_path, content, more, status, said
):
    (tmp_path / "bad.csv").write_bytes(content)
    assert said in replay(venue, "bad.csv", *more, status=status)


def test_replay_names_an_unknown_location(venue):
    said = replay(venue, "history.csv", at="two", status=1)
    assert "no location two" in said


def test_replay_reports_a_truncated_gzip_file(venue, tmp_path):
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(HISTORY.encode())[:-9])
    said = replay(venue, "cut.csv.gz", status=2)
    assert "is not a whole gzip file" in said


def test_recompute_and_forget_devices_run_as_commands(venue, tmp_path):
    replay(venue, "history.csv", "--pseudonymous")
    span = ("--since", "2026-05-01", "--until", "2026-05-01")
    recompute = ("presence", "recompute", "--organization", ORG, *span)
    assert "0 events made, 0 withdrawn" in venue(*recompute)
    said = venue(
        "presence",
        "recompute",
        "--organization",
        ORG,
        *span[2:],
        *span[:1],
        "x",
        status=2,
    )
    assert "ISO 8601" in said
    assert "deleted" in venue("presence", "forget-devices", "--organization", ORG)
    assert "2 events made" in replay(venue, "history.csv", "--pseudonymous")


def test_problems_are_listed_newest_first(run):
    listed = run("source", "problems", "--organization", ORG, "--json")
    assert json.loads(listed) == []
    assert "reason" in run("source", "problems", "--organization", ORG)


def test_doctor_names_what_was_sealed_under_another_secret(run, tmp_path):
    def problems(**environment):
        done = subprocess.run(
            [sys.executable, "-m", "footfall", "doctor", "--json"],
            capture_output=True,
            check=False,
            cwd=tmp_path,
            env=environment,
        )
        found = json.loads(done.stdout)["store"]["problems"]
        assert done.returncode == bool(found)
        return found

    create = ("source", "create", "--kind", "radius", "--organization", ORG, "--json")
    mine = json.loads(run(*create))["id"]
    # As it was before a database was bound to one secret.
    chosen = settings.Settings(store=f"sqlite:{tmp_path}/footfall.db")
    store = service.open_store(chosen)
    source_secrets = service.source_secrets(store, "x" * 40)
    other = source_secrets.create(ORG, "radius", 0).source.id
    hooks = [
        service.webhooks(store, settings.Settings(secret=secret, store=chosen.store))
        .create(ORG, {"url": "https://a.example/"}, 0)
        .result()
        .id
        for secret in ("x" * 40, settings.signing_secret(chosen))
    ]
    store.close()
    [problem, hook] = problems()
    assert other in problem
    assert "another FOOTFALL_SECRET" in problem
    assert hooks[0] in hook
    assert "delivers nothing" in hook
    [problem] = problems(FOOTFALL_SECRET="x" * 40)
    assert "sealed under another secret" in problem
    secret = tmp_path / "footfall.db.secret"
    kept = secret.rename(tmp_path / "kept")
    [problem] = problems()
    assert "footfall.db.secret back" in problem
    assert not secret.exists()
    kept.rename(secret)
    for source in (mine, other):
        run("source", "delete", source)
    run("webhooks", "delete", hooks[0], "--organization", ORG)
    assert problems() == []


def test_forget_devices_leaves_no_key_in_the_wal(venue, tmp_path):
    def kept():
        connection = apsw.Connection(str(tmp_path / "footfall.db"))
        query = "SELECT key FROM organization_key WHERE purpose = 'device'"
        found = [bytes(row[0]) for row in connection.execute(query) if any(row[0])]
        connection.close()
        return found

    # A server keeps the WAL while the command runs.
    server = start_server(tmp_path / "footfall.db")
    replay(venue, "history.csv", "--pseudonymous")
    [sealed] = kept()
    said = venue("presence", "forget-devices", "--organization", ORG)
    assert "deleted" in said
    assert "WAL" not in said
    for name in ("footfall.db", "footfall.db-wal"):
        assert sealed not in (tmp_path / name).read_bytes()
    stop_server(server)
