"""Endpoints, what waits for them and what was tried, on every engine."""

import msgspec
import pytest

from footfall.core.events.ids import key_of
from footfall.core.instants import DAY
from footfall.core.webhooks import EndpointState, Outcome
from footfall.store import Organization
from footfall.store.relational import webhooks as stored
from footfall.store.webhooks import (
    Attempt,
    DeliveryQuery,
    PendingDelivery,
    SealedSecret,
    Webhook,
    WebhookVersion,
)
from tests.store.test_contract import new

NOW = 10 * DAY


@pytest.fixture(autouse=True)
def organizations(store):
    for name in ("org", "other"):
        store.create_organization(Organization(name, name, 1)).result()


def webhook(name="w1", organization="org"):
    secrets = (SealedSecret(b"sealed"),)
    return Webhook(name, organization, "https://a.example/", 5, secrets)


def do(store, work, organization="org"):
    return store.transaction(organization, lambda t: work(t.webhooks)).result()


@pytest.fixture
def made(store):
    return do(store, lambda w: w.add(webhook(), EndpointState(position=7)))


def test_an_endpoint_is_found_in_its_own_organization_only(store, made):
    assert do(store, lambda w: w.find("w1")) == made
    assert do(store, lambda w: w.all()) == [made]
    assert do(store, lambda w: w.find("w1"), "other") is None
    assert do(store, lambda w: w.all(), "other") == []


def test_each_change_of_an_endpoint_is_a_new_version_but_none_of_its_state(store, made):
    assert store.webhook_versions() == [WebhookVersion("org", "w1", 1)]
    url = msgspec.structs.replace(made.webhook, url="https://b.example/")
    changed = do(store, lambda w: w.change(made, url, made.state))
    do(store, lambda w: w.put_state(made.number, EndpointState(position=9)))
    assert store.webhook_versions() == [WebhookVersion("org", "w1", 2)]
    found = do(store, lambda w: w.find("w1"))
    assert found == msgspec.structs.replace(changed, state=EndpointState(position=9))


def test_a_deleted_endpoint_leaves_nothing_that_waits(store, made):
    do(store, lambda w: w.put_pending(made.number, [PendingDelivery((1,), 1, 2, 2)]))
    do(store, lambda w: w.delete(made))
    assert do(store, lambda w: w.find("w1")) is None
    assert do(store, lambda w: w.count_pending(made.number)) == 0


def test_a_number_of_a_deleted_endpoint_is_never_given_again(store, made):
    do(store, lambda w: w.delete(made))
    again = do(store, lambda w: w.add(webhook("w2", "other"), EndpointState()), "other")
    assert again.number != made.number


def test_what_waits_is_due_in_its_order_and_not_before(store, made):
    waiting = [PendingDelivery((n, n + 1), 1, 50 - n, 50 - n) for n in (1, 2, 3)]
    do(store, lambda w: w.put_pending(made.number, waiting))
    assert do(store, lambda w: w.pending(made.number, 48, 9)) == [
        waiting[2],
        waiting[1],
    ]
    assert do(store, lambda w: w.pending(made.number, 49, 1)) == [waiting[2]]
    assert do(store, lambda w: w.first_pending(made.number)) == waiting[2]
    do(store, lambda w: w.delete_pending(made.number, [(3, 4)]))
    assert do(store, lambda w: w.first_pending(made.number)) == waiting[1]
    assert do(store, lambda w: w.count_pending(made.number)) == 2


def test_what_waits_already_waits_as_the_newer_says(store, made):
    first, second = (PendingDelivery((4,), n, n, n) for n in (1, 2))
    for one in (first, second):
        do(store, lambda w, one=one: w.put_pending(made.number, [one]))
    assert do(store, lambda w: w.pending(made.number, NOW, 9)) == [second]


def test_hastened_messages_are_due_within_the_spread_and_keep_their_schedule(
    store, made
):
    waiting = [PendingDelivery((n,), 3, NOW + n * DAY, NOW + n * DAY) for n in (1, 2)]
    soon = PendingDelivery((9,), 3, NOW + 5, NOW + 5)
    do(store, lambda w: w.put_pending(made.number, [*waiting, soon]))
    do(store, lambda w: w.hasten(made.number, NOW, 60, 5))
    found = do(store, lambda w: w.pending(made.number, NOW + 60, 9))
    assert {one.arrivals: one.retry_at for one in found} == {
        one.arrivals: one.retry_at for one in [*waiting, soon]
    }
    assert soon in found


def test_a_message_is_hastened_only_so_often(store, made):
    waiting = [PendingDelivery((n,), 3, NOW + DAY, NOW + DAY, n) for n in (4, 5)]
    do(store, lambda w: w.put_pending(made.number, waiting))
    do(store, lambda w: w.hasten(made.number, NOW, 60, 5))
    [found] = do(store, lambda w: w.pending(made.number, NOW + 60, 9))
    assert found.arrivals == (4,)


def attempt(event="e1", at=NOW, outcome=Outcome.DELIVERED, **more):
    contact = more.pop("contact", "guest")
    return Attempt(at, outcome, 1, 1, key_of(event), contact, 3, **more)


@pytest.fixture
def guests(store):
    events = [new(customerId=name) for name in ("guest", "ann")]
    store.append("org", events).result()


def log(store, made, **query):
    return do(store, lambda w: w.deliveries(made.number, DeliveryQuery(**query)))


def add(store, made, *attempts):
    do(store, lambda w: w.add_attempts(made.number, list(attempts)))


def test_attempts_are_found_newest_first_by_event_outcome_and_status(
    store, made, guests
):
    add(store, made, attempt(status=200, answer=b"ok"), attempt("e2", status=201))
    add(store, made, attempt("e2", outcome=Outcome.FAILED, reason="timeout"))
    add(store, made, attempt("e3", outcome=Outcome.GIVEN_UP, status=500))
    events = [one.event for one in log(store, made)]
    assert events == [key_of(name) for name in ("e3", "e2", "e2", "e1")]
    assert [one.reason for one in log(store, made, event=key_of("e2"))] == [
        "timeout",
        None,
    ]
    failed = log(store, made, outcomes=(Outcome.FAILED, Outcome.GIVEN_UP))
    assert [one.event for one in failed] == [key_of("e3"), key_of("e2")]
    assert [one.status for one in log(store, made, status=201)] == [201]
    [oldest] = log(store, made, before=log(store, made)[2].number)
    assert (oldest.answer, oldest.status, oldest.duration_ms) == (b"ok", 200, 3)
    assert do(store, lambda w: w.delivery(made.number, oldest.number)) == oldest
    assert do(store, lambda w: w.delivery(made.number + 1, oldest.number)) is None


def test_the_events_of_a_batch_share_one_answer(store, made, guests):
    add(
        store,
        made,
        attempt(answer=b"both"),
        attempt("e2", batched=True),
        attempt("e3", answer=b"alone"),
    )
    assert {one.event: one.answer for one in log(store, made)} == {
        key_of("e1"): b"both",
        key_of("e2"): b"both",
        key_of("e3"): b"alone",
    }


def test_an_erased_contact_is_out_of_the_log_and_out_of_the_answers(
    store, made, guests
):
    add(
        store,
        made,
        attempt(answer=b"of guest and ann"),
        attempt("e2", batched=True, contact="ann"),
        attempt("e3", answer=b"of guest"),
        attempt("e4", answer=b"of ann", contact="ann"),
    )
    store.erase("org", "ann").result()
    found = {one.event: one.answer.strip(b"\0") for one in log(store, made)}
    assert found == {key_of("e1"): b"", key_of("e3"): b"of guest"}


def test_an_attempt_for_a_contact_that_was_erased_meanwhile_leaves_no_trace(
    store, made, guests
):
    store.erase("org", "ann").result()
    add(
        store,
        made,
        attempt("e1", answer=b"of ann", contact="ann"),
        attempt("e2", answer=b"of ann and guest", contact="ann"),
        attempt("e3", batched=True),
    )
    assert [(one.event, one.answer) for one in log(store, made)] == [
        (key_of("e3"), b"")
    ]


def test_attempts_are_forgotten_after_their_time(store, made, guests):
    add(store, made, attempt("e1", at=1), attempt("e2", at=NOW))
    while store.forget(0, NOW).result():
        pass
    assert [one.event for one in log(store, made)] == [key_of("e2")]


def test_the_oldest_attempts_of_too_many_are_forgotten(
    store, made, guests, monkeypatch
):
    add(store, made, *(attempt(f"e{n}") for n in range(5)))
    monkeypatch.setattr(stored, "DELIVERIES_MAX", 2)
    do(store, lambda w: w.forget_surplus(made.number))
    assert [one.event for one in log(store, made)] == [key_of("e4"), key_of("e3")]
