"""Late logins: found by an index, written in bounded steps, lost in no crash."""

import apsw

from footfall.core.instants import MINUTE
from footfall.core.observations import (
    Login,
    Observation,
    PlaceReference,
    Rejection,
    Restart,
    SourceBatch,
    digest,
)
from footfall.core.places import Place, PlaceKind
from footfall.core.stays import Rules, Stay
from footfall.flows.accounts import tenants
from footfall.flows.presence import observe
from footfall.flows.presence.close_stays import RETRY_AFTER
from footfall.flows.presence.forget import forget
from footfall.flows.presence.reattribute import reattribute_all
from footfall.store.sqlite import observations
from footfall.store.transaction import StoredStay
from tests.flows.world import ANN, BOB, LATER, MADE_UP, START, World, seen
from tests.shared import open_sqlite, statements_run


def take_in(world, heard):
    """Take in a post, without the periodic jobs that follow."""
    world.store.transaction(
        "org", lambda transaction: observe.observe(transaction, heard, LATER)
    ).result()


def devices(count):
    return [bytes([0x0C, 1, 0, 0, n >> 8, n & 255]) for n in range(count)]


def late(device, minute):
    return Login(
        START + minute * MINUTE,
        PlaceReference(location="cafe"),
        (("username", device.hex()),),
        device,
    )


def statements(world, work, monkeypatch):
    """The most statements that a transaction of a piece of work runs."""
    store = world.store
    original = store.transaction
    most = 0

    def transaction(organization, job, **options):
        def counted(inside):
            nonlocal most
            with statements_run(inside, monkeypatch) as names:
                result = job(inside)
            most = max(most, len(names))
            return result

        return original(organization, counted, **options)

    with monkeypatch.context() as patch:
        patch.setattr(store, "transaction", transaction)
        work()
    return most


def test_many_late_logins_take_short_steps_that_read_no_observations(
    world, monkeypatch
):
    some = devices(500)
    for first in range(0, 500, 50):
        world.hear(some[first], *range(12))
    for device in some:
        take_in(world, SourceBatch([seen(device, m) for m in (1, 5, 9)]))
    heard = SourceBatch(logins=[late(device, 0) for device in some])

    def work():
        for part, _ in observe.steps(heard, observe.pace_of_steps()):
            take_in(world, part)
        reattribute_all(world.store, LATER)

    assert 0 < statements(world, work, monkeypatch) < 10_000
    world.close()
    assert len(world.visits()) == 500


def test_attribution_that_a_crash_left_is_done_later(world):
    world.hear(ANN, 0, 5, 9, 12)
    take_in(world, SourceBatch(logins=[late(ANN, 4)]))
    assert world.store.organizations_to_reattribute() == ["org"]
    reattribute_all(world.store, LATER)
    world.close()
    assert [v[2:] for v in world.visits()] == [(4, 12)]
    assert world.store.organizations_to_reattribute() == []


def test_a_device_is_found_inside_and_outside_the_device_indexes(monkeypatch, tmp_path):
    store = open_sqlite(tmp_path / "presence.db")
    world = World(store)
    monkeypatch.setattr("footfall.store.sqlite.INDEX_OBSERVATIONS", 40)
    for minute in range(0, 100, 5):
        world.hear(ANN, minute)
        world.take(SourceBatch([seen(device, minute) for device in devices(5)]))
    while store.index_observations():
        pass
    world.hear(ANN, 100)
    key = world.store.read(
        "org", lambda transaction: transaction.registry.load().device_key
    )
    ann = digest(key, ANN)
    found = world.store.read(
        "org",
        lambda transaction: list(
            transaction.observations.of_subjects({ann}, START, LATER)
        ),
    )
    assert sorted((k.at - START) // MINUTE for k in found) == list(range(0, 101, 5))
    connection = apsw.Connection(str(tmp_path / "presence.db"))
    indexes = connection.execute("SELECT count(*) FROM device_index").get
    assert indexes >= 2
    forget(world.store, LATER + 1, 0)
    assert connection.execute("SELECT count(*) FROM device_index_page").get == 0
    connection.close()
    store.close()


def test_pages_keep_a_device_whole():
    entries = [
        bytes(7) + bytes([d]) + n.to_bytes(4, "big") for d in (1, 2) for n in range(400)
    ]
    pages = list(observations._pages(entries))
    assert [len(observations.offsets(page, first)) for first, page in pages] == [
        400,
        400,
    ]


def test_a_large_post_comes_in_steps_in_the_order_of_time(world):
    logins = [late(device, n % 60) for n, device in enumerate(devices(450))]
    observations = [seen(ANN, n) for n in range(1_200, 0, -1)]
    heard = SourceBatch(observations, logins, (), (Rejection((), b"what"),))
    cut = list(observe.steps(heard, observe.pace_of_steps()))
    assert [is_last for _, is_last in cut] == [False] * (len(cut) - 1) + [True]
    parts = [part for part, _ in cut]
    assert max(len(p.logins) for p in parts) <= 25
    assert max(len(p.observations) for p in parts) <= 250
    assert [len(p.rejections) for p in parts] == [1] + [0] * (len(cut) - 1)
    times = [one.at for part in parts for one in part.observations]
    assert times == sorted(times)
    assert sum(len(p.logins) for p in parts) == 450


def lost_stay(contact, minute):
    """A stay at a location that there is not."""
    at = START + minute * MINUTE
    place = Place(PlaceKind.LOCATION, 999)
    return StoredStay(None, contact, place, Stay(at, at + 9 * MINUTE, at), Rules())


def test_stays_that_cannot_close_hold_up_no_others(world):
    """10,001 stays are at a location whose row is gone; one is another tenant's."""
    tenants.create_organization(world.store, "Other", "other", 0)

    def ruin(transaction):
        contact = transaction.people.put_contact("nobody")
        transaction.stays.put([lost_stay(contact, n) for n in range(10_001)])

    world.log_in("ann", ANN, 0, now=START)
    world.hear(ANN, 10, now=START + 10 * MINUTE)
    world.store.transaction("other", ruin).result()
    world.close()
    assert world.visits() == [("ann", "cafe", 0, 10)]


def test_a_stay_that_cannot_close_stops_no_other_of_its_organization(world):
    world.log_in("ann", ANN, 0, now=START)
    world.hear(ANN, 10, now=START + 10 * MINUTE)

    def ruin(transaction):
        contact = transaction.people.put_contact("nobody")
        transaction.stays.put([lost_stay(contact, 0)])

    world.store.transaction("org", ruin).result()
    world.close()
    assert world.visits() == [("ann", "cafe", 0, 10)]
    assert world.store.stays_due(LATER) == []
    assert world.store.stays_due(LATER + RETRY_AFTER) == ["org"]


def test_a_restart_in_the_future_is_rejected_and_ends_nothing(world):
    world.log_in("ann", ANN, 0, nas="n", session="s1")
    heard = SourceBatch(restarts=[Restart(LATER + 400 * 1440 * MINUTE, "n")])
    [rejection] = world.take(heard).rejections
    assert "future" in rejection.reason
    world.log_in("ann", ANN, 11, nas="n", session="s1")
    assert len(world.events("login")) == 1


def test_a_stored_session_end_in_the_future_hides_no_login(world):
    world.log_in("ann", ANN, 0, nas="n", session="s1")

    def wrong(transaction):
        transaction.stays._session.connection.execute(
            "UPDATE session SET ended_at = 3624379200000000"  # 2084
        )

    world.store.transaction("org", wrong).result()
    world.log_in("ann", ANN, 11, nas="n", session="s1")
    assert len(world.events("login")) == 2


def login_without_identities(device, minute):
    return Login(
        START + minute * MINUTE,
        PlaceReference(location="cafe"),
        (),
        device,
        str(minute),
    )


def test_a_login_without_identities_on_a_randomised_address_makes_no_contact(world):
    outcome = world.take(SourceBatch(logins=[login_without_identities(MADE_UP, 0)]))
    assert outcome.observed == 1
    assert world.events() == []
    world.log_in("ann", MADE_UP, 2)
    world.take(SourceBatch(logins=[login_without_identities(MADE_UP, 8)]))
    assert {world.name_of(e["customerId"]) for e in world.events("login")} == {"ann"}
    assert len(world.events("login")) == 2


def test_a_login_without_identities_on_a_fixed_address_makes_a_contact(world):
    world.take(
        SourceBatch(
            [Observation(START, PlaceReference(location="cafe"), BOB)],
            [login_without_identities(ANN, 0)],
        )
    )
    assert [e["event"]["type"] for e in world.events()] == [
        "signup",
        "arriving",
        "login",
    ]


def test_steps_of_a_post_are_smaller_after_one_that_took_long():
    logins = [late(device, 0) for device in devices(100)]
    pace = observe.pace_of_steps()
    sizes = []
    for part, _ in observe.steps(SourceBatch(logins=logins), pace):
        sizes.append(len(part.logins))
        pace.take_in(2 * observe.STEP_S)
    assert sizes[:4] == [25, 12, 6, 5]
    assert sum(sizes) == 100
