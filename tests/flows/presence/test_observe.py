"""Presence on a real store: what goes in, and the events that footfall makes."""

import json
import random
import secrets
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from footfall import clock, service
from footfall.core import instants
from footfall.core.instants import DAY, MINUTE
from footfall.core.observations import (
    Login,
    Observation,
    PlaceReference,
    SourceBatch,
    digest,
)
from footfall.core.places import Hotspot, Location, PresenceSettings
from footfall.core.queries import EventQuery, Sort
from footfall.core.stays import Rules, close_if_due, runs
from footfall.errors import StoreError
from footfall.flows.accounts import tenants
from footfall.flows.analytics import update
from footfall.flows.presence import observe
from footfall.flows.presence.forget import forget
from footfall.flows.presence.recompute import recompute
from tests.conftest import EXAMPLE
from tests.flows.world import ANN, BOB, LATER, MADE_UP, START, World, seen
from tests.shared import heard_at, statements_run


def test_an_unknown_device_makes_no_events(world):
    assert world.hear(ANN, 0, 5, 10).observed == 3
    assert world.events() == []


def test_a_login_makes_signup_arriving_and_login_in_one_second(world):
    world.log_in("ann", ANN, 0)
    kinds = [e["event"]["type"] for e in world.events()]
    assert kinds == ["signup", "arriving", "login"]
    assert {e["when"]["createdAt"] for e in world.events()} == {"2026-05-01T10:00:00Z"}
    assert len({e["customerId"] for e in world.events()}) == 1


def test_the_seeds_visit_is_what_the_rules_make(store):
    """Four logins from 18:41:09 on; 18:56:23 is when the device was last heard."""
    expected = [
        {key: e[key] for key in ("where", "when")} | {"type": e["event"]["type"]}
        for e in EXAMPLE
        if e["when"]["createdAt"].startswith("2022-07-21T18:")
        and e["event"]["type"] in ("arriving", "login", "visit")
    ]
    [visit] = [e["event"]["visit"] for e in EXAMPLE if e["event"]["type"] == "visit"]
    place = expected[0]["where"]
    with World(store) as world:
        world.store.transaction(
            "org", lambda transaction: register(transaction, place)
        ).result()
        reference = PlaceReference(hotspot=place["hotspotId"])
        times = [e["when"]["createdAt"] for e in expected if e["type"] == "login"]
        logins = [
            Login(
                instants.parse_instant(at),
                reference,
                (("username", "ivan"),),
                ANN,
                str(n),
            )
            for n, at in enumerate(times)
        ]
        last = instants.parse_instant(expected[-1]["when"]["createdAt"])
        world.take(SourceBatch([Observation(last, reference, ANN)], logins), LATER)
        world.close()
        made = world.events()[1:]
        assert {e["when"].pop("utcOffset") for e in made} == {"-07:00"}
        found = [
            {key: e[key] for key in ("where", "when")} | {"type": e["event"]["type"]}
            for e in made
        ]
        assert found == expected
        assert made[-1]["event"]["visit"] == visit


def register(transaction, place):
    transaction.registry.put_location(
        Location(place["locationId"], place["locationName"], "America/Los_Angeles"),
        PresenceSettings(),
    )
    transaction.registry.put_hotspot(
        Hotspot(place["hotspotId"], "AP", place["locationId"])
    )


def test_arriving_appears_at_once_and_the_visit_once_it_is_over(world):
    now = START + 3 * MINUTE
    world.log_in("ann", ANN, 0, now=now)
    assert len(world.events("arriving")) == 1
    world.hear(ANN, 10, now=START + 10 * MINUTE)
    world.close(START + 25 * MINUTE)
    assert world.visits() == []
    world.close(START + 25 * MINUTE + 1)
    assert world.visits() == [("ann", "cafe", 0, 10)]


def test_a_stay_that_went_on_is_checked_again(world):
    world.log_in("ann", ANN, 0, now=START)
    world.hear(ANN, 14, now=START + 14 * MINUTE)
    world.close(START + 16 * MINUTE)
    assert world.visits() == []
    world.close(START + 30 * MINUTE)
    assert world.visits() == [("ann", "cafe", 0, 14)]


def test_a_repeated_login_makes_the_same_events(world):
    world.log_in("ann", ANN, 0)
    before = world.events()
    world.log_in("ann", ANN, 0)
    assert world.events() == before


def test_two_logins_of_a_contact_in_one_second_are_two_events(world):
    world.log_in("ann", ANN, 0, session="1")
    world.log_in("ann", ANN, 0, session="2")
    world.log_in("ann", BOB, 0, session="2")
    assert len(world.events("login")) == 3
    assert len(world.events("signup")) == 1


def test_several_devices_of_a_contact_are_one_presence(world):
    world.log_in("ann", ANN, 0)
    world.log_in("ann", BOB, 1)
    world.hear(ANN, 5)
    world.hear(BOB, 16)
    world.close()
    assert world.visits() == [("ann", "cafe", 0, 16)]
    assert len(world.events("arriving")) == 1


def test_a_device_at_two_locations_has_a_stay_at_each(world):
    world.log_in("ann", ANN, 0)
    world.hear(ANN, 3, 12, at="shop")
    world.hear(ANN, 8)
    world.close()
    assert world.visits() == [("ann", "cafe", 0, 8), ("ann", "shop", 3, 12)]


def test_a_device_belongs_to_the_contact_that_last_logged_in_with_it(world):
    world.log_in("ann", ANN, 0)
    world.hear(ANN, 6)
    world.log_in("bob", ANN, 8)
    world.hear(ANN, 20)
    world.hear(ANN, 7)  # late: still Ann's
    world.close()
    assert world.visits() == [("ann", "cafe", 0, 7), ("bob", "cafe", 8, 20)]


def test_a_late_login_takes_its_devices_observations_since_then(world):
    world.hear(ANN, 0, 5, 9, 12)
    assert world.events() == []
    world.log_in("ann", ANN, 4)
    world.close()
    assert world.visits() == [("ann", "cafe", 4, 12)]


def test_a_late_login_takes_observations_from_the_contact_before(world):
    world.log_in("ann", ANN, 0)
    world.hear(ANN, 6, 14, 20)
    world.close()
    assert world.visits() == [("ann", "cafe", 0, 20)]
    world.log_in("bob", ANN, 10)
    world.close()
    assert world.visits() == [("ann", "cafe", 0, 6), ("bob", "cafe", 10, 20)]
    withdrawn = [e for e in world.events("visit") if e["event"].get("withdrawn")]
    assert len(withdrawn) == 1


def test_midnight_and_a_clock_change_do_not_divide_a_visit(store):
    with World(store, "Europe/Rome") as world:
        # Clocks went back at 01:00 UTC on 25 October 2026.
        start = instants.parse_instant("2026-10-24T21:50:00Z")
        login = Login(
            start, PlaceReference(location="cafe"), (("username", "ann"),), ANN
        )
        later = [
            Observation(start + n * 10 * MINUTE, PlaceReference(location="cafe"), ANN)
            for n in range(24)
        ]
        world.take(SourceBatch(later, [login]), LATER)
        world.close()
        [visit] = world.events("visit")
        assert visit["event"]["visit"]["startAtLocal"] == "2026-10-24T23:50:00Z"
        assert visit["event"]["visit"]["duration"] == 230
        assert visit["when"]["createdAt"] == "2026-10-25T01:40:00Z"
        assert visit["when"]["createdAtLocal"] == "2026-10-25T02:40:00Z"
        assert visit["when"]["utcOffset"] == "+01:00"


def test_a_change_of_name_and_zone_never_changes_stored_events(world):
    world.log_in("ann", ANN, 0)
    before = world.events()
    world.store.transaction(
        "org",
        lambda transaction: transaction.registry.put_location(
            Location("cafe", "New name", "Asia/Tokyo"), PresenceSettings()
        ),
    ).result()
    assert world.events() == before
    world.hear(ANN, 10)
    world.close()
    [visit] = world.events("visit")
    assert visit["where"]["locationName"] == "New name"
    assert world.events()[: len(before)] == before


def test_a_location_has_its_own_rules(world):
    world.set("shop", minimum_dwell=10)
    world.log_in("ann", ANN, 0)
    world.hear(ANN, 6)
    world.hear(ANN, 0, 6, at="shop")
    world.close()
    assert world.visits() == [("ann", "cafe", 0, 6)]


def test_a_weak_signal_opens_no_stay(world):
    world.set(minimum_signal=-70)
    world.log_in("ann", ANN, 0, at="shop")
    world.hear(ANN, 1, rssi=-80)
    world.hear(ANN, 3, rssi=-60)
    world.hear(ANN, 9, rssi=-85)
    world.close()
    assert world.visits() == [("ann", "cafe", 3, 9)]


def test_an_unknown_place_or_an_impossible_time_is_rejected(world):
    outcome = world.take(
        SourceBatch(
            [
                Observation(START, PlaceReference(mac=b"\0" * 6), ANN, index=0),
                Observation(LATER + DAY, PlaceReference(location="cafe"), ANN, index=1),
                Observation(-1, PlaceReference(location="cafe"), ANN, index=2),
            ]
        )
    )
    assert outcome.observed == 0
    assert [one.index for one in outcome.rejections] == [0, 1, 2]
    said = [one.reason for one in outcome.rejections]
    assert "00:00:00:00:00:00" in said[0]
    assert "future" in said[1]
    assert "1970" in said[2]


# Pseudonyms.


def hexes(world, device):
    key = world.store.read(
        "org", lambda transaction: transaction.registry.load().device_key
    )
    return digest(key, device).hex()


def test_without_the_setting_nobody_gets_a_pseudonym(world):
    world.hear(ANN, 0, 10)
    assert world.events() == []


def test_with_the_setting_an_unknown_device_is_a_contact_by_its_digest(world):
    world.set(pseudonymous=True)
    world.hear(ANN, 0, 10)
    world.close()
    assert world.visits() == [(hexes(world, ANN), "cafe", 0, 10)]
    assert ANN.hex() not in json.dumps(world.events())


def test_a_randomised_address_is_never_a_new_person(world):
    world.set(pseudonymous=True)
    world.hear(MADE_UP, 0, 10)
    assert world.events() == []
    world.log_in("ann", MADE_UP, 11)
    world.hear(MADE_UP, 20)
    world.close()
    assert world.visits() == [("ann", "cafe", 11, 20)]


def test_a_person_who_logs_in_later_is_not_counted_twice(world):
    world.set(pseudonymous=True)
    world.hear(ANN, 0, 10)
    world.hear(ANN, 100, 106)
    world.close()
    world.log_in("ann", ANN, 110)
    world.hear(ANN, 120)
    world.close()
    assert world.visits() == [("ann", "cafe", 0, 10), ("ann", "cafe", 100, 120)]
    people = {e["customerId"] for e in world.standing().values()}
    assert len(people) == 1
    world.hear(ANN, 50)  # late, from before the login
    assert {e["customerId"] for e in world.standing().values()} == people


def test_a_pseudonym_joins_what_its_person_did_with_another_device(world):
    world.set(pseudonymous=True)
    world.log_in("ann", BOB, 0)
    world.hear(BOB, 10)
    world.hear(ANN, 12, 24)
    world.close()
    world.log_in("ann", ANN, 30)
    world.close()
    assert world.visits() == [("ann", "cafe", 0, 30)]


def test_a_second_person_does_not_get_what_the_first_did_with_the_device(world):
    world.set(pseudonymous=True)
    world.hear(ANN, 0, 10)
    world.log_in("ann", ANN, 12)
    world.log_in("bob", ANN, 60)
    world.hear(ANN, 70)
    world.close()
    assert world.visits() == [("ann", "cafe", 0, 12), ("bob", "cafe", 60, 70)]


def test_without_the_device_key_a_device_is_unknown(world):
    world.log_in("ann", ANN, 0)
    key = world.store.read(
        "org", lambda transaction: transaction.registry.load().device_key
    )
    world.store.transaction(
        "org", lambda transaction: transaction.registry.delete_device_key()
    ).result()
    assert (
        world.store.read(
            "org", lambda transaction: transaction.registry.load().device_key
        )
        != key
    )
    world.hear(ANN, 60, 70)
    world.close()
    assert world.visits() == []


# Erasure.


def test_an_erased_contact_is_gone_from_the_store_and_the_files(world, tmp_path):
    for number in range(40):
        world.log_in(f"guest-{number}@venue", secrets.token_bytes(6), number)
    world.hear(ANN, 0)
    world.log_in("secret-name", ANN, 3)
    world.hear(ANN, 12)
    world.close()
    world.log_in("bob", ANN, 6)  # so that an event is withdrawn
    contact = next(
        e["customerId"]
        for e in world.events("login")
        if world.name_of(e["customerId"]) == "secret-name"
    )
    assert any(e["event"].get("withdrawn") for e in world.events(contact=contact))
    world.store.erase("org", contact).result()
    for file in tmp_path.iterdir():
        if not file.name.endswith("-shm"):
            data = file.read_bytes()
            assert b"secret-name" not in data, file
            assert contact.encode() not in data, file
    assert contact not in json.dumps(world.events())
    assert ("bob", "cafe", 6, 12) in world.visits()


def test_no_address_of_a_device_is_in_the_files(world, tmp_path):
    world.log_in("ann", ANN, 0)
    world.hear(ANN, 5, 10)
    for file in tmp_path.iterdir():
        data = file.read_bytes().lower()
        for form in (ANN, ANN.hex().encode(), ANN.hex(":").encode()):
            assert form not in data, file


# Sessions of a NAS.


def test_a_session_that_starts_again_is_the_same_login(world):
    world.log_in("ann", ANN, 0, nas="n", session="s1")
    world.log_in("ann", ANN, 0.5, nas="n", session="s1")
    assert len(world.events("login")) == 1
    world.restart("n", 10)
    world.log_in("ann", ANN, 9, nas="n", session="s1")
    assert len(world.events("login")) == 1
    world.log_in("ann", ANN, 11, nas="n", session="s1")
    assert len(world.events("login")) == 2


def test_a_restart_of_another_nas_ends_nothing(world):
    world.log_in("ann", ANN, 0, nas="n", session="s1")
    world.restart("m", 10)
    world.log_in("ann", ANN, 11, nas="n", session="s1")
    assert len(world.events("login")) == 1


# Any order, any batching, any repetition.

MACS = [bytes([0x0C, 0, 0, 0, 0, n]) for n in range(3)]
one = st.tuples(
    st.sampled_from(MACS),
    st.integers(0, 240),
    st.sampled_from(["cafe", "shop"]),
)


@pytest.mark.long
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(one, min_size=1, max_size=25),
    st.randoms(use_true_random=False),
    st.booleans(),
)
def test_any_order_batching_and_repetition_gives_the_same_events(
    lent_place, some, rng, pseudonymous
):
    found = []
    for shuffled in (False, True):
        with lent_place() as chosen, World(service.open_store(chosen)) as world:
            world.set(pseudonymous=pseudonymous)
            # One device of two is known; two are one person's.
            world.log_in("ann", MACS[0], -100)
            world.log_in("ann", MACS[1], -100)
            sent = list(some)
            if shuffled:
                sent += rng.sample(some, len(some) // 2)
                rng.shuffle(sent)
            while sent:
                size = rng.randint(1, 6) if shuffled else 1
                batch, sent = sent[:size], sent[size:]
                now = START + rng.randint(0, 300) * MINUTE if shuffled else LATER
                heard = SourceBatch([seen(*each) for each in batch])
                world.take(heard, max(now, START + 241 * MINUTE))
                if shuffled and rng.random() < 0.3:
                    world.close(START + rng.randint(0, 300) * MINUTE)
            world.close()
            found.append(sorted(world.visits()))
            arrivals = [
                (e["where"]["locationId"], e["when"]["createdAt"])
                for e in world.events("arriving", Sort.UTC_TIME)
            ]
            found.append(sorted(arrivals))
    name = {v[0] for v in found[0] + found[2]} - {"ann"}
    assert len(name) <= 2  # the pseudonym differs, because the key does
    bare = [
        sorted(("x" if v[0] in name else v[0], *v[1:]) for v in found[n])
        for n in (0, 2)
    ]
    assert bare[0] == bare[1]
    assert found[1] == found[3]


def test_the_order_of_arrival_tells_which_events_hold(world):
    """A reader by arrival that keeps the last of each id has the events that hold."""
    rng = random.Random(3)
    world.log_in("ann", ANN, 0)
    world.set(pseudonymous=True)
    for _ in range(60):
        world.hear(rng.choice([ANN, BOB]), rng.randint(0, 300))
        if rng.random() < 0.3:
            world.close()
    world.log_in("bob", BOB, 150)
    world.close()
    held: dict[str, Any] = {}
    for event in world.events():
        if event["event"].get("withdrawn"):
            held.pop(event["event"]["id"], None)
        else:
            assert event["event"]["id"] not in held
            held[event["event"]["id"]] = event
    assert held == world.standing()


def test_a_batch_that_fails_midway_changes_nothing_until_it_is_sent_again(world):
    world.log_in("ann", ANN, 0)
    before = world.events()
    heard = SourceBatch([seen(ANN, m) for m in (5, 10, 40, 50)])

    def failing(transaction):
        observe.observe(transaction, heard, LATER)
        raise StoreError("The power is cut.")

    with pytest.raises(StoreError):
        world.store.transaction("org", failing).result()
    assert world.events() == before
    assert (
        world.store.read("org", lambda b: list(b.observations.between(0, 2**62))) != []
    )
    for _ in range(2):
        world.take(heard)
        world.close()
        assert world.visits() == [("ann", "cafe", 0, 10), ("ann", "cafe", 40, 50)]
    once = [0, 5, 10, 40, 50]
    kept = world.store.read("org", lambda b: list(b.observations.between(0, 2**62)))
    assert sorted((k.at - START) // MINUTE for k in kept) == once


def test_a_restart_loses_no_stay_and_repeats_no_event(chosen):
    with World(service.open_store(chosen)) as world:
        world.log_in("ann", ANN, 0, now=START)
        world.hear(ANN, 10, now=START + 10 * MINUTE)
        before = world.events()
        world.store.close()
        world.store = service.open_store(chosen)
        assert world.events() == before
        world.close()
        assert world.visits() == [("ann", "cafe", 0, 10)]
        world.close()
        assert len(world.events("visit")) == 1


# Recompute, and how long observations are kept.


def test_recompute_uses_the_present_rules_and_announces_withdrawn_events(
    world,
):
    world.log_in("ann", ANN, 0)
    world.hear(ANN, 10, 35, 45)
    world.close()
    assert world.visits() == [("ann", "cafe", 0, 10), ("ann", "cafe", 35, 45)]
    old = {e["event"]["id"] for e in world.events("visit")}
    world.set(session_timeout=60)
    done = recompute(
        world.store,
        "org",
        "cafe",
        since=START + 40 * MINUTE,
        until=START + DAY,
        now=LATER,
        progress=lambda *_: None,
    )
    assert (done.events, done.withdrawn) == (1, 3)
    assert world.visits() == [("ann", "cafe", 0, 45)]
    withdrawn = {
        e["event"]["id"] for e in world.events() if e["event"].get("withdrawn")
    }
    assert old <= withdrawn
    again = recompute(
        world.store,
        "org",
        None,
        since=START,
        until=START + DAY,
        now=LATER,
        progress=lambda *_: None,
    )
    assert (again.events, again.withdrawn) == (0, 0)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(st.integers(0, 600), min_size=1, max_size=30),
    st.integers(15, 120),
    st.integers(2, 30),
)
def test_recompute_gives_what_the_new_rules_would_have_given(
    lent_place, minutes, timeout, dwell
):
    with lent_place() as chosen, World(service.open_store(chosen)) as world:
        world.log_in("ann", ANN, 0)
        world.hear(ANN, *minutes)
        world.close()
        world.set(session_timeout=timeout, minimum_dwell=dwell)
        recompute(
            world.store,
            "org",
            None,
            since=START - DAY,
            until=START + DAY,
            now=LATER,
            progress=lambda *_: None,
        )
        world.close()
        rules = Rules(dwell, timeout)
        expected = [
            ("ann", "cafe", s.start_at / MINUTE, s.visit_at / MINUTE)
            for s in (
                close_if_due(r, rules, LATER)
                for r in runs([heard_at(m * MINUTE) for m in [0, *minutes]], rules)
            )
            if s.start_at is not None and s.visit_at is not None
        ]
        assert world.visits() == sorted(expected)


def test_old_observations_are_deleted_and_their_events_stay(world):
    world.log_in("ann", ANN, 0)
    world.hear(ANN, 10)
    world.close()
    forget(world.store, LATER + 31 * DAY, 30 * DAY)
    assert (
        world.store.read("org", lambda b: list(b.observations.between(0, 2**62))) == []
    )
    world.set(session_timeout=60)
    done = recompute(
        world.store,
        "org",
        None,
        since=START,
        until=START + DAY,
        now=LATER,
        progress=lambda *_: None,
    )
    assert (done.events, done.withdrawn) == (0, 0)
    assert world.visits() == [("ann", "cafe", 0, 10)]


def test_tenants_share_nothing(world):
    tenants.create_organization(world.store, "Other", "other", clock.now())
    world.log_in("ann", ANN, 0)
    heard = SourceBatch([seen(ANN, 0)])
    outcome = world.store.transaction(
        "other", lambda transaction: observe.observe(transaction, heard, LATER)
    ).result()
    assert outcome.observed == 0
    assert world.store.page(EventQuery("other")).count == 0
    keys = {
        world.store.read(
            name, lambda transaction: transaction.registry.load().device_key
        )
        for name in ("org", "other")
    }
    assert len(keys) == 2


@pytest.fixture
def there(world, monkeypatch):
    """Ann was heard twice; tells what her next observation runs."""
    world.log_in("ann", ANN, 0)
    world.hear(ANN, 2)

    def again(transaction):
        with statements_run(transaction, monkeypatch) as names:
            observe.observe(transaction, SourceBatch([seen(ANN, 4)]), LATER)
        return set(names)

    return lambda: world.store.transaction("org", again).result()


LOOKING_UP = {"owners_at", "newest_stays", "stays"}


def test_a_device_that_is_still_there_is_not_looked_up(there):
    names = there()
    assert not LOOKING_UP & names
    assert "put_ends" in names


def test_a_new_device_is_not_looked_up_the_second_time(world, monkeypatch):
    world.set(pseudonymous=True)
    world.hear(BOB, 0)

    def again(transaction):
        with statements_run(transaction, monkeypatch) as names:
            observe.observe(transaction, SourceBatch([seen(BOB, 4)]), LATER)
        return set(names)

    assert not LOOKING_UP & world.store.transaction("org", again).result()


def test_what_another_server_counts_makes_nothing_be_looked_up(there, chosen):
    other = service.open_store(chosen)
    assert update.step(other, "org")
    other.close()
    assert not LOOKING_UP & there()


def test_the_device_of_an_erased_contact_is_looked_up(world, there):
    world.store.erase("org", world.events()[0]["customerId"]).result()
    assert "owners_at" in there()


def test_changes_by_another_process_are_seen(world, chosen):
    """A command changes what the writer's cache remembers."""
    other = World.__new__(World)
    other.zone = "UTC"
    other.store = service.open_store(chosen)
    world.log_in("ann", ANN, 0)
    world.hear(ANN, 2)
    other.log_in("bob", ANN, 4)
    other.hear(ANN, 10)
    world.hear(ANN, 16)
    other.hear(ANN, 20)
    world.close()
    assert world.visits() == [("bob", "cafe", 4, 20)]
    other.store.close()


def test_the_cache_keeps_no_undone_changes(world):
    world.log_in("ann", ANN, 0, now=START)

    def failing(transaction):
        observe.observe(transaction, SourceBatch([seen(ANN, 10)]), START + 10 * MINUTE)
        raise StoreError("The power is cut.")

    with pytest.raises(StoreError):
        world.store.transaction("org", failing).result()
    world.hear(ANN, 20, now=START + 20 * MINUTE)
    world.hear(ANN, 24, 30, now=START + 30 * MINUTE)
    world.close()
    assert world.visits() == [("ann", "cafe", 20, 30)]


def test_a_longer_timeout_reaches_behind_the_newest_stay(world):
    world.log_in("ann", ANN, 0)
    world.hear(ANN, 16)
    world.set(session_timeout=60)
    world.hear(ANN, 17)
    world.close()
    assert world.visits() == [("ann", "cafe", 0, 17)]


def test_a_stay_that_grows_at_both_ends_in_one_batch_keeps_both(world):
    world.log_in("ann", ANN, -100)
    now = START + 21 * MINUTE
    world.hear(ANN, 0, 10, now=now)
    world.hear(ANN, 20, -5, now=now)
    assert world.store.read("org", ends_of) == [(-5, 20)]
    world.close()
    assert world.visits() == [("ann", "cafe", -5, 20)]


def ends_of(transaction):
    [contact] = {one.contact for one in transaction.people.devices(1)} or {1}
    return [
        ((one.stay.first_at - START) // MINUTE, (one.stay.last_at - START) // MINUTE)
        for one in transaction.stays.of_contact(contact)
        if one.stay.first_at >= START - 50 * MINUTE
    ]


def test_many_short_stays_join_when_the_timeout_grows(world):
    world.log_in("ann", ANN, 0)
    world.hear(ANN, *range(16, 16 * 9, 16))
    world.close()
    assert len(world.events("arriving")) == 9
    world.set(session_timeout=1440)
    world.hear(ANN, 70)
    world.close()
    assert world.visits() == [("ann", "cafe", 0, 128)]
    assert len(world.standing()) == 4
