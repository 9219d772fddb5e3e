import pytest

from tests.flows.world import World


@pytest.fixture
def world(store):
    return World(store)
