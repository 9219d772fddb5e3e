"""`footfall copy`, as people run it."""

import json
import stat

import pytest

FROM = ("--from", "sqlite:footfall.db")


@pytest.fixture
def filled(run):
    run("organization", "create", "--name", "Test", "--id", "test")
    run("simulate", "--organization", "test", "--events", "300", "--days", "3")
    return run


def test_a_file_is_copied_with_its_secret_and_once(filled, tmp_path):
    said = filled("copy", *FROM, "--to", "sqlite:copy.db")
    assert "300 of them events of 4 days" in said
    assert filled("organization", "list", "--store", "sqlite:copy.db").count("test")
    secrets = [tmp_path / f"{name}.db.secret" for name in ("footfall", "copy")]
    assert secrets[0].read_text() == secrets[1].read_text()
    assert stat.S_IMODE(secrets[1].stat().st_mode) == 0o600
    assert "copied before" in filled("copy", *FROM, "--to", "sqlite:copy.db")


def test_a_database_is_opened_with_the_secret_of_the_file(
    filled, postgres_url, tmp_path
):
    [copied] = json.loads(filled("copy", *FROM, "--to", postgres_url, "--json"))
    assert (copied["id"], copied["events"], copied["before"]) == ("test", 300, False)
    secret = {"FOOTFALL_SECRET_FILE": str(tmp_path / "footfall.db.secret")}
    report = filled("doctor", "--store", postgres_url, "--json", **secret)
    assert json.loads(report)["store"]["problems"] == []
    again = ("copy", "--from", postgres_url, "--to", "sqlite:back.db")
    assert "FOOTFALL_SECRET" in filled(*again, status=2)
    assert "300 of them" in filled(*again, "--organization", "test", **secret)


def test_a_copy_may_have_a_secret_of_its_own(filled, tmp_path):
    own = tmp_path / "own.secret"
    own.write_text("s" * 40)
    filled("copy", *FROM, "--to", "sqlite:own.db", "--to-secret-file", own)
    place = ("organization", "list", "--store", "sqlite:own.db")
    assert "test" in filled(*place, FOOTFALL_SECRET="s" * 40)
    assert "another secret" in filled(*place, status=1, FOOTFALL_SECRET="t" * 40)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--from", "sqlite:nope.db", "--to", "sqlite:x.db"), "There is no nope.db"),
        ((*FROM, "--to", "sqlite:footfall.db"), "no copy of this one"),
        ((*FROM, "--to", "sqlite:x.db", "--organization", "y"), "no organization y"),
    ],
)
def test_what_cannot_be_copied_is_one_sentence(filled, arguments, message):
    said = filled("copy", *arguments, status=1)
    assert message in said
    assert len([line for line in said.splitlines() if "footfall:" in line]) == 1
