import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core import bodies
from footfall.errors import BodyInvalid, TooLarge

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


def test_a_single_event_is_one_item():
    assert bodies.split(b' {"a": 1} ') == [b'{"a": 1}']


@pytest.mark.parametrize("bad", [b"[" * 10_000, b"nope", b"{]"])
@pytest.mark.parametrize("form", [b"[%s]", b'{"count":1,"events":[%s]}'])
def test_a_body_that_is_not_json_as_a_whole_is_refused(bad, form):
    with pytest.raises(BodyInvalid, match="not JSON"):
        bodies.split(form % b",".join([b'{"b":1}', bad]))


def test_an_item_with_a_lone_surrogate_is_cut_out_of_an_array_alone():
    items = [b'{"b":1}', b'{"a":"\\ud800"}', b'{"x":"]}\\","}']
    assert bodies.split(b"[%s]" % b" , ".join(items)) == items


# Each has more commas than footfall decodes at once.
WIDE = b"[" + b"0," * 100_000 + b"0]"


@pytest.mark.parametrize("form", [b"[%s]", b' { "count" : 1, "events" : [%s] } '])
def test_a_body_of_many_commas_has_the_same_items(form):
    items = [b'{"a":"],\\"[","b":%s}' % WIDE] * 6
    body = form % b" ,\n ".join(items)
    assert bodies.may_have_more(body, 10)
    assert bodies.split(body, count_max=10) == items


@pytest.mark.parametrize(
    "end", [b"", b",", b"]]", b"] 1", b"[", b" nope]", b'"]', b",]", b"}"]
)
def test_a_body_of_many_commas_is_checked_as_others_are(end):
    body = b"[" + b",".join([b'{"b":%s}' % WIDE] * 6)
    with pytest.raises(BodyInvalid, match="not JSON"):
        bodies.split(body + end, count_max=10)


@pytest.mark.parametrize(
    ("item", "lines"),
    [
        (b"[],", False),
        (b"{},", False),
        (b"0,", False),
        (b'"",', False),
        (b"{}\n", True),
    ],
)
def test_items_are_counted_while_they_are_cut(item, lines, monkeypatch):
    body = item * 1_000_000
    body = body if lines else b"[" + body[:-1] + b"]"
    # It is not decoded as a whole, so there is no list of a million.
    monkeypatch.setattr(bodies, "_array", None)
    with pytest.raises(TooLarge, match="events in one request; at most 10000"):
        bodies.split(body, lines=lines, count_max=10_000)


def test_a_body_may_have_as_many_items_as_allowed():
    body = b"[" + b"{}," * 9_999 + b"{}]"
    assert len(bodies.split(body, count_max=10_000)) == 10_000
    with pytest.raises(TooLarge):
        bodies.split(body, count_max=9_999)


@pytest.mark.parametrize(
    "body",
    [b"", b"  ", b"null", b"7", b'"text"', b"[1, 2", b"[1] 2", b"{", b'["a', b"\x00"]
    + [b"[]", b'{"events":[]}', b"[1,2]]", b'{"events":7}', b"not JSON"],
)
def test_a_body_without_items_is_refused(body):
    with pytest.raises(BodyInvalid):
        bodies.split(body)


def test_lines_are_not_checked():
    assert bodies.split(b'{"a":1}\nnope\n\n{"b":', lines=True) == [
        b'{"a":1}',
        b"nope",
        b'{"b":',
    ]


def test_an_unclosed_string_of_many_quotes_takes_linear_time():
    # In quadratic time it would take hours.
    with pytest.raises(BodyInvalid):
        bodies.split(b'["' + b'\\"' * 2_000_000)
