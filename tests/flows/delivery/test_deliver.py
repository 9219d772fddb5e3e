"""What endpoints get over days: a model of the world, and the real outboxes."""

import itertools
import json
import random
from collections import defaultdict

import pytest

from footfall.core.events.acceptance import accept
from footfall.core.instants import DAY, HOUR, MINUTE, SECOND
from footfall.core.webhooks import Answer, Outcome, Reason
from footfall.flows.delivery import outbox
from footfall.store import Organization
from footfall.store.webhooks import DeliveryQuery
from tests.conftest import event
from tests.flows.delivery.simulation import Simulation, answers

OK = answers(200)
EVENTS = 40
LAST_EVENT = 4 * DAY


# What the outbox does by itself is the same on every engine.
on_sqlite = pytest.mark.parametrize("lent_place", ["sqlite"], indirect=True)


@pytest.fixture
def world(store):
    store.create_organization(Organization("org", "Org", 0)).result()
    return Simulation(store, seed=1)


def new(name, contact="guest", location="venue", kind="login"):
    value = event(
        name,
        customerId=contact,
        event={"type": kind, "id": name},
        where={"locationId": location},
    )
    return accept(json.dumps(value).encode(), "org", 0, lambda: "")


def append(world, *events):
    world.store.append("org", list(events)).result()
    world.wake()


def deliveries(world, name, **query):
    return world.store.read(
        "org",
        lambda t: t.webhooks.deliveries(
            t.webhooks.find(name).number, DeliveryQuery(**query, limit=100)
        ),
    )


def taken(world, name):
    return [one.event for one in world.taken[name]]


def down(since, until, reply=None):
    failing = reply or answers(500)

    def behave(now, chance):
        return (failing if since <= now < until else OK)(now, chance)

    return behave


def test_each_endpoint_gets_each_event_that_it_wants(world):
    world.add("all", OK)
    world.add("visits", OK, types=("visit",))
    world.add("here", OK, locations=("here",))
    world.add("batches", OK, batch_size=10)
    kinds = ("login", "visit")
    events = [
        new(f"e{n}", kind=kinds[n % 2], location=("here", "there")[n % 3 == 0])
        for n in range(30)
    ]
    append(world, *events)
    world.run(MINUTE)
    assert sorted(taken(world, "all")) == sorted(f"e{n}" for n in range(30))
    assert sorted(taken(world, "batches")) == sorted(taken(world, "all"))
    assert set(taken(world, "visits")) == {f"e{n}" for n in range(1, 30, 2)}
    assert set(taken(world, "here")) == {f"e{n}" for n in range(30) if n % 3}
    assert world.state("all").position == 30


@on_sqlite
def test_a_message_that_fails_does_not_block_those_that_follow(world):
    def poison(now, chance):
        return (answers(500) if len(world.sent["a"]) == 0 else OK)(now, chance)

    world.add("a", poison)
    append(world, new("e0"))
    append(world, *(new(f"e{n}") for n in range(1, 5)))
    world.run(SECOND)
    assert sorted(taken(world, "a")) == ["e1", "e2", "e3", "e4"]
    assert world.state("a").position == 5
    assert world.pending("a") == 1
    world.run(6 * SECOND)
    assert "e0" in taken(world, "a")


@on_sqlite
def test_attempts_come_by_the_schedule_with_one_id_and_end_with_giving_up(world):
    world.add("dead", answers(500))
    append(world, new("e"))
    world.run(5 * DAY)
    times = [one.at for one in world.sent["dead"]]
    hours = [0, 0, 0.08, 0.58, 2.58, 7.58, 17.58, 31.58, 51.58, 75.58]
    assert len(times) == len(hours)
    for at, hour in zip(times, hours, strict=True):
        assert hour * HOUR - MINUTE <= at <= hour * HOUR * 1.1 + MINUTE
    assert len({one.id for one in world.sent["dead"]}) == 1
    assert world.pending("dead") == 0
    [last] = deliveries(world, "dead", outcomes=(Outcome.GIVEN_UP,))
    assert last.attempt == 10


@on_sqlite
def test_when_an_endpoint_is_back_all_that_waited_comes_within_minutes(world):
    world.add("back", down(0, 40 * HOUR))
    append(world, *(new(f"e{n}") for n in range(20)))
    world.at(41 * HOUR, lambda: append(world, new("next")))
    world.run(41 * HOUR + 3 * MINUTE)
    assert len(set(taken(world, "back"))) == 21


@on_sqlite
def test_what_waits_where_a_server_died_comes_with_the_next_success(world):
    """It died between a success and what this makes due, 10 s after the last time."""

    def outage(now, chance):
        failing = now < SECOND or 4 * SECOND <= now < 11 * SECOND
        return (answers(500) if failing else OK)(now, chance)

    world.add("a", outage)
    append(world, new("first"))
    for tenths in (20, 45, 113, 130):
        name = f"at {tenths}"
        at = tenths * SECOND // 10
        world.at(at, lambda name=name: append(world, new(name)))
    world.at(118 * SECOND // 10, world.crash)
    world.run(MINUTE)
    assert len(set(taken(world, "a"))) == 5


@on_sqlite
def test_tries_before_their_time_do_not_use_up_the_schedule(world):
    def poisoned(now, chance):
        [message] = world.sending.messages
        up = now % HOUR > 5 * MINUTE and message.heading.id != "poison"
        return (OK if up else answers(500))(now, chance)

    world.add("a", poisoned)
    append(world, new("poison"))
    for n in range(40):
        for minute in (1, 4, 10):
            name = f"e{n}.{minute}"
            at = n * HOUR + minute * MINUTE
            world.at(at, lambda name=name: append(world, new(name)))
    world.run(100 * HOUR)
    tries = [one.at for one in world.sent["a"] if one.event == "poison"]
    assert len(tries) > 15, "the endpoint has not come back at times"
    assert 75 * HOUR < tries[-1] < 85 * HOUR
    assert len(set(taken(world, "a"))) == 120


@on_sqlite
def test_an_endpoint_that_only_fails_for_five_days_gets_nothing_more(world):
    world.add("dead", answers(503))
    for hour in range(0, 140, 5):
        world.at(hour * HOUR, lambda n=hour: append(world, new(f"e{n}")))
    world.run(140 * HOUR)
    state = world.state("dead")
    assert state.disabled_because == Reason.FAILING
    assert state.disabled_at is not None
    assert 5 * DAY <= state.disabled_at < 5 * DAY + 12 * HOUR
    assert max(one.at for one in world.sent["dead"]) <= state.disabled_at
    [told] = deliveries(world, "dead", outcomes=(Outcome.DISABLED,))
    assert told.reason == Reason.FAILING


@on_sqlite
def test_a_410_disables_and_keeps_the_place(world):
    world.add("gone", answers(410))
    append(world, new("e0"))
    world.run(SECOND)
    append(world, new("e1"))
    world.run(DAY)
    assert world.state("gone").disabled_because == Reason.GONE
    assert [one.event for one in world.sent["gone"]] == ["e0"]
    assert world.state("gone").position == 1


@on_sqlite
def test_retry_after_holds_for_all_that_is_sent_to_the_endpoint(world):
    busy = answers(429, retry_after=HOUR)
    world.add("busy", down(0, MINUTE, busy))
    append(world, new("e0"))
    world.at(2 * MINUTE, lambda: append(world, new("e1")))
    world.run(HOUR - SECOND)
    assert len(world.sent["busy"]) == 1
    world.run(HOUR + 10 * MINUTE)
    assert sorted(taken(world, "busy")) == ["e0", "e1"]


def test_what_is_erased_while_an_endpoint_wants_time_is_not_sent(world):
    busy = answers(429, retry_after=HOUR)
    world.add("busy", down(0, MINUTE, busy))
    append(world, *(new(f"e{n}", contact=f"c{n % 2}") for n in range(100)))
    world.run(10 * MINUTE)
    world.store.erase("org", "c1").result()
    world.run(3 * HOUR)
    late = {one.event for one in world.sent["busy"] if one.at > MINUTE}
    assert late == {f"e{n}" for n in range(0, 100, 2)}


@on_sqlite
def test_a_redirect_is_a_failure(world):
    world.add("moved", answers(302))
    append(world, new("e"))
    world.run(SECOND)
    assert taken(world, "moved") == []
    assert world.pending("moved") == 1


@pytest.mark.long
def test_with_too_many_that_wait_the_log_is_not_read_on_but_asked_each_five_minutes(
    world, monkeypatch
):
    monkeypatch.setattr(outbox, "PENDING_MAX", 20)
    world.add("down", down(0, 9 * HOUR))
    append(world, *(new(f"e{n}") for n in range(100)))
    world.run(8 * HOUR)
    assert world.pending("down") <= 20 + outbox.WINDOW
    late = [one.at for one in world.sent["down"] if one.at > 3 * HOUR]
    assert all(b - a <= 6 * MINUTE for a, b in itertools.pairwise(late))
    world.run(10 * HOUR)
    assert set(taken(world, "down")) == {f"e{n}" for n in range(100)}


def test_what_is_erased_or_withdrawn_while_it_waits_is_not_sent_again(world):
    world.add("down", down(0, 40 * HOUR))
    made = [new("gone", contact="ann"), new("wrong", kind="visit"), new("stays")]
    world.store.transaction("org", lambda t: t.events.append(made[1:2])).result()
    append(world, made[0], made[2])
    world.run(HOUR)
    world.store.erase("org", "ann").result()
    world.store.transaction("org", lambda t: t.events.withdraw(made[1:2])).result()
    world.wake()
    world.run(60 * HOUR)
    later = {(one.event, one.withdrawn) for one in world.sent["down"] if one.at > HOUR}
    assert later == {("stays", False), ("wrong", True)}
    assert {one.event for one in world.taken["down"]} == {"stays", "wrong"}
    assert world.pending("down") == 0
    assert len(deliveries(world, "down", outcomes=(Outcome.DROPPED,))) == 2


@on_sqlite
def test_a_kill_while_messages_are_under_way_loses_none(world):
    world.add("slow", slow)
    append(world, *(new(f"e{n}") for n in range(40)))
    for at in (3, 17, 40):
        world.at(at * SECOND, world.crash)
    world.run(10 * MINUTE)
    assert set(taken(world, "slow")) == {f"e{n}" for n in range(40)}
    assert len(taken(world, "slow")) > 40, "nothing was under way"


@on_sqlite
def test_a_batch_that_fails_is_tried_again_as_the_same_batch(world):
    world.add("a", down(0, MINUTE), batch_size=100)
    append(world, *(new(f"e{n}") for n in range(30)))
    world.run(10 * MINUTE)
    assert world.pending("a") == 0
    assert sorted(taken(world, "a")) == sorted(f"e{n}" for n in range(30))


@on_sqlite
def test_a_batch_that_waits_stays_whole_when_batches_become_smaller(world):
    world.add("a", down(0, MINUTE), batch_size=100)
    append(world, *(new(f"e{n}") for n in range(30)))
    world.run(30 * SECOND)
    world.change("a", batch_size=1)
    world.run(10 * MINUTE)
    assert world.pending("a") == 0
    assert sorted(taken(world, "a")) == sorted(f"e{n}" for n in range(30))


@on_sqlite
def test_a_second_endpoint_that_is_dead_delays_the_first_by_nothing(store, world):
    def latencies(name):
        return [one.at for one in world.taken[name]]

    def dead(_now, _chance):
        return Answer(15_000, reason="timeout"), 15 * SECOND

    world.add("alone", answers(200))
    for n in range(50):
        world.at(n * SECOND, lambda n=n: append(world, new(f"e{n}")))
    world.run(MINUTE)
    alone = latencies("alone")
    world.add("dead", dead)
    for n in range(50):
        at = MINUTE + n * SECOND
        world.at(at, lambda n=n: append(world, new(f"f{n}")))
    world.run(2 * MINUTE)
    beside = [at - MINUTE for at in latencies("alone")[50:]]
    assert beside == alone


# -- the model ---------------------------------------------------------------------


def wrong_at_times(now, chance):
    # So few that none fails ten times.
    status = chance.choice([200, 201, 204] * 5 + [500, 302, 404, 429])
    return answers(status, chance.randrange(1, 3 * SECOND))(now, chance)


def slow(_now, chance):
    return Answer(14_000, 200), chance.randrange(5 * SECOND, 15 * SECOND)


@pytest.mark.long
def test_every_live_endpoint_gets_every_event_under_one_id_whatever_happens(store):
    store.create_organization(Organization("org", "Org", 0)).result()
    seed = random.SystemRandom().randrange(10**6)
    world = Simulation(store, seed)
    chance = world.chance
    start = chance.randrange(DAY)
    world.add("up", OK)
    world.add("down", down(start, start + 40 * HOUR))
    world.add("slow", slow)
    world.add("wrong", wrong_at_times, batch_size=3)
    world.add("visits", wrong_at_times, types=("visit",))
    world.add("dead", answers(500))
    history = History(world)
    for _ in range(EVENTS):
        world.at(chance.randrange(LAST_EVENT), history.happen)
    for _ in range(10):
        at = chance.randrange(LAST_EVENT)
        world.at(at, history.happen)
        # While something is under way.
        world.at(at + chance.randrange(20 * SECOND), world.crash)
    # Later, so that the schedule of the last one ends, and the dead one is found so.
    world.at(LAST_EVENT + 2 * DAY, history.happen)
    world.run(LAST_EVENT + 7 * DAY)
    for name in ("up", "down", "slow", "wrong", "visits"):
        history.check(name, f"{name}, seed {seed}")
    assert not world.state("dead").enabled, seed


class History:
    """Events that come, are erased and are withdrawn, and what must be delivered."""

    def __init__(self, world):
        self.world = world
        self.stored = {}
        self.withdrawn = set()
        self.erased_at = {}
        self.count = 0

    def happen(self):
        chance, store = self.world.chance, self.world.store
        which = chance.random()
        visits = [one for one in self.stored.values() if one.type == 3]
        if which < 0.1 and visits:
            gone = chance.choice(visits)
            store.transaction("org", lambda t: t.events.withdraw([gone])).result()
            self.withdrawn.add(self._id(gone))
            del self.stored[self._id(gone)]
        elif which < 0.2 and self.stored:
            contact = chance.choice(list(self.stored.values())).contact
            store.erase("org", contact).result()
            for name, one in list(self.stored.items()):
                if one.contact == contact:
                    del self.stored[name]
                    self.erased_at[name] = self.world.now
        else:
            self.count += 1
            kind = chance.choice(["login", "visit"])
            made = new(f"e{self.count}", f"c{chance.randrange(9)}", kind=kind)
            store.transaction("org", lambda t: t.events.append([made])).result()
            self.stored[f"e{self.count}"] = made

    def _id(self, made):
        return json.loads(made.body)["event"]["id"]

    def check(self, name, what):
        got = defaultdict(set)
        for one in self.world.taken[name]:
            got[one.event, one.withdrawn].add(one.id)
        assert all(len(ids) == 1 for ids in got.values()), what
        wanted = {
            event
            for event, made in self.stored.items()
            if name != "visits" or made.type == 3
        }
        assert {(event, False) for event in wanted} <= got.keys(), what
        erased = self.erased_at
        told = {(event, True) for event in self.withdrawn if event not in erased}
        lost = {event for event, _ in told - got.keys()}
        # A withdrawal is erased with its contact.
        assert not lost or erased, what
        for one in self.world.sent[name]:
            assert one.at <= erased.get(one.event, one.at), what
