"""Each decoder for a moment; `make proof` gives each a minute."""

import pytest

from tests.proof.fuzz import DECODERS, SLOWEST_S, fuzz


@pytest.mark.parametrize("name", DECODERS)
def test_a_decoder_takes_any_input_without_an_unexpected_error(name):
    found = fuzz(name, 0)
    assert found.failed == ""
    assert found.tried >= 400
    assert found.slowest_s < SLOWEST_S
