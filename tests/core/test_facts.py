"""Facts of events: as usual, and as odd as what may be sent."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core import facts
from footfall.core.facts import RawFact, read_fact
from tests.conftest import EXAMPLE

VALUES = (
    st.none() | st.booleans() | st.integers(-5, 10**12) | st.floats(-1e9, 1e9)
    | st.text(max_size=3) | st.lists(st.integers(), max_size=1)
)  # fmt: skip


def parts(*names):
    return VALUES | st.fixed_dictionaries({}, optional=dict.fromkeys(names, VALUES))


EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "event": st.fixed_dictionaries({}, optional={"visit": parts("duration")})
        | VALUES,
        "where": parts("locationId", "hotspotId"),
        "when": parts("timezone"),
    },
)


@pytest.mark.parametrize("event", EXAMPLE)
def test_the_examples_facts_are_what_its_fields_say(event):
    minutes = event["event"].get("visit", {}).get("duration", 0)
    assert read_fact(json.dumps(event).encode()) == RawFact(
        event["where"].get("locationId") or "",
        event["where"].get("hotspotId") or "",
        event["when"].get("timezone") or "",
        int(minutes * 60),
    )


@given(EVENTS)
def test_a_usual_event_and_an_odd_one_are_read_alike(event):
    body = msgspec.json.encode(event)
    assert read_fact(body) == facts._read_odd(msgspec.json.decode(body))
