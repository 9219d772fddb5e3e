"""`footfall export`."""

import csv
import json

import pytest

from footfall.core.exports import completion, marker
from footfall.core.flat_events import COLUMNS
from tests.conftest import EXAMPLE, SEED_ORGANIZATION

ORG = SEED_ORGANIZATION


@pytest.fixture
def filled(run, tmp_path):
    run("organization", "create", "--name", "Test", "--id", ORG)
    (tmp_path / "example.json").write_text(json.dumps({"events": EXAMPLE}))
    run("import", "example.json", "--organization", ORG)
    return run


def test_export_writes_what_import_reads(filled, tmp_path):
    out = filled("export", "--organization", ORG, "--output", "all.ndjson")
    assert "all.ndjson: 19 events" in out
    lines = (tmp_path / "all.ndjson").read_text().splitlines()
    assert len(lines) == len(EXAMPLE)
    again = filled("import", "all.ndjson", "--organization", ORG)
    assert "0 stored, 19 already there" in again


def test_export_takes_the_filters_of_the_api(filled, tmp_path):
    visit = next(one for one in EXAMPLE if one["event"]["type"] == "visit")
    filled(
        *("export", "--organization", ORG, "--output", "visits.csv"),
        *("--format", "csv", "--events", "visit", "--contact", visit["customerId"]),
        *("--date-start", "2022-01-01", "--date-end", "2023-01-01"),
        *("--sort-by", "utcTime", "--sort-reverse"),
    )
    with (tmp_path / "visits.csv").open(newline="") as file:
        [row] = csv.DictReader(file)
    assert row["event.id"] == visit["event"]["id"]
    assert list(row) == list(COLUMNS)


def test_export_by_date_makes_a_folder(filled, tmp_path):
    arguments = ["--output", "days", "--format", "parquet", "--partition-by", "date"]
    answer = filled("export", "--organization", ORG, *arguments, "--json")
    assert json.loads(answer) == {"file": "days", "events": 19}
    days = {one["when"]["createdAtLocal"][:10] for one in EXAMPLE}
    assert {one.name for one in (tmp_path / "days").iterdir()} == {
        f"date={day}" for day in days
    }


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--events", "vist"], 2, "the nearest is 'visit'"),
        (["--contact", "nobody"], 1, "never seen"),
        (["--partition-by", "date", "--sort-by", "utcTime"], 2, "businessTime"),
    ],
)
def test_export_says_what_is_wrong_and_leaves_nothing(
    filled, tmp_path, arguments, status, message
):
    answer = filled(
        *("export", "--organization", ORG, "--output", "x", *arguments), status=status
    )
    assert message in answer
    assert not list(tmp_path.glob("x*"))


def test_import_leaves_out_the_lines_of_an_export_that_are_no_events(filled, tmp_path):
    filled("export", "--organization", ORG, "--output", "all.ndjson")
    path = tmp_path / "all.ndjson"
    lines = path.read_bytes().splitlines(keepends=True)
    lines.insert(5, marker("AbC"))
    path.write_bytes(b"".join([*lines, completion(19, None)]))
    again = filled("import", "all.ndjson", "--organization", ORG)
    assert again == "all.ndjson: 0 stored, 19 already there\n"
