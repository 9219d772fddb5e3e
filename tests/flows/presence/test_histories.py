"""Random histories in a real store give what the rules give for all at once."""

import contextlib
import functools
import random

import msgspec
import pytest

from footfall.core import instants
from footfall.core.instants import MINUTE
from footfall.core.observations import SourceBatch
from footfall.core.stays import Rules, close_if_due, runs
from tests.flows.world import ANN, BOB, LATER, START, World, seen
from tests.shared import heard_at

PLACES = ("cafe", "shop")


@pytest.fixture(params=[False, True], ids=["once", "again"])
def again(request, store, monkeypatch):
    """Undo each piece of work once, and do it again."""
    if request.param:
        real = type(store).transaction
        monkeypatch.setattr(
            type(store), "transaction", functools.partialmethod(undone_first, real)
        )


class UndoneError(Exception):
    """Raised after a piece of work, so that it is undone."""


def undone_first(store, transaction, organization, work):
    def undone(inside):
        work(inside)
        raise UndoneError

    with contextlib.suppress(Exception):
        transaction(store, organization, undone).result()
    return transaction(store, organization, work)


@pytest.mark.usefixtures("again")
@pytest.mark.parametrize("number", range(12))
def test_a_history_gives_what_the_rules_give_for_all_of_it_at_once(number, store):
    rng = random.Random(number)
    rules = Rules(
        minimum_dwell=rng.choice([2, 5, 30]),
        session_timeout=rng.choice([15, 20, 60]),
        minimum_signal=rng.choice([None, -70]),
        maximum_visit=rng.choice([None, 30, 60]),
    )
    heard = [
        (
            rng.choice([ANN, BOB]),
            rng.randint(0, 400),
            rng.choice(PLACES),
            rng.choice([None, -60, -80]),
        )
        for _ in range(rng.randint(1, 60))
    ]
    with World(store) as world:
        values = msgspec.structs.asdict(rules)
        world.set(**{name: v for name, v in values.items() if v is not None})
        for device in (ANN, BOB):
            world.log_in("ann", device, -3_000)
        tell(world, rng, heard)
        world.close()
        arrived, visited = expected(heard, rules)
        assert world.visits() == visited
        assert arrivals(world) == arrived


def tell(world, rng, heard):
    """Send all in batches, some twice, mostly in no order; close stays in between."""
    sent = heard + rng.sample(heard, len(heard) // 3)
    rng.shuffle(sent)
    if rng.random() < 0.3:
        sent.sort(key=lambda one: one[1])
    while sent:
        size = rng.randint(1, 12)
        batch, sent = sent[:size], sent[size:]
        now = START + rng.choice([401, rng.randint(396, 800)]) * MINUTE
        world.take(SourceBatch([seen(*one) for one in batch]), now)
        if rng.random() < 0.2:
            world.close(START + rng.randint(0, 500) * MINUTE)


def expected(heard, rules):
    arrived, visited = [], []
    for place in PLACES:
        points = [heard_at(START + m * MINUTE, s) for _, m, p, s in heard if p == place]
        for stay in (close_if_due(run, rules, LATER) for run in runs(points, rules)):
            if stay.start_at is None:
                continue
            start = (stay.start_at - START) / MINUTE
            arrived.append((place, start))
            if stay.visit_at is not None:
                visited.append(("ann", place, start, (stay.visit_at - START) / MINUTE))
    return sorted(arrived), sorted(visited)


def arrivals(world):
    times = [
        (e["where"]["locationId"], instants.parse_instant(e["when"]["createdAt"]))
        for e in world.standing().values()
        if e["event"]["type"] == "arriving"
    ]
    return sorted((p, (at - START) / MINUTE) for p, at in times if at >= START)
