"""Bodies of mostly blanks mean the same once they are shortened."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core import blanks, bodies
from footfall.errors import BodyInvalid

MB = 1024 * 1024
TEXTS = st.text(st.sampled_from('a" \\\t\n,{}[]:é'))
VALUES = st.recursive(
    TEXTS | st.integers() | st.none(),
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
)


@given(VALUES, st.integers(0, 9))
def test_json_means_the_same(value, indent):
    body = json.dumps(value, indent=indent, ensure_ascii=False).encode()
    assert json.loads(blanks.shorten(body)) == value


@given(st.lists(st.dictionaries(TEXTS, TEXTS), min_size=1), st.randoms())
def test_lines_mean_the_same(values, rng):
    lines = [json.dumps(value) for value in values]
    body = "".join(line + rng.choice(["\n", "\r\n", "  \n\n\t"]) for line in lines)
    found = bodies.split(blanks.shorten(body.encode()), lines=True)
    assert [json.loads(item) for item in found] == values


def is_json(body):
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


@given(st.text(st.sampled_from('a1" \\\n,{}[]:')))
def test_what_is_json_stays_json_and_what_is_none_stays_none(text):
    body = text.encode()
    assert is_json(blanks.shorten(body)) == is_json(body)


@given(st.text(st.sampled_from('a" \\\n,{}[]:')))
def test_a_line_that_is_wrong_changes_no_other(text):
    good = b'{"a":"x   y"}'
    lines = b"%s\n%s\n" % (text.encode(), good)
    assert blanks.shorten(lines).splitlines()[-1] == good


def test_runs_of_blanks_become_one_and_texts_stay():
    body = b'[ \r\n \n  {"a  b":  "c \\"  d"},\t\t  1]'
    assert blanks.shorten(body) == b'[\n{"a  b": "c \\"  d"}, 1]'


@pytest.mark.parametrize("piece", [b'"', b'\\"', b"\\", b'"\\', b'" "', b'\n"'])
def test_no_body_takes_more_than_linear_time(piece):
    # A search that began anew at each quote would take hours.
    body = (piece + b"  " * len(piece)) * (MB // len(piece))
    assert len(blanks.shorten(body)) <= len(body)


def test_a_large_body_that_is_mostly_blanks_is_shortened():
    shorter = blanks.shortened(b"[1," + b" " * 5 * MB + b"2]")
    assert len(shorter) < 100
    assert json.loads(shorter) == [1, 2]


@pytest.mark.parametrize(
    "body",
    [b"[" + b" " * MB + b"]", b'["' + b"x" * 3 * MB + b'"' + b" " * 2 * MB + b"]"],
)
def test_a_small_body_or_one_of_fewer_blanks_is_left_as_it_is(body):
    assert blanks.shortened(body) is body


def test_a_body_of_blanks_alone_has_no_items():
    with pytest.raises(BodyInvalid, match="no events"):
        bodies.split(b"[" + b" " * 8 * MB + b"]")
