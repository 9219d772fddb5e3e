"""`footfall analytics …`."""

import gzip
import json

from footfall import clock, service
from footfall.core.analytics import parse_question
from footfall.flows.analytics import report
from footfall.settings import Settings
from tests.conftest import event


def test_rebuild_counts_again_what_is_stored(run, tmp_path):
    run("organization", "create", "--name", "Test", "--id", "one")
    visit = event(event={"type": "visit", "id": "v1l", "visit": {"duration": 30}})
    with gzip.open(tmp_path / "events.gz", "wt") as file:
        file.write(json.dumps(visit))
    run("import", "events.gz", "--organization", "one")
    said = run("analytics", "rebuild", "--organization", "one")
    assert said == "one is counted again.\n"
    store = service.open_store(Settings(store=f"sqlite:{tmp_path / 'footfall.db'}"))
    days = {"from": ["2026-05-01"], "to": ["2026-05-01"]}
    question = parse_question(days, clock.now())
    counted = report.timeseries(store, "one", question, None)
    store.close()
    assert (counted.as_of, [row["visits"] for row in counted.rows]) == (1, [1])
