"""Facts of events: as usual, and as odd as what may be sent."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core import facts
from footfall.core.facts import RawFact, read_fact
from footfall.core.instants import EARLIEST, LATEST, SECOND
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


FACTS = st.tuples(
    *[st.integers(0, 2**32 - 1)] * 4,
    st.integers(0, 12 * SECOND) | st.integers(EARLIEST, LATEST - 1),
)


@given(st.lists(FACTS, max_size=60), st.booleans())
def test_facts_cut_into_blocks_are_all_there_in_order(sent, newest):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(facts, "BLOCK_MAX", 5)
        blocks = facts.cut(facts.pack(sent), newest=newest)
    joined = facts.join(blocks)
    columns = ("contact", "place", "hotspot", "dwell", "second")
    found = zip(*[joined[name].tolist() for name in columns], strict=True)
    expected = [(*fact[:4], fact[4] // SECOND) for fact in sent]
    assert sorted(found) == sorted(expected)
    assert joined["second"].tolist() == sorted(fact[4] for fact in expected)
    keys = [(block.start, block.part) for block in blocks]
    assert keys == sorted(set(keys))
    last = None
    for block in blocks:
        seconds = facts.unpack(block)["second"].tolist()
        assert len(seconds) <= 5
        assert seconds[0] == block.start
        # A second's facts are in one block, or in blocks that start with it.
        assert seconds[0] != last or block.part > 0
        last = seconds[-1]


def test_the_newest_facts_fill_their_blocks():
    sent = [(1, 0, 0, 0, n * SECOND) for n in range(facts.BLOCK_MAX + 1)]
    sizes = {
        newest: [
            len(facts.unpack(one)) for one in facts.cut(facts.pack(sent), newest=newest)
        ]
        for newest in (True, False)
    }
    most = facts.BLOCK_MAX
    assert sizes == {True: [most, 1], False: [most // 2, most // 2 + 1]}


def test_a_column_that_was_not_read_is_not_empty():
    [block] = facts.cut(facts.pack([(1, 2, 3, 4, 5)]), newest=True)
    part = facts.join([msgspec.structs.replace(block, dwells=None)])
    assert part["hotspot"].tolist() == [3]
    with pytest.raises(KeyError):
        part["dwell"]


def test_a_column_takes_as_few_bytes_as_its_largest_number_needs():
    for largest, width in ((255, 1), (256, 2), (65_535, 2), (65_536, 4)):
        [block] = facts.cut(facts.pack([(1, largest, 0, 0, 0)] * 3), newest=True)
        assert len(block.places) == 3 * width
        assert len(block.contacts) == 3 * 4
