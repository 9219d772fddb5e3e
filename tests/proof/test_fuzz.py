"""Each decoder for a moment; a minute each is in `make proof`."""

import pytest

from tests.proof.fuzz import DECODERS, SLOWEST_S, fuzz


@pytest.mark.parametrize("name", DECODERS)
def test_a_decoder_makes_something_of_anything(name):
    found = fuzz(name, 0)
    assert found.failed == ""
    assert found.tried >= 400
    assert found.slowest_s < SLOWEST_S
