"""What every engine must do; the `store` fixture brings each in turn."""

import contextlib
import json
import queue
import secrets
import threading

import pytest

from footfall import service
from footfall.core.access import Role, Service
from footfall.core.events import acceptance
from footfall.core.queries import EventQuery, Position, Separator, Sort
from footfall.errors import AlreadyExists, ContactUnknown, OrganizationUnknown
from footfall.store import Appended, Credential, Entries, Organization
from footfall.store.transaction import StoredRejection
from tests.conftest import event


def new(event_id=None, **changes):
    return accept(event(event_id, **changes))


def accept(value):
    raw = json.dumps(value).encode()
    return acceptance.accept(raw, "org", 0, lambda: secrets.token_hex(16))


@pytest.fixture(autouse=True)
def organizations(store):
    store.create_organization(Organization("org", "Org", 1)).result()
    store.create_organization(Organization("other", "Other", 2)).result()


def bodies(page):
    return json.loads(b"[" + page.body + b"]")


def test_what_is_appended_is_read_back_as_the_same_bytes(store):
    made = [new() for _ in range(3)]
    assert store.append("org", made).result() == Appended(3)
    page = store.page(EventQuery("org", sort=Sort.RECEIVED_TIME))
    assert page.body == b",".join(e.body for e in made)
    assert (page.count, page.has_more) == (3, False)


def test_a_page_can_have_a_line_for_each_event(store):
    made = [new(text="a\nb"), new()]
    store.append("org", made).result()
    query = EventQuery("org", sort=Sort.RECEIVED_TIME, separator=Separator.LINE_BREAK)
    assert store.page(query).body.split(b"\n") == [e.body for e in made]


def test_an_empty_store_has_an_empty_page(store):
    page = store.page(EventQuery("org"))
    assert (page.count, page.body, page.last, page.has_more) == (0, b"", None, False)


def test_an_event_sent_again_is_a_duplicate(store):
    made = [new(), new()]
    store.append("org", made).result()
    again = store.append("org", [*made, new()]).result()
    assert again == Appended(accepted=1, duplicates=2)
    assert store.page(EventQuery("org")).count == 3


def test_an_event_twice_in_one_batch_is_stored_once(store):
    made = new()
    assert store.append("org", [made, made]).result() == Appended(1, 1)


def test_other_content_under_a_stored_id_is_a_conflict_and_the_first_stays(store):
    store.append("org", [new("id", extra=1)]).result()
    result = store.append("org", [new(), new("id", extra=2)]).result()
    assert result == Appended(accepted=1, conflicts=(1,))
    assert [b.get("extra") for b in bodies(store.page(EventQuery("org")))] == [1, None]


def test_the_same_id_in_two_organizations_is_two_events(store):
    made = new("id")
    assert store.append("org", [made]).result() == Appended(1)
    assert store.append("other", [made]).result() == Appended(1)


def test_appending_to_an_unknown_organization_stores_nothing(store):
    with pytest.raises(OrganizationUnknown):
        store.append("nobody", [new()]).result()


def test_a_refused_append_does_not_hurt_those_that_share_its_commit(store):
    futures = []
    for _ in range(50):
        futures.append(store.append("org", [new()]))
        futures.append(store.append("nobody", [new()]))
    done = [f.exception() is None for f in futures]
    assert done == [True, False] * 50
    assert store.page(EventQuery("org", size=100)).count == 50


def test_many_threads_append_at_once_and_nothing_is_lost(store):
    def work():
        for _ in range(20):
            store.append("org", [new(), new()]).result()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.page(EventQuery("org", size=1_000)).count == 320


def test_the_bound_hides_what_arrived_after_it(store):
    store.append("org", [new("a"), new("b")]).result()
    first = store.page(EventQuery("org", size=1))
    store.append("org", [new("c")]).result()
    rest = store.page(EventQuery("org"), first.last, first.newest)
    assert [b["event"]["id"] for b in bodies(rest)] == ["b"]
    assert not rest.has_more


def test_pages_follow_each_other_through_equal_keys(store):
    ids = [f"id-{n}" for n in range(10)]
    store.append("org", [new(id_) for id_ in ids]).result()
    for sort in Sort:
        for reverse in (False, True):
            place, seen = None, []
            while True:
                query = EventQuery("org", sort=sort, reverse=reverse, size=3)
                page = store.page(query, place)
                seen += [b["event"]["id"] for b in bodies(page)]
                place = page.last
                if not page.has_more:
                    break
            assert seen == (ids[::-1] if reverse else ids)


def test_a_contact_never_seen_is_unknown(store):
    store.append("other", [new(customerId="theirs")]).result()
    for contact in ("nobody", "theirs"):
        with pytest.raises(ContactUnknown):
            store.page(EventQuery("org", contact))
        with pytest.raises(ContactUnknown):
            store.erase("org", contact).result()


def test_erasing_tells_what_was_erased_and_leaves_the_others(store):
    visit = {"type": "visit", "id": "v"}
    made = [new(), new(), accept(event(event=visit)), new("x", customerId="other")]
    store.append("org", made).result()
    store.append("other", [new("theirs")]).result()
    # Whether bytes are pending depends on who else uses PostgreSQL's database.
    assert store.erase("org", "guest").result().counts == {2: 2, 3: 1}
    assert [b["event"]["id"] for b in bodies(store.page(EventQuery("org")))] == ["x"]
    assert store.page(EventQuery("other")).count == 1
    with pytest.raises(ContactUnknown):
        store.page(EventQuery("org", "guest"))


def test_an_erased_contact_can_come_again(store):
    made = new("id")
    store.append("org", [made]).result()
    store.erase("org", "guest").result()
    assert store.append("org", [made]).result() == Appended(1)
    assert store.page(EventQuery("org", "guest")).count == 1


def test_arrival_numbers_are_never_given_twice(store):
    store.append("org", [new()]).result()
    before = store.page(EventQuery("org")).newest
    store.erase("org", "guest").result()
    store.append("org", [new("later")]).result()
    query = EventQuery("org", sort=Sort.RECEIVED_TIME)
    assert store.page(query, Position(before, before)).count == 1


def test_an_organization_id_is_taken_once(store):
    with pytest.raises(AlreadyExists):
        store.create_organization(Organization("org", "Again", 3)).result()
    assert [o.name for o in store.organizations()] == ["Org", "Other"]


def test_services_are_kept_found_and_revoked(store):
    made = Service("ck", "org", Role.PUBLIC_APP, ("events_read", "events_write"), 5)
    store.create_service(made, b"hash").result()
    assert store.credential("ck") == Credential(made, b"hash", token_revoked=False)
    assert store.credential("kc") is None
    assert (store.services("org"), store.services("other")) == ([made], [])
    assert store.revoke_service("ck", 7).result()
    assert store.services()[0].revoked_at == 7
    assert not store.revoke_service("kc", 7).result()


def test_a_service_needs_its_organization(store):
    made = Service("ck", "nobody", Role.PUBLIC_APP, (), 5)
    with pytest.raises(OrganizationUnknown):
        store.create_service(made, b"").result()


def test_a_revoked_token_stays_revoked_until_it_expires(store):
    store.create_service(Service("ck", "org", Role.PUBLIC_APP, (), 5), b"").result()

    def revoked():
        found = [store.credential("ck", token_id) for token_id in ("a", "b")]
        return [credential and credential.token_revoked for credential in found]

    store.revoke_token("a", expires_at=10, now=0).result()
    assert revoked() == [True, False]
    store.revoke_token("b", expires_at=30, now=20).result()
    assert revoked() == [False, True]


def test_an_append_of_nothing_stores_nothing(store):
    assert store.append("org", []).result() == Appended(0)


def test_the_store_reports_that_it_is_healthy(store):
    assert store.check_health()["problems"] == []


def test_arrival_numbers_are_the_organizations_own(store):
    for number in range(3):
        store.append("org", [new(), new()]).result()
        store.append("other", [new()]).result()
        assert store.page(EventQuery("org")).newest == 2 * number + 2
        assert store.page(EventQuery("other")).newest == number + 1
    page = store.page(EventQuery("org", sort=Sort.RECEIVED_TIME, size=3))
    assert page.last == Position(3, 3)


def test_a_bound_between_two_appends_hides_exactly_what_came_later(store):
    ids = []
    for number in range(6):
        store.append("other", [new()]).result()
        store.append("org", [new(f"id-{number}")]).result()
        ids.append(f"id-{number}")
    for bound in range(8):
        for after in range(8):
            place = Position(after, after)
            query = EventQuery("org", sort=Sort.RECEIVED_TIME)
            found = bodies(store.page(query, place, bound))
            assert [one["event"]["id"] for one in found] == ids[after:bound]


def test_a_lease_is_one_holders_until_it_ends_or_is_given_up(store):
    def take(holder, now, job="job"):
        return store.take_lease(job, holder, now, now + 10).result()

    assert take("a", 0)
    assert take("a", 5)
    assert not take("b", 15)
    assert take("b", 15, job="other")
    assert take("b", 16)
    assert not take("a", 20)
    store.give_up_leases("b").result()
    assert take("a", 21)


def test_the_servers_that_are_there_hold_leases_of_their_own_names(store):
    for server, until in (("a", 10), ("b", 20)):
        store.take_lease(server, server, 0, until).result()
    store.take_lease("job", "a", 0, 10).result()
    assert sorted(store.servers(10)) == ["a", "b"]
    assert store.servers(11) == ["b"]
    store.give_up_leases("b").result()
    assert store.servers(11) == []


def entries(store, after=0, **changes):
    return store.entries(EventQuery("org", **changes), after)


def test_the_log_has_each_event_with_its_arrival_number(store):
    store.append("other", [new()]).result()
    made = [new() for _ in range(3)]
    for one in made:
        store.append("org", [one]).result()
        store.append("other", [new()]).result()
    log = entries(store)
    assert [(e.arrival, e.body) for e in log.found] == [
        (number, one.body) for number, one in enumerate(made, 1)
    ]
    assert log.end == 3
    assert [e.arrival for e in entries(store, after=2).found] == [3]


def test_a_full_part_of_the_log_ends_at_its_last_entry_and_the_last_part_at_the_newest(
    store,
):
    store.append("org", [new() for _ in range(5)]).result()
    part = entries(store, size=2, after=1)
    assert ([e.arrival for e in part.found], part.end) == ([2, 3], 3)
    assert entries(store, size=10, contact="guest").end == 5
    assert entries(store, after=5).found == []
    assert entries(store, after=5).end == 5


def test_the_log_can_be_of_some_types_and_of_one_contact(store):
    kinds = ({"type": "login"}, {"type": "arriving"})
    made = [
        new(customerId=who, event=kind | {"id": secrets.token_hex(16) + "l"})
        for who in ("ann", "bob")
        for kind in kinds
    ]
    store.append("org", made).result()
    login = made[0].type
    assert [e.arrival for e in entries(store, types=(login,)).found] == [1, 3]
    assert [e.arrival for e in entries(store, contact="bob").found] == [3, 4]
    assert [e.arrival for e in entries(store, contact="bob", types=(login,)).found] == [
        3
    ]


def test_the_log_of_a_contact_that_was_never_seen_is_empty_up_to_the_newest(store):
    store.append("org", [new()]).result()
    assert entries(store, contact="nobody") == Entries([], 1)


def test_the_newest_arrivals_are_those_of_the_organizations_that_are_asked_for(store):
    store.append("org", [new(), new()]).result()
    store.append("other", [new()]).result()
    assert store.newest_arrivals(["org", "nobody"]) == {"org": 2}


def test_whoever_watches_is_woken_with_the_organization_that_was_written(store):
    woken: queue.Queue[str | None] = queue.Queue()
    end = store.watch(woken.put)
    store.append("org", [new()]).result()
    while woken.get(timeout=10) != "org":
        pass
    end()


def test_a_commit_of_another_process_wakes_those_that_watch(store, chosen):
    woken: queue.Queue[str | None] = queue.Queue()
    end = store.watch(woken.put)
    with contextlib.closing(service.open_store(chosen)) as other:
        while True:  # the first may be told before this store listens
            other.append("org", [new()]).result()
            with contextlib.suppress(queue.Empty):
                assert woken.get(timeout=1) in ("org", None)
                break
    end()


def test_a_rejection_is_kept_whatever_it_is_about(store):
    rejection = StoredRejection("source", 1, "'a\0b' is no location", "\0")
    store.transaction(
        "org", lambda transaction: transaction.sources.add_rejections([rejection])
    ).result()
    [kept] = store.read("org", lambda transaction: transaction.sources.rejections(9))
    assert (kept.reason, kept.body) == ("'a�b' is no location", "\0")
