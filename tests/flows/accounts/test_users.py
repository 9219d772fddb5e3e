"""Who may sign in to a new installation."""

import pytest

from footfall import clock
from footfall.cli.serve import _say
from footfall.flows.accounts import tenants, users
from tests.shared import open_sqlite


@pytest.fixture
def store(tmp_path):
    opened = open_sqlite(tmp_path / "footfall.db")
    yield opened
    opened.close()


def add_organization(store, name):
    tenants.create_organization(store, name, name, clock.now())


def first_link(store):
    return users.first_link(store, clock.now())


def test_the_first_organization_gets_a_person_and_a_link(store):
    add_organization(store, "one")
    assert first_link(store)
    [person] = store.users.all()
    assert (person.organization, person.email) == ("one", users.FIRST_EMAIL)


def test_a_link_comes_at_each_start_until_there_is_a_password(store):
    add_organization(store, "one")
    assert first_link(store) != first_link(store)
    add_organization(store, "two")
    assert first_link(store)
    [person] = store.users.all()
    users.set_password(store, person, "correct horse battery", clock.now())
    assert first_link(store) is None


def test_of_several_organizations_none_gets_a_person_by_itself(store):
    add_organization(store, "one")
    add_organization(store, "two")
    assert first_link(store) is None
    assert store.users.all() == []


def test_users_lack_where_organizations_have_none(store):
    assert not users.lacks_users(store)
    add_organization(store, "one")
    add_organization(store, "two")
    assert users.lacks_users(store)
    users.create_user(store, users.Person("one", "ann@example.com"), clock.now())
    assert not users.lacks_users(store)


def test_a_start_says_how_somebody_can_sign_in(capsys):
    _say(None, "http://here", radius="", link=None, lacks_users=True)
    assert "footfall user create --organization ID" in capsys.readouterr().out


def test_a_start_links_to_the_address_that_browsers_open(capsys):
    _say("https://there", "http://here", radius="", link="x", lacks_users=False)
    assert "https://there/console/sign-in#x" in capsys.readouterr().out
