"""The servers on one store divide its organizations."""

import asyncio

import pytest

from footfall.core.instants import SECOND
from footfall.runtime.jobs import LEASE, Share
from tests.shared import open_sqlite

ORGANIZATIONS = [f"organization {number}" for number in range(100)]


@pytest.fixture
def two(tmp_path):
    """The shares of two servers on one store, each of which knows the other."""
    store = open_sqlite(tmp_path / "footfall.db")
    shares = Share(store, "one"), Share(store, "two")
    renew(0, *shares, shares[0])
    yield shares
    store.close()


def renew(now, *shares):
    for share in shares:
        asyncio.run(share.renew(now))


def test_each_organization_is_of_one_server(two):
    one, other = two
    assert all(one.has(name) is not other.has(name) for name in ORGANIZATIONS)
    assert any(map(one.has, ORGANIZATIONS))
    assert any(map(other.has, ORGANIZATIONS))


def test_a_dead_servers_organizations_are_the_others_when_its_lease_is_over(two):
    _, other = two
    renew(LEASE, other)
    assert not all(map(other.has, ORGANIZATIONS))
    renew(LEASE + SECOND, other)
    assert all(map(other.has, ORGANIZATIONS))
