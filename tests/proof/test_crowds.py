import asyncio

import pytest

from tests.proof import crowds


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    made = crowds.ServedStore(tmp_path_factory.mktemp("crowd"), events=3_000)
    yield made
    made.close()


def test_connections_that_trickle_hurt_no_one_else(place):
    found = asyncio.run(crowds.tricklers(place, 300, 6))
    assert found.requests > 50
    assert found.failed == 0


def test_many_at_once_all_get_their_answer(place):
    assert asyncio.run(crowds.all_at_once(place, 300)).failed == 0


def test_clients_that_never_read_take_little_memory(place):
    before = place.peak_mb()
    found = asyncio.run(crowds.never_reading(place, 60, 2))
    assert found.failed == 0
    # Their answers are 1.8 MB each.
    assert found.peak_mb - before < 80
