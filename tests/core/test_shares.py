"""Servers divide organizations without asking each other."""

from collections import Counter

from footfall.core.shares import server_of

ORGANIZATIONS = [f"organization {number}" for number in range(1_000)]
SERVERS = ["a", "b", "c", "d"]


def test_an_organization_is_the_same_servers_in_whatever_order_they_are_known():
    for organization in ORGANIZATIONS:
        assert server_of(organization, SERVERS) == server_of(
            organization, SERVERS[::-1]
        )


def test_the_shares_are_about_equal():
    shares = Counter(server_of(one, SERVERS) for one in ORGANIZATIONS)
    assert set(shares) == set(SERVERS)
    assert max(shares.values()) < 2 * min(shares.values())


def test_when_a_server_dies_only_its_organizations_move():
    for organization in ORGANIZATIONS:
        before = server_of(organization, SERVERS)
        after = server_of(organization, SERVERS[1:])
        assert after == before or before == SERVERS[0]


def test_nobody_has_an_organization_while_no_server_is_there():
    assert server_of("organization", []) is None
