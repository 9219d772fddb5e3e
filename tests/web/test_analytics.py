"""The Analytics API over HTTP."""

import csv
import io
import time

import pytest

from footfall.core.access import Role
from tests.conftest import event

WHEN = {"from": "2026-04-30", "to": "2026-05-02"}


@pytest.fixture
def path(tenant):
    return f"/v1/organizations/{tenant.id}/analytics"


@pytest.fixture
def counted(tenant, path):
    """A login and a visit, as soon as they are counted."""
    visit = event(event={"type": "visit", "id": "v1l", "visit": {"duration": 30}})
    tenant.send([event("l1l"), visit])
    waited = time.monotonic() + 10
    while time.monotonic() < waited:
        answer = tenant.client.get(f"{path}/timeseries", params=WHEN)
        if answer.headers["footfall-as-of"] == "2":
            return tenant
    raise AssertionError("not counted in 10 s")


def test_a_timeseries_has_a_row_for_each_day(counted, path):
    metrics = {"metrics": "visits,visitors,logins,dwellMedian"}
    answer = counted.client.get(f"{path}/timeseries", params=WHEN | metrics)
    assert answer.json() == [
        {
            "time": f"2026-{day}T00:00:00+02:00",
            "visits": count,
            "visitors": count,
            "logins": count,
            "dwellMedian": 1800 if count else None,
        }
        for day, count in (("04-30", 0), ("05-01", 1), ("05-02", 0))
    ]


def test_rows_come_as_csv_too(counted, path):
    headers = {"Accept": "text/csv"}
    answer = counted.client.get(f"{path}/timeseries", params=WHEN, headers=headers)
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["visits"] for row in rows] == ["0", "1", "0"]


def test_a_breakdown_has_a_row_for_each_location(counted, path):
    answer = counted.client.get(f"{path}/breakdown", params=WHEN)
    assert answer.json() == [{"location": "venue", "name": "", "visits": 1}]


def test_who_was_there_is_told_by_the_quarter(counted, path):
    answer = counted.client.get(f"{path}/occupancy/history", params=WHEN)
    assert [(row["time"], row["visitors"]) for row in answer.json()] == [
        ("2026-05-01T09:30:00Z", 1),
        ("2026-05-01T09:45:00Z", 1),
    ]


def test_who_is_there_now_is_the_open_stays_of_each_location(tenant, path):
    for name in ("bar", "shop"):
        tenant.client.post(
            f"/v1/organizations/{tenant.id}/locations", json={"id": name, "name": name}
        ).raise_for_status()
    answer = tenant.client.get(f"{path}/occupancy")
    assert answer.json() == [
        {"location": "bar", "name": "bar", "visitors": 0},
        {"location": "shop", "name": "shop", "visitors": 0},
    ]


def test_a_scope_is_needed_and_one_of_all_parameters_is_named(tenant, path):
    client = tenant.login(Role.ORGANIZATION_MANAGER, ("events_read",))
    assert client.get(f"{path}/timeseries").status_code == 403
    client.close()
    client = tenant.login(Role.ORGANIZATION_MANAGER, ("analytics_read",))
    answer = client.get(f"{path}/timeseries", params={"metrics": "x", "interval": "y"})
    client.close()
    assert answer.status_code == 409
    assert [one["field"] for one in answer.json()["errors"]] == ["metrics", "interval"]


def test_a_location_manager_sees_figures_of_its_locations_only(counted, path):
    client = counted.login(Role.LOCATION_MANAGER, ("analytics_read",), ("other",))
    answer = client.get(f"{path}/breakdown", params=WHEN)
    client.close()
    assert answer.json() == []


def test_another_tenants_figures_are_out_of_reach(counted, other_tenant, path):
    assert other_tenant.client.get(f"{path}/timeseries").status_code == 403
