import pytest

from footfall.core import access
from footfall.core.access import Grant, Role, Service
from footfall.errors import Invalid, NotAllowed


def grant(role=Role.ORGANIZATION_MANAGER, scopes=("organization_read",)):
    return Grant(Service("ck", "org", role, scopes, 0), "t", 1)


@pytest.mark.parametrize("scope", ["events_read", "organization_read"])
def test_either_scope_reads_events(scope):
    access.check(grant(scopes=(scope,)), access.READ_EVENTS, "org")


@pytest.mark.parametrize(
    "scope", ["events_write", "organization_write", "customer_read", "location_read"]
)
def test_other_scopes_do_not_read_events(scope):
    with pytest.raises(NotAllowed, match="events_read or organization_read"):
        access.check(grant(scopes=(scope,)), access.READ_EVENTS, "org")


@pytest.mark.parametrize("role", [Role.LOCATION_MANAGER, Role.PUBLIC_APP])
def test_other_roles_do_not_read_events(role):
    with pytest.raises(NotAllowed, match="Organization Manager"):
        access.check(grant(role), access.READ_EVENTS, "org")


def test_another_organization_is_not_allowed():
    with pytest.raises(NotAllowed, match="not for the organization"):
        access.check(grant(), access.READ_EVENTS, "other")


def test_only_scopes_that_exist_are_granted():
    access.check_scopes(access.SCOPES)
    for scopes in ((), ("events",), ("events_read", "Events_read")):
        with pytest.raises(Invalid, match="events_read"):
            access.check_scopes(scopes)


def test_roles_are_read_by_their_names():
    assert [access.parse_role(role.value) for role in Role] == list(Role)
    with pytest.raises(Invalid, match="Location Manager"):
        access.parse_role("admin")
