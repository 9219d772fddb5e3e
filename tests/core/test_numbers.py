"""Every JSON reader can read back what footfall accepts."""

import json
import math

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from footfall.core.events.acceptance import accept
from footfall.core.numbers import DIGITS_MAX, check_numbers
from footfall.errors import ItemRejected
from footfall.sources import reading

BEYOND = ["1e400", "-1e400", "1E+309", "9" * 400, "-" + "9" * 5_000, "1" * 300 + "e99"]
BEYOND += ["0." + "1" * DIGITS_MAX, "2e308", "1.8e308", "0.1e99999"]
FINE = [
    "1e308",
    "1e-400",
    "9" * 308,
    "0." + "1" * 400,
    "-0",
    "1E5",
    "1e0000001",
    "0e999",
]
PLACES = ['{"x":%s}', '{"x":[0,%s]}', '{"x": {"y" :\n%s}}', '{"x":[%s]}']


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("number", BEYOND)
def test_a_number_that_some_readers_cannot_read_is_refused(number, place):
    with pytest.raises(ValueError, match="send it as text"):
        check_numbers((place % number).encode())


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("number", FINE)
def test_other_numbers_are_accepted(number, place):
    check_numbers((place % number).encode())


def test_text_may_look_like_a_number():
    for text in [*BEYOND, "a1e400", "0e4000", ": 1e400", "9" * 9_999]:
        check_numbers(json.dumps({"x": text[:4_000].replace(" ", "")}).encode())


DIGITS = st.text("0123456789", min_size=1, max_size=400)
NUMBERS = st.builds(
    lambda sign, whole, part, exponent: (
        sign + whole.lstrip("0").rjust(1, "0") + part + exponent
    ),
    st.sampled_from(["", "-"]),
    DIGITS,
    st.just("") | DIGITS.map(lambda text: "." + text),
    st.just("") | st.integers(-500, 500).map(lambda number: f"e{number}"),
)


@given(NUMBERS)
@example("1e309")
def test_an_accepted_number_is_a_double_for_every_reader(number):
    raw = b'{"customerId":"a","event":{"type":"login"},"x":[%s]}' % number.encode()
    if math.isinf(float(number)):
        with pytest.raises(ItemRejected, match="send it as text"):
            accept(raw, "org", 0, lambda: "0" * 32)
        return
    made = accept(raw, "org", 0, lambda: "0" * 32)
    value = json.loads(made.body)["x"][0]
    assert math.isfinite(float(value))
    assert msgspec.json.decode(made.body)["x"][0] == value


@pytest.mark.parametrize("number", BEYOND)
def test_an_event_with_such_a_number_is_rejected_alone(number):
    raw = f'{{"customerId":"a","event":{{"type":"login"}},"x":{number}}}'.encode()
    with pytest.raises(ItemRejected, match="send it as text"):
        accept(raw, "org", 0, lambda: "0" * 32)


@pytest.mark.parametrize(
    "text", ['{"a":"\\ud800"}', '{"\\udc00":NaN}', '[NaN,"\\udfffx"]']
)
def test_no_decoder_accepts_a_lone_surrogate(text):
    with pytest.raises(ValueError, match=r"surrogate|JSON"):
        reading.read_json(text.encode())


@pytest.mark.parametrize("value", [10**400, -(10**400), math.nan, math.inf, 1e300])
def test_an_odd_number_is_refused_without_another_error(value):
    with pytest.raises(ValueError, match="since 1970"):
        reading.epoch_of(value)
    assert reading.signal_of(value) is None
