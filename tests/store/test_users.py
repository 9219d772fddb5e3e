"""Users of the console in a store, on both engines."""

import pytest

from footfall.core.access import Role, User
from footfall.errors import AlreadyExists, OrganizationUnknown
from footfall.store import Organization
from footfall.store.users import SignedIn

ANN = User(
    "user-1", "org", "ann@example.com", "Ann", Role.LOCATION_MANAGER, ("a", "b"), 5,
    locations=("bar",),
)  # fmt: skip


@pytest.fixture(autouse=True)
def organization(store):
    store.create_organization(Organization("org", "Org", 1)).result()
    store.users.add(ANN).result()


def signed_in(store, key="us-1", digest=b"d", until=100):
    store.users.begin_session(SignedIn(key, ANN, until), digest, 10).result()


def test_a_user_is_found_by_its_email_and_has_no_password_at_first(store):
    [account] = store.users.of_email("ann@example.com")
    assert (account.user, account.password_hash) == (ANN, None)
    assert store.users.all("org") == store.users.all() == [ANN]
    assert store.users.all("other") == []


def test_an_email_is_unique_in_an_organization(store):
    store.create_organization(Organization("other", "Other", 2)).result()
    with pytest.raises(AlreadyExists):
        store.users.add(User(**as_dict(ANN, id="user-2"))).result()
    store.users.add(User(**as_dict(ANN, id="user-2", organization="other"))).result()
    assert len(store.users.of_email("ann@example.com")) == 2
    with pytest.raises(OrganizationUnknown):
        store.users.add(User(**as_dict(ANN, id="user-3", organization="no"))).result()


def as_dict(user, **changes):
    return {name: getattr(user, name) for name in user.__struct_fields__} | changes


def test_a_session_lets_its_key_in_as_a_service_until_it_ends(store):
    signed_in(store)
    assert store.users.session(b"d", 99) == SignedIn("us-1", ANN, 100)
    assert store.users.session(b"d", 100) is None
    service = store.credential("us-1").service
    assert (service.role, service.scopes, service.locations) == (
        Role.LOCATION_MANAGER,
        ("a", "b"),
        ("bar",),
    )
    store.users.end_session("us-1").result()
    assert store.credential("us-1") is None
    assert store.users.session(b"d", 50) is None


def test_a_new_password_ends_all_sessions(store):
    signed_in(store)
    assert store.users.change_password("user-1", "hash", 20).result()
    assert store.credential("us-1") is None
    assert store.users.of_email("ann@example.com")[0].password_hash == "hash"
    assert not store.users.change_password("nobody", "hash", 20).result()


def test_a_revoked_user_has_no_session_no_link_and_no_password(store):
    signed_in(store)
    store.users.change_password("user-1", "hash", 5).result()
    store.users.add_link(b"l", "user-1", 100).result()
    assert store.users.revoke("user-1", 20).result()
    assert store.users.of_email("ann@example.com") == []
    assert store.users.take_link(b"l", 30).result() is None
    assert store.users.all()[0].revoked_at == 20
    assert not store.users.change_password("user-1", "hash", 30).result()


def test_a_link_signs_in_once_and_before_its_end(store):
    store.users.add_link(b"l", "user-1", 100).result()
    store.users.add_link(b"late", "user-1", 100).result()
    assert store.users.take_link(b"l", 99).result() == ANN
    assert store.users.take_link(b"l", 99).result() is None
    assert store.users.take_link(b"late", 100).result() is None


def test_sessions_that_have_ended_are_forgotten(store):
    signed_in(store, "us-1", b"1", until=11)
    store.users.begin_session(SignedIn("us-2", ANN, 200), b"2", 50).result()
    assert store.credential("us-1") is None
    assert store.credential("us-2") is not None


def test_a_revoked_person_can_be_made_again_without_its_password(store):
    store.users.change_password("user-1", "hash", 5).result()
    store.users.revoke("user-1", 20).result()
    again = User(**as_dict(ANN, id="user-2", name="Ann again"))
    assert store.users.add(again).result() == "user-1"
    [account] = store.users.of_email("ann@example.com")
    assert (account.user.name, account.password_hash) == ("Ann again", None)


def test_no_session_begins_with_a_password_that_was_changed_meanwhile(store):
    store.users.change_password("user-1", "old", 5).result()
    session = SignedIn("us-1", ANN, 100)
    store.users.change_password("user-1", "new", 6).result()
    assert not store.users.begin_session(session, b"d", 10, "old").result()
    assert store.users.begin_session(session, b"d", 10, "new").result()


def test_a_new_password_uses_open_links_up(store):
    store.users.add_link(b"l", "user-1", 100).result()
    store.users.change_password("user-1", "hash", 5).result()
    assert store.users.take_link(b"l", 30).result() is None
