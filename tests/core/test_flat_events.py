"""A row has all of its event, and text in it is never a formula."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall.core.flat_events import (
    COLUMNS,
    EXTRA,
    as_harmless_text,
    as_text,
    flatten,
)
from tests.conftest import EXAMPLE

_JSON_COLUMNS = {
    "event.survey.questions",
    "event.survey.answers",
    "where.geofenceMetadata",
    "where.geofenceJSON",
}


def unflattened(row: list[Any]) -> dict[str, Any]:
    """Rebuild the event of a row."""
    value: dict[str, Any] = {}
    for column, cell in zip(COLUMNS[:-1], row[:-1], strict=True):
        if cell is not None:
            is_json = column in _JSON_COLUMNS and cell[:1] in ("[", "{")
            put(value, column.split("."), json.loads(cell) if is_json else cell)
    return merged(value, json.loads(row[-1] or "{}"))


def put(value: dict[str, Any], path: list[str], cell: Any) -> None:
    for name in path[:-1]:
        value = value.setdefault(name, {})
    value[path[-1]] = cell


def merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    both = dict(one)
    for name, value in other.items():
        known = both.get(name)
        nested = isinstance(known, dict) and isinstance(value, dict)
        both[name] = merged(known, value) if nested and known else value
    return both


@pytest.mark.parametrize("event", EXAMPLE, ids=range(len(EXAMPLE)))
def test_the_rows_of_the_example_have_all_of_its_events(event):
    assert unflattened(flatten(json.dumps(event).encode())) == event


_values = st.recursive(
    st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)


@settings(max_examples=50)
@given(
    st.dictionaries(st.text("xyz", min_size=1, max_size=3), _values, max_size=3),
    st.dictionaries(st.sampled_from(["withdrawn", "seen", "visits"]), _values),
    st.integers(-(2**80), 2**80),
)
def test_no_field_of_an_event_is_lost_in_its_row(unknown, within, duration):
    detail = {"type": "visit", "id": "1l", "visit": {"duration": duration}}
    event = {"customerId": "a", "event": within | detail, "when": {}} | unknown
    row = flatten(json.dumps(event).encode())
    del event["when"]  # an object without fields has no column
    assert unflattened(row) == event
    whole = row[COLUMNS.index("event.visit.duration")]
    assert whole is None or -(2**63) <= int(whole) < 2**63


def test_a_field_that_is_null_or_missing_is_an_empty_cell():
    body = b'{"customerId":"a","where":null,"event":{"type":"login","signup":null}}'
    row = flatten(body)
    assert {name for name, cell in zip(COLUMNS, row, strict=True) if cell} == {
        "customerId",
        "event.type",
    }
    assert as_text(None) == ""


def test_a_column_is_the_path_of_its_field_and_the_last_has_the_others():
    assert COLUMNS[:3] == ("customerId", "organizationId", "when.createdAt")
    assert COLUMNS[-1] == EXTRA
    assert len(set(COLUMNS)) == len(COLUMNS)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＠"])  # noqa: RUF001
def test_text_that_begins_as_a_formula_gets_an_apostrophe(start):
    assert as_harmless_text(f"{start}1") == f"'{start}1"
    assert as_text(f"{start}1") == f"{start}1"


@pytest.mark.parametrize("cell", ["guest", "a=1", "'=1", "", -5, 1.5, True, None])
def test_other_cells_stay_as_they_are(cell):
    assert as_harmless_text(cell) == as_text(cell)
