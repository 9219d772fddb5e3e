import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core import bodies
from footfall.errors import BodyInvalid

ITEMS = st.lists(
    st.dictionaries(st.text(), st.text() | st.integers(), max_size=3), min_size=1
)


@given(ITEMS)
def test_every_form_gives_the_same_items(items):
    forms = [
        (json.dumps(items, indent=2), False),
        (json.dumps({"status": "OK", "events": items, "count": 3}), False),
        ("\n".join(map(json.dumps, items)) + "\n\n", True),
    ]
    for text, lines in forms:
        found = bodies.split(text.encode(), lines=lines)
        assert [json.loads(item) for item in found] == items


def test_one_event_is_itself():
    assert bodies.split(b' {"a": 1} ') == [b'{"a": 1}']


@pytest.mark.parametrize("bad", [b'{"a":"\\ud800"}', b"[" * 10_000 + b"]" * 10_000])
@pytest.mark.parametrize("form", [b"[%s]", b'{"count":1,"events":[%s]}'])
def test_an_item_that_no_parser_takes_is_cut_out_alone(bad, form):
    body = form % b', {"x":"]}\\","} ,'.join([b'{"b":1}', bad, b'{"c":2}'])
    found = bodies.split(body)
    assert found == [b'{"b":1}', b'{"x":"]}\\","}', bad, b'{"x":"]}\\","}', b'{"c":2}']


@pytest.mark.parametrize(
    "body",
    [b"", b"  ", b"null", b"7", b'"text"', b"[1, 2", b"[1] 2", b"{", b'["a', b"\x00"]
    + [b"[]", b'{"events":[]}', b"[1,2]]", b'{"events":7}', b"not JSON"],
)
def test_what_has_no_items_is_refused(body):
    with pytest.raises(BodyInvalid):
        bodies.split(body)


def test_lines_are_not_judged():
    assert bodies.split(b'{"a":1}\nnope\n\n{"b":', lines=True) == [
        b'{"a":1}',
        b"nope",
        b'{"b":',
    ]


def test_an_unclosed_string_of_many_quotes_takes_no_longer_than_its_length():
    # Quadratic, this would take hours.
    with pytest.raises(BodyInvalid):
        bodies.split(b'["' + b'\\"' * 2_000_000)
