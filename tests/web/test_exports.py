"""Exports: the whole result, in lines or as a table, resumable, and never a part of it
that looks like the whole."""

import contextlib
import csv
import io
import json
from typing import Any

import httpx2
import pytest

from footfall import clock
from footfall.core.access import Role
from footfall.core.flat_events import COLUMNS
from footfall.core.queries import Sort
from footfall.flows.accounts.tokens import AGAIN
from tests.conftest import EXAMPLE, Tenant, event

LINES = {"Accept": "application/x-ndjson"}
TABLE = {"Accept": "text/csv"}
# The first slice has 250 events, so the export has two markers.
COUNT = 700


@pytest.fixture(scope="module")
def filled(server, server_store):
    made = Tenant(server, server_store)
    kinds = ("login", "arriving")
    made.send(
        [
            event(
                f"id-{number:04}",
                event={"type": kinds[number % 2], "id": f"id-{number:04}"},
                customerId=f"guest-{number % 3}",
                when={"createdAt": f"2026-05-0{1 + number % 7}T10:00:00Z"},
            )
            for number in range(COUNT)
        ]
    )
    yield made
    made.client.close()


def export(tenant: Tenant, path: str = "", **parameters: Any) -> list[dict[str, Any]]:
    """Return the lines of an export."""
    answer = tenant.client.get(
        path or tenant.events_path, params=parameters, headers=LINES
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    assert answer.text.endswith("\n")
    return [json.loads(line) for line in answer.text.splitlines()]


def ids(lines: list[dict[str, Any]]) -> list[str]:
    return [one["event"]["id"] for one in lines if "event" in one]


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("reverse", ["true", "false"])
def test_an_export_is_the_whole_result_in_order_and_says_so(filled, sort, reverse):
    order = {"sortBy": sort, "sortReverse": reverse}
    lines = export(filled, **order)
    end = lines[-1]["footfall"]
    assert (end["complete"], end["count"]) == (True, COUNT)
    page = filled.read(size=10_000, **order).json()["events"]
    assert [one for one in lines if "event" in one] == page


@pytest.mark.parametrize(
    "filters",
    [
        {"events": "login"},
        {"dateStart": "2026-05-02", "dateEnd": "2026-05-03"},
        {"events": "survey"},
    ],
)
def test_filters_hold_in_an_export(filled, filters):
    lines = export(filled, **filters)
    wanted = filled.read(size=10_000, **filters).json()["events"]
    assert lines[:-1] == wanted or ids(lines) == [e["event"]["id"] for e in wanted]
    assert lines[-1] == {"footfall": {"complete": True, "count": len(wanted)}}


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("reverse", ["true", "false"])
def test_an_export_goes_on_from_each_marker_without_a_gap_or_a_repeat(
    tenant, sort, reverse
):
    tenant.send([event(f"id-{number:04}") for number in range(COUNT)])
    order = {"sortBy": sort, "sortReverse": reverse}
    lines = export(tenant, **order)
    tenant.send([event("late")])
    markers = [
        number
        for number, one in enumerate(lines)
        if "footfall" in one and "complete" not in one["footfall"]
    ]
    assert len(markers) >= 1
    for number in markers:
        place = lines[number]["footfall"]["scrollId"]
        rest = export(tenant, scrollId=place, **order)
        assert ids(lines[:number]) + ids(rest) == ids(lines)
        assert rest[-1]["footfall"]["count"] == len(ids(rest))


def test_an_export_in_the_order_of_arrival_says_where_later_events_go_on(tenant):
    tenant.send([event("a"), event("b")])
    lines = export(tenant, sortBy="receivedTime")
    place = lines[-1]["footfall"]["scrollId"]
    assert ids(export(tenant, scrollId=place)) == []
    tenant.send([event("c")])
    assert ids(export(tenant, scrollId=place)) == ["c"]


def test_an_export_goes_on_where_a_scroll_of_pages_is(tenant):
    tenant.send([event(f"id-{number}") for number in range(9)])
    page = tenant.read(size=4, enableScroll="true").json()
    rest = export(tenant, scrollId=page["scrollId"])
    assert ids(rest) == [f"id-{number}" for number in range(4, 9)]


def test_the_export_of_a_contact_has_only_its_events(filled):
    base = f"/v1/organizations/{filled.id}/customers"
    lines = export(filled, f"{base}/guest-1/events")
    assert {one["customerId"] for one in lines[:-1] if "event" in one} == {"guest-1"}
    assert lines[-1]["footfall"]["count"] == len(range(1, COUNT, 3))
    unknown = filled.client.get(f"{base}/nobody/events", headers=LINES)
    assert (unknown.status_code, unknown.json()["status"]) == (404, 404)


def test_an_export_takes_no_size_and_names_all_that_is_wrong(filled):
    wrong = {"size": 10, "sortBy": "when"}
    answer = filled.client.get(filled.events_path, params=wrong, headers=LINES)
    assert answer.status_code == 409
    problem = answer.json()
    assert {one["field"] for one in problem["errors"]} == {"size", "sortBy"}
    assert "an export has the whole result" in problem["detail"]
    answer = filled.client.get(
        filled.events_path, params={"raw": "perhaps"}, headers=TABLE
    )
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (409, "raw")


@pytest.mark.parametrize(
    "accept",
    ["*/*", "application/json", "text/html, */*;q=0.8", "text/*", "application/*"]
    + ["text", "", ",;/", "application/xml", "text/csv;q=0.5, application/json"],
)
def test_who_does_not_name_an_export_first_gets_a_page_as_ever(filled, accept):
    answer = filled.client.get(filled.events_path, headers={"Accept": accept})
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["count"] == 20


@pytest.mark.parametrize(
    "accept",
    ["application/x-ndjson", "application/jsonl", "APPLICATION/X-NDJSON"]
    + ["application/x-ndjson;q=0.9, application/json;q=0.5", "application/ndjson"],
)
def test_who_names_lines_gets_lines(filled, accept):
    answer = filled.client.get(filled.events_path, headers={"Accept": accept})
    assert answer.headers["Content-Type"] == "application/x-ndjson"


def rows(answer: httpx2.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    kind = "text/csv; header=present; charset=utf-8"
    assert answer.headers["Content-Type"] == kind
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def test_a_table_has_a_row_for_each_event_and_the_same_columns_always(filled):
    found = rows(filled.client.get(filled.events_path, headers=TABLE))
    assert [row["event.id"] for row in found] == filled.ids()
    assert list(found[0]) == list(COLUMNS)
    nothing = filled.client.get(
        filled.events_path, headers=TABLE, params={"events": "survey"}
    )
    assert nothing.text == ",".join(COLUMNS) + "\r\n"


def test_a_table_of_the_example_has_its_values(tenant):
    sent = [one for one in EXAMPLE if "organizationId" in one]
    tenant.send([one | {"organizationId": tenant.id} for one in sent])
    found = rows(
        tenant.client.get(
            tenant.events_path, headers=TABLE, params={"sortBy": "receivedTime"}
        )
    )
    assert [row["event.id"] for row in found] == [one["event"]["id"] for one in sent]
    assert [row["when.createdAt"] for row in found] == [
        one["when"]["createdAt"] for one in sent
    ]


def test_a_table_has_no_formulas_unless_it_is_to_be_raw(tenant):
    formula = '=HYPERLINK("http://x","a\nb")'
    tenant.send([event("one", where={"locationName": formula})])
    for raw, wanted in (("false", f"'{formula}"), ("true", formula)):
        answer = tenant.client.get(
            tenant.events_path, headers=TABLE, params={"raw": raw}
        )
        assert rows(answer)[0]["where.locationName"] == wanted


def test_head_gets_the_headers_of_an_export(filled):
    answer = filled.client.head(filled.events_path, headers=LINES)
    assert answer.headers["Content-Type"] == "application/x-ndjson"


def test_an_export_needs_the_right_to_read_and_its_own_scroll(tenant, other_tenant):
    tenant.send([event(f"id-{number:04}") for number in range(300)])
    refused = other_tenant.client.get(tenant.events_path, headers=LINES)
    assert refused.status_code == 403
    [place] = [
        one["footfall"]["scrollId"]
        for one in export(tenant)
        if "scrollId" in one.get("footfall", {})
    ]
    answer = other_tenant.client.get(
        other_tenant.events_path, headers=LINES, params={"scrollId": place}
    )
    assert answer.status_code == 403
    assert answer.json()["type"].endswith("scroll-foreign")


def test_an_export_that_breaks_off_is_no_whole_answer_and_is_logged_once(tenant):
    # More than the sockets hold, so that the server waits for its reader.
    large = "x" * 60_000
    tenant.send([event(extra=large) for _ in range(550)])
    reader = tenant.login(Role.ORGANIZATION_MANAGER, ("events_read",))
    before = tenant.server.log.count("export_broken_off")
    got = b""
    with (
        contextlib.closing(reader),
        reader.stream("GET", tenant.events_path, headers=LINES) as answer,
    ):
        parts = answer.iter_bytes()
        got += next(parts)
        assert reader.post("/v1/sts/logout").status_code == 200
        revoked_at = clock.now()
        while clock.now() < revoked_at + AGAIN:
            tenant.send(event())
        with pytest.raises(httpx2.RemoteProtocolError):
            got += b"".join(parts)
    assert b'"complete"' not in got
    assert tenant.server.log.count("export_broken_off") == before + 1
