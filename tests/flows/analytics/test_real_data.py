"""A month of a real venue's WiFi: the charts are those of the published visits.

Data of the Hokuriku Inbound Tourism DX/Data Consortium; not part of the project.
"""

import collections
import csv
import shutil
import statistics
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from footfall.core.analytics import parse_question
from footfall.core.instants import parse_instant
from footfall.flows.analytics import report, update
from footfall.flows.places import manage
from footfall.flows.presence.observe import PresenceOptions
from footfall.flows.presence.replay import Columns, replay, rules_for
from footfall.store import Organization
from tests.shared import data, open_sqlite

NOW = parse_instant("2026-11-05T12:00:00Z")
ZONE = "Asia/Tokyo"
METRICS = "visits,visitors,dwellMean,dwellMedian"


@pytest.fixture
def store(tmp_path):
    """The venue's detections, replayed as the publishers cut them into visits."""
    source = data("shishiku-highland-detections.csv.gz")
    file = shutil.copyfile(source, tmp_path / source.name)
    opened = open_sqlite(tmp_path / "footfall.db")
    opened.create_organization(Organization("org", "Org", 0)).result()
    place = {"id": "highland", "name": "Highland", "timezone": ZONE}
    manage.create_location(opened, "org", place).result()
    rules = msgspec.structs.replace(
        rules_for(opened, "org", "highland"), session_timeout=30, minimum_dwell=0
    )
    replay(
        opened,
        "org",
        "highland",
        file,
        columns=Columns("local_time", "device_hash", ZoneInfo(ZONE)),
        options=PresenceOptions(rules, pseudonymous=True, closing=False),
        now=NOW,
        progress=lambda _read, _done: None,
    )
    update.update(opened, "org")
    yield opened
    opened.close()


def test_each_day_has_the_figures_of_the_published_visits(store):
    days = published()
    first, last = min(days), max(days)
    question = parse_question(
        {"metrics": [METRICS], "from": [str(first)], "to": [str(last)]}, NOW
    )
    rows = report.timeseries(store, "org", question, None).rows
    assert len(rows) == (last - first).days + 1
    assert sum(row["visits"] for row in rows) == 919
    for row in rows:
        day = datetime.fromisoformat(row["time"])
        assert day.utcoffset() == timedelta(hours=9)
        lengths = [length for _, length in days[day.date()]]
        assert row == {
            "time": row["time"],
            "visits": len(lengths),
            "visitors": len({visitor for visitor, _ in days[day.date()]}),
            "dwellMean": round(statistics.mean(lengths), 3) if lengths else None,
            "dwellMedian": statistics.median(lengths) if lengths else None,
        }


def published():
    """Return who left on each local day, and after how many seconds.

    Visits count on the day of their end. Events keep their lengths in whole minutes.
    """
    days = collections.defaultdict(list)
    path = data("shishiku-highland-visits-30min.csv")
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            hours, minutes, seconds = map(int, row["spend"].split(":"))
            length = timedelta(hours=hours, minutes=minutes, seconds=seconds)
            end = datetime.fromisoformat(row["dt"]) + length
            whole = int(length.total_seconds()) // 60 * 60
            days[end.date()].append((row["userid"], whole))
    return days
