"""Erasure is for good, in bounded steps, whoever reads meanwhile."""

import itertools
import json
import secrets
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import apsw
import pytest

from footfall.core import observations
from footfall.core.events.acceptance import accept
from footfall.core.observations import Observation, PlaceReference, SourceBatch
from footfall.core.queries import EventQuery
from footfall.core.webhooks import EndpointState, Outcome
from footfall.errors import ContactUnknown
from footfall.flows.presence.recompute import recompute
from footfall.store import Organization
from footfall.store.sqlite import erasure
from footfall.store.sqlite.ballast import Ballast
from footfall.store.sqlite.journal import Journal
from footfall.store.sqlite.statements import SQL
from footfall.store.transaction import StoredRejection
from footfall.store.webhooks import Attempt, DeliveryQuery, Webhook
from tests.conftest import event
from tests.flows.world import ANN, BOB, LATER, START, World
from tests.shared import open_sqlite


@pytest.fixture
def world(tmp_path):
    with World(open_sqlite(tmp_path / "presence.db")) as made:
        yield made


@pytest.fixture
def path(tmp_path):
    return tmp_path / "footfall.db"


def contact_of(world, name):
    return next(
        e["customerId"]
        for e in world.events("login")
        if world.name_of(e["customerId"]) == name
    )


def anew(world):
    return recompute(
        world.store, "org", None, since=START, until=LATER, now=LATER,
        progress=lambda *_: None,
    )  # fmt: skip


def digest_of(world, device):
    key = world.store.read(
        "org", lambda transaction: transaction.registry.load().device_key
    )
    return observations.digest(key, device)


def in_files(folder, value):
    return [
        f.name
        for f in folder.iterdir()
        if not f.name.endswith("-shm") and value in f.read_bytes()
    ]


# -- for good ------------------------------------------------------------------------


def test_a_recompute_does_not_bring_an_erased_person_back_as_a_pseudonym(world):
    world.log_in("ann", ANN, 0)
    world.hear(ANN, 10)
    world.hear(BOB, 0, 10)
    world.close()
    world.store.erase("org", contact_of(world, "ann")).result()
    world.set(pseudonymous=True)
    anew(world)
    world.close()
    bob = digest_of(world, BOB).hex()
    assert {e["customerId"] for e in world.events()} == {bob}


def test_a_late_login_does_not_bring_back_what_was_heard_before_an_erasure(world):
    world.log_in("ann", ANN, 0)
    world.hear(ANN, 10, 20)
    world.close()
    world.store.erase("org", contact_of(world, "ann")).result()
    world.log_in("bob", ANN, -5)
    world.close()
    assert world.visits() == []


def test_an_observation_by_a_contacts_id_does_not_come_back(world):
    def by_id(contact):
        world.take(
            SourceBatch(
                [Observation(START, PlaceReference(location="cafe"), contact=contact)]
            )
        )

    by_id("app-user")
    world.store.erase("org", "app-user").result()
    world.store.append("org", [accepted(customerId="app-user")]).result()
    anew(world)
    world.close()
    assert [e["event"]["type"] for e in world.events()] == ["login"]


def test_what_others_did_with_the_device_in_their_time_stays(world):
    world.log_in("ann", ANN, 0)
    world.hear(ANN, 10)
    world.log_in("bob", ANN, 60)
    world.hear(ANN, 70)
    world.close()
    world.store.erase("org", contact_of(world, "ann")).result()
    anew(world)
    world.close()
    assert world.visits() == [("bob", "cafe", 60, 70)]


def test_of_an_erased_persons_devices_nothing_stays_in_the_observations(
    world, tmp_path
):
    world.log_in("ann", ANN, 0)
    for minute in range(10, 400, 7):
        world.hear(ANN, minute)
        world.hear(BOB, minute)
    world.close()
    ann, bob = digest_of(world, ANN), digest_of(world, BOB)
    world.store.erase("org", contact_of(world, "ann")).result()
    kept = world.store.read("org", lambda b: list(b.observations.between(START, LATER)))
    assert {one.subject for one in kept} == {bob}
    blocks = apsw.Connection(str(tmp_path / "presence.db"))
    records = b"".join(
        row[0] for row in blocks.execute("SELECT records FROM observation_batch")
    )
    blocks.close()
    assert ann not in records


def test_rejections_that_name_an_erased_person_are_gone_with_their_bytes(
    world, tmp_path
):
    world.log_in("ann@guests.example", ANN, 0)
    contact = contact_of(world, "ann@guests.example")
    device = digest_of(world, ANN).hex()

    def put(transaction):
        transaction.sources.add_rejections(
            [
                StoredRejection("s", 1, "no place", f"device {device} somewhere"),
                StoredRejection("s", 1, f"device {device} reason", ""),
                StoredRejection("s", 1, "name", '{"user": "ANN@guests.example"}'),
                StoredRejection("s", 1, "id", f"contact {contact}"),
                StoredRejection("s", 1, "another's", "joann@guests.example2"),
            ]
        )

    world.store.transaction("org", put).result()
    world.store.erase("org", contact).result()
    left = world.store.read(
        "org", lambda transaction: transaction.sources.rejections(10)
    )
    assert [one.reason for one in left] == ["another's"]
    for value in (device, "ANN@guests.example", contact):
        assert in_files(tmp_path, value.encode()) == []


# -- in steps ------------------------------------------------------------------------


def accepted(**changes):
    raw = json.dumps(event(**changes)).encode()
    return accept(raw, "org", 0, lambda: secrets.token_hex(16))


@pytest.fixture
def store(path):
    opened = open_sqlite(path)
    opened.create_organization(Organization("org", "Org", 0)).result()
    yield opened
    opened.close()


def test_a_long_read_does_not_fail_an_erasure_and_its_bytes_go_later(store, path):
    store.append("org", [accepted(customerId="c-1"), accepted()]).result()
    reader = apsw.Connection(str(path))
    reader.execute("BEGIN; SELECT count(*) FROM body").fetchall()
    erased = store.erase("org", "c-1").result()
    assert (erased.counts, erased.bytes_pending) == ({2: 1}, True)
    assert store.page(EventQuery("org")).count == 1
    assert store.purge() is True
    reader.execute("ROLLBACK")
    store.finish_erasures().result()
    assert in_files(path.parent, b"c-1") == []
    assert store.erase("org", "guest").result().bytes_pending is False


def test_each_step_writes_a_bounded_number_of_rows_and_others_get_their_turn(store):
    store.append("org", [accepted() for _ in range(3 * erasure.ROWS_MAX)]).result()
    changes: list[int] = []
    appended: list[Any] = []
    submit = store._writer.submit

    def counting(work, **more):
        def counted(connection):
            before = connection.total_changes()
            done = work(connection)
            changes.append(connection.total_changes() - before)
            return done

        future = submit(counted, **more)
        if not appended:
            appended.append(None)
            new = [accepted(customerId="bystander")]
            appended[0] = store.append("org", new)
        return future

    store._writer.submit = counting
    assert store.erase("org", "guest").result().counts == {2: 3 * erasure.ROWS_MAX}
    store._writer.submit = submit
    assert appended[0].result().accepted == 1
    # An event has a row and a body; the other rows name the contact.
    assert max(changes) <= 3 * erasure.ROWS_MAX
    assert len(changes) > 4
    assert store.page(EventQuery("org", "bystander")).count == 1


def test_all_indexes_of_events_are_read_before_a_step_changes_them(store):
    with store._readers.one() as connection:
        indexes = connection.execute(
            "SELECT name FROM sqlite_schema WHERE tbl_name = 'event'"
            " AND type = 'index' AND sql NOT LIKE '%WHERE%'"
        ).fetchall()
    # What leads to the contact's events names that one.
    read = SQL["touch_event"] + SQL["erased_events"]
    assert [name for (name,) in indexes if name not in read] == []


def test_no_write_takes_the_room_that_an_erasure_uses(path):
    ballast = Ballast(path, keeps=True)
    order, taking = list[str](), threading.Event()

    def take():
        taking.set()
        ballast.cover(1)
        order.append("taken")

    writer = threading.Thread(target=take)
    with ballast.given_up():
        writer.start()
        taking.wait(10)
        order.append("used")
    writer.join(10)
    assert order == ["used", "taken"]


DYING = """
import os, sys
from pathlib import Path
from tests.shared import open_sqlite
store = open_sqlite(Path(sys.argv[1]))
submit, left = store._writer.submit, int(sys.argv[2])
def dying(work, **more):
    global left
    left -= 1
    if left < 0:
        os._exit(9)
    return submit(work, **more)
store._writer.submit = dying
store.erase("org", "ann-of-the-test").result()
os._exit(0)
"""


def test_an_erasure_that_is_killed_at_any_step_is_completed_later(tmp_path):
    for steps in itertools.count(1):
        folder = tmp_path / str(steps)
        folder.mkdir()
        path = folder / "footfall.db"
        store = open_sqlite(path)
        store.create_organization(Organization("org", "Org", 0)).result()
        new = [accepted(customerId="ann-of-the-test"), accepted(customerId="bob")]
        store.append("org", new).result()
        store.close()
        done = subprocess.run(
            [sys.executable, "-c", DYING, str(path), str(steps)],
            cwd=Path(__file__).parents[2],
            check=False,
        )
        store = open_sqlite(path)
        with pytest.raises(ContactUnknown):
            store.page(EventQuery("org", "ann-of-the-test"))
        assert store.finish_erasures().result() is False
        assert store.page(EventQuery("org")).count == 1
        assert in_files(folder, b"ann-of-the-test") == []
        assert len(set(Journal(path).read())) == 1
        store.close()
        if done.returncode == 0:
            break
        assert done.returncode == 9
    assert steps > 4


def test_the_pseudonym_that_a_device_had_is_erased_with_its_person(world, tmp_path):
    world.set(pseudonymous=True)
    world.hear(ANN, 0, 10)
    world.close()
    world.log_in("ann", ANN, 12)
    pseudonym = digest_of(world, ANN).hex()
    assert any(e["customerId"] == pseudonym for e in world.events())
    world.store.erase("org", contact_of(world, "ann")).result()
    assert pseudonym not in json.dumps(world.events())
    assert in_files(tmp_path, pseudonym.encode()) == []


def test_answers_of_webhooks_are_erased_from_the_bytes(tmp_path):
    with World(open_sqlite(tmp_path / "footfall.db")) as world:
        store = world.store
        names = [f"guest-{n}" for n in range(40)]
        store.append("org", [accepted(customerId=name) for name in names]).result()
        hook = Webhook("w", "org", "https://a.example/", 0, ())

        def fill(transaction):
            made = transaction.webhooks.add(hook, EndpointState())
            for name in names:
                answer = f"answer about {name} ".encode() * 20
                tried = Attempt(1, Outcome.FAILED, 1, 1, b"", name, answer=answer)
                transaction.webhooks.add_attempts(made.number, [tried])

        store.transaction("org", fill).result()
        for name in names[::3]:
            store.erase("org", name).result()
            assert in_files(tmp_path, f"answer about {name} ".encode()) == []
        [made] = store.read("org", lambda t: t.webhooks.all())
        query = DeliveryQuery(limit=100)
        left = store.read("org", lambda t: t.webhooks.deliveries(made.number, query))
        assert len(left) == len(names) - len(names[::3])
