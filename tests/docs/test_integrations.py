"""docs/integrations.md: its commands and its Python run, and the dashboard fits."""

import json
import os
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest

from footfall.cli import main
from tests.conftest import EXAMPLE, Tenant

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/integrations.md").read_text("utf-8")
DASHBOARD = json.loads((ROOT / "examples/grafana-dashboard.json").read_text("utf-8"))


@pytest.fixture
def place(tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with the settings of a server that has the example."""
    sent = [one | {"organizationId": tenant.id} for one in EXAMPLE]
    assert tenant.send(sent).json()["accepted"] == len(sent)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CID", tenant.id)
    monkeypatch.setenv("FOOTFALL_STORE", tenant.server.chosen.store)
    token = tenant.client.headers["Authorization"].removeprefix("Bearer ")
    monkeypatch.setenv("TOKEN", token)
    return tmp_path


def part(title: str) -> str:
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def run_commands(text: str) -> None:
    for command in re.findall(r"^\$ footfall (.+)$", text, re.MULTILINE):
        with pytest.raises(SystemExit) as done:
            main([os.path.expandvars(word) for word in command.split()])
        assert done.value.code == 0


def run_python(text: str, address: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    for block in re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        exec(block.replace("http://127.0.0.1:8000", address), names)  # noqa: S102
    return names


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_the_commands_and_queries_for_duckdb_run(tenant, place, capfd):
    pytest.importorskip("duckdb")
    run_commands(part("DuckDB"))
    names = run_python(part("DuckDB"), tenant.server.address)
    [visit] = [one for one in EXAMPLE if one["event"]["type"] == "visit"]
    [(day, venue, count, minutes)] = names["visits"].fetchall()
    assert str(day) == visit["when"]["createdAtLocal"][:10]
    duration = visit["event"]["visit"]["duration"]
    assert (venue, count, minutes) == (visit["where"]["locationName"], 1, duration)
    kinds = {one["event"]["type"] for one in EXAMPLE}
    assert {kind for kind, _ in names["types"].fetchall()} == kinds


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_the_python_for_pandas_runs(tenant, place, capfd):
    pytest.importorskip("pandas")
    names = run_python(part("pandas"), tenant.server.address)
    assert names["people"] == {one["customerId"] for one in EXAMPLE}
    [start] = names["events"]["event.visit.startAt"]
    [visit] = [one for one in EXAMPLE if one["event"]["type"] == "visit"]
    assert start.strftime("%FT%TZ") == visit["event"]["visit"]["startAt"]


def served(address: str) -> set[str]:
    """Return the names of all metrics of a server; a type stands before its values."""
    lines = httpx2.get(f"{address}/metrics").text.splitlines()
    suffixes = {"counter": [""], "gauge": [""], "histogram": ["_bucket", "_sum"]}
    return {
        name + suffix
        for name, kind in (one.split()[2:] for one in lines if one.startswith("# TYPE"))
        for suffix in suffixes.get(kind, [""])
    }


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_the_dashboard_shows_only_metrics_that_are_served(server):
    queries = [t["expr"] for one in DASHBOARD["panels"] for t in one["targets"]]
    queries += [
        one["query"]["query"]
        for one in DASHBOARD["templating"]["list"]
        if one["type"] == "query"
    ]
    named = set(re.findall(r"\b(?:footfall|process)_\w+", " ".join(queries)))
    assert {"footfall_requests_total", "process_open_fds"} <= named
    assert named <= served(server.address)


def test_each_panel_has_a_place_of_its_own():
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
