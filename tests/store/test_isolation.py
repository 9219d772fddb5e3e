"""One write never harms another: whatever it raises, however large it is."""

import inspect
import threading
from concurrent.futures import Future

import apsw
import pytest
from prometheus_client import REGISTRY

from footfall.core.access import Role, Service
from footfall.core.events.duplicates import is_duplicate
from footfall.core.observations import DIGEST_BYTES, StoredObservation
from footfall.core.queries import EventQuery, Sort
from footfall.errors import StoreError
from footfall.store import Appended, Organization, Store
from footfall.store.relational.keys import Keys
from footfall.store.relational.slices import slices_of
from footfall.store.sqlite import SLICE_BYTES_MIN, SLICE_EVENTS
from footfall.store.sqlite.writer import (
    COMMIT_BYTES,
    GROUP_MAX,
    LARGE_BYTES,
    SHARED_S,
    Writer,
)
from tests.shared import SEALING_KEY, open_sqlite
from tests.store.test_contract import bodies, new

# Every write of the protocol, and a call of it.
WRITES = {
    "append": lambda store: store.append("org", [new()]),
    "erase": lambda store: store.erase("org", "guest"),
    "create_organization": lambda store: store.create_organization(
        Organization("third", "Third", 3)
    ),
    "create_service": lambda store: store.create_service(
        Service("ck", "org", Role.PUBLIC_APP, (), 5), b"hash"
    ),
    "revoke_service": lambda store: store.revoke_service("ck", 5),
    "revoke_token": lambda store: store.revoke_token("token", 5, 5),
    "transaction": lambda store: store.transaction(
        "org", lambda transaction: transaction.registry.load()
    ),
    "forget": lambda store: store.forget(0, 0),
    "check": lambda store: store.check(),
    "finish_erasures": lambda store: store.finish_erasures(),
    "take_lease": lambda store: store.take_lease("job", "holder", 0, 9),
    "give_up_leases": lambda store: store.give_up_leases("holder"),
}


@pytest.fixture
def store(tmp_path):
    opened = open_sqlite(tmp_path / "footfall.db")
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def organizations(store):
    store.create_organization(Organization("org", "Org", 1)).result()
    store.create_organization(Organization("other", "Other", 2)).result()
    store.append("org", [new()]).result()


def hold_writer(store):
    """Keep the writer busy; returns what lets it go on."""
    started, go_on = threading.Event(), threading.Event()

    def work(_connection):
        started.set()
        go_on.wait(10)

    store._writer.submit(work)
    started.wait(10)
    return go_on


class Unexpected(BaseException):
    """Not even an Exception."""


def test_every_write_of_the_protocol_is_tried():
    futures = {
        name
        for name, method in inspect.getmembers(Store, inspect.isfunction)
        if "Future" in str(inspect.signature(method).return_annotation)
    }
    assert set(WRITES) == futures


def leave_bytes(store):
    """Leave an erasure of which bytes wait, so that there is something to finish."""
    store._writer.submit(
        lambda connection: connection.execute(
            "INSERT INTO erasure (organization, contact, entry, state, body) "
            "VALUES (1, 99, x'00', 1, x'00')"
        ).fetchall()
    ).result()


@pytest.mark.parametrize("error", [Unexpected, ValueError, RecursionError, MemoryError])
@pytest.mark.parametrize("name", WRITES)
def test_an_unexpected_exception_in_one_write_fails_that_write_alone(
    store, name, error, monkeypatch
):
    submit = Writer.submit

    def submit_raising(self, work, *, lane="", **how):
        def raising(connection):
            work(connection)
            raise error("unexpected")

        others = lane == "other"
        return submit(self, work if others else raising, lane=lane, **how)

    leave_bytes(store)
    go_on = hold_writer(store)
    beside = [store.append("other", [new()]) for _ in range(20)]
    with monkeypatch.context() as patch:
        patch.setattr(Writer, "submit", submit_raising)
        failing = WRITES[name](store)
        beside += [store.append("other", [new()]) for _ in range(20)]
        go_on.set()
        assert isinstance(failing.exception(10), error)
    assert [future.result(10) for future in beside] == [Appended(1)] * 40
    assert store.page(EventQuery("other", size=100)).count == 40


def test_what_a_failed_write_did_is_undone(store):
    def work(connection):
        connection.execute("UPDATE organization SET name = 'Nobody'")
        raise ValueError

    future = store._writer.submit(work)
    assert isinstance(future.exception(10), ValueError)
    assert [one.name for one in store.organizations()] == ["Org", "Other"]


@pytest.mark.parametrize(
    "statement", ["SELECT * FROM nothing", "INSERT INTO body VALUES (1, x'00')"]
)
def test_a_wrong_statement_fails_its_write_alone(store, statement):
    go_on = hold_writer(store)
    beside = store.append("other", [new()])
    failing = store._writer.submit(lambda connection: connection.execute(statement))
    after = store.append("other", [new()])
    go_on.set()
    assert isinstance(failing.exception(10), apsw.Error | StoreError)
    assert beside.result(10) == after.result(10) == Appended(1)


def test_a_failure_of_the_engine_is_told_to_all_that_share_its_commit(store):
    go_on = hold_writer(store)
    beside = store.append("other", [new()])

    def fail(_connection):
        raise apsw.IOError

    failing = store._writer.submit(fail)
    go_on.set()
    assert isinstance(failing.exception(10), StoreError)
    assert isinstance(beside.exception(10), StoreError)
    assert store.append("other", [new()]).result(10) == Appended(1)


def test_a_cancelled_write_is_left_out_and_the_writer_goes_on(store):
    go_on = hold_writer(store)
    cancelled, after = store.append("org", [new("gone")]), store.append("org", [new()])
    assert cancelled.cancel()
    go_on.set()
    assert after.result(10) == Appended(1)
    assert "gone" not in [
        b["event"]["id"] for b in bodies(store.page(EventQuery("org")))
    ]


def test_a_small_write_waits_for_one_other_job_and_not_for_the_lane_of_another(store):
    go_on = hold_writer(store)
    order: list[str] = []
    futures: list[Future[object]] = [
        store._writer.submit(lambda _, n=n: order.append(f"large {n}"), lane="large")
        for n in range(10)
    ]
    futures.append(store._writer.submit(lambda _: order.append("small"), lane="small"))
    go_on.set()
    for future in futures:
        future.result(10)
    assert order.index("small") <= 1
    assert [name for name in order if name != "small"] == [
        f"large {n}" for n in range(10)
    ]


def commits_of(writer, jobs, size=0):
    """Let jobs wait, and count the commits that they came to."""
    store_held, go_on = threading.Event(), threading.Event()

    def hold(_connection):
        store_held.set()
        go_on.wait(10)

    writer.submit(hold)
    store_held.wait(10)
    count = 0

    def committed():
        nonlocal count
        count += 1
        return False

    futures = [
        writer.submit(job, lane=str(n % 2), size=size) for n, job in enumerate(jobs)
    ]
    writer._connection.set_commit_hook(committed)
    go_on.set()
    for future in futures:
        future.result(10)
    writer.close()
    return count


def writer_at(path, clock=lambda: 0.0):
    return Writer(path, Keys(SEALING_KEY), clock)


def writes(number):
    def work(connection):
        connection.execute(
            "INSERT INTO revoked_token (token_id, expires_at) VALUES (?, 0)",
            (str(number),),
        )

    return work


def test_quick_writes_share_a_commit(tmp_path):
    jobs = [writes(number) for number in range(GROUP_MAX - 1)]
    assert commits_of(writer_at(tmp_path / "db"), jobs) == 1


def test_a_commit_takes_no_more_jobs_once_it_has_lasted(tmp_path):
    ticks = iter(range(100_000))
    writer = writer_at(tmp_path / "db", lambda: float(next(ticks)))
    assert commits_of(writer, [writes(number) for number in range(8)]) >= 8


def test_a_commit_takes_as_many_bytes_as_are_written_in_time(tmp_path, monkeypatch):
    monkeypatch.setattr("footfall.store.sqlite.writer._MEMORY", 1)
    # So many bytes took 30 ms before, and a commit is to last 40 ms, or 50 alone.
    size = LARGE_BYTES - 1
    ticks = iter([0.0, 0.0, 0.0])
    writer = writer_at(tmp_path / "db", lambda: next(ticks, 0.03))
    writer.submit(writes("first"), lane="0", size=LARGE_BYTES).result(10)
    jobs = [writes(number) for number in range(8)]
    # The first of them joins what held the writer, and no other joins one of them.
    assert commits_of(writer, jobs, size=size) == 8


def test_a_commit_takes_no_more_jobs_once_it_is_large(tmp_path):
    size = LARGE_BYTES - 1
    jobs = [writes(number) for number in range(8 * COMMIT_BYTES // size)]
    assert commits_of(writer_at(tmp_path / "db"), jobs, size=size) >= 8


def test_a_large_job_does_not_join_the_commit_of_others(tmp_path):
    jobs = [writes(number) for number in range(4)]
    assert commits_of(writer_at(tmp_path / "db"), jobs, size=LARGE_BYTES) >= 4


def test_an_append_is_cut_smaller_where_a_byte_takes_longer(store):
    made = [new(f"id-{n}", pad="x" * 400) for n in range(SLICE_EVENTS)]
    bytes_max = sum(len(one.body) for one in made)
    store._writer._byte_s = 5 * SHARED_S / bytes_max
    assert SLICE_BYTES_MIN < store._writer.fitting_bytes < bytes_max / 4
    turns = "footfall_writer_turn_seconds_count"
    before = REGISTRY.get_sample_value(turns) or 0
    assert store.append("org", made).result(10) == Appended(len(made))
    assert (REGISTRY.get_sample_value(turns) or 0) - before > 1


def test_each_turn_is_told_to_the_metrics(store):
    count = "footfall_writer_turn_seconds_count"
    before = REGISTRY.get_sample_value(count) or 0
    store.append("org", [new()]).result(10)
    store.append("org", [new()]).result(10)
    assert (REGISTRY.get_sample_value(count) or 0) - before == 2


def test_a_lane_that_had_its_turn_goes_behind_one_that_came_meanwhile(tmp_path):
    writer = writer_at(tmp_path / "db")
    began, go_on, order = threading.Event(), threading.Event(), []

    def hold(_connection):
        began.set()
        go_on.wait(10)

    jobs = [writer.submit(hold, lane="large")]
    jobs.append(writer.submit(lambda _: order.append("large"), lane="large"))
    began.wait(10)
    jobs.append(writer.submit(lambda _: order.append("small"), lane="small"))
    go_on.set()
    for job in jobs:
        job.result(10)
    writer.close()
    assert order == ["small", "large"]


def test_long_reading_gives_way_to_a_turn(store, monkeypatch):
    monkeypatch.setattr("footfall.store.sqlite.writer.GIVE_WAY_S", 10)
    order, reading = list[str](), threading.Event()

    def read(transaction):
        assert list(transaction.observations.between(0, 10)) == heard
        order.append("reading")

    def turn(_connection):
        reader.start()
        reading.wait(10)
        order.append("turn")

    def give_way():
        reading.set()
        Writer.give_way(store._writer)

    heard = [StoredObservation(b"1" * DIGEST_BYTES, 0, 1)]
    store.transaction("org", lambda t: t.observations.add(heard, 0)).result(10)
    monkeypatch.setattr(store._writer, "give_way", give_way)
    reader = threading.Thread(target=store.read, args=("org", read))
    store._writer.submit(turn).result(10)
    reader.join(10)
    assert order == ["turn", "reading"]


def test_slices_hold_a_few_bytes_each_and_all_events_in_their_order():
    made = [new(f"id-{n}", pad="x" * 60_000) for n in range(40)]
    cut = slices_of(made, 1_000, 1_000_000)
    assert [event for one in cut for event in one] == made
    assert all(sum(len(event.body) for event in one) <= 1_000_000 for one in cut)
    assert len(cut) == 3


def test_slices_hold_a_few_events_each():
    made = [new(f"id-{n}") for n in range(25)]
    assert [len(one) for one in slices_of(made, 10, 1_000_000)] == [10, 10, 5]


def test_a_large_append_is_written_in_slices_and_answered_as_one(store):
    made = [new(f"id-{n}") for n in range(2 * SLICE_EVENTS + 10)]
    store.append("org", [made[5]]).result()
    changed = [new(f"id-{n}", extra=1) for n in (3, SLICE_EVENTS + 1, 2 * SLICE_EVENTS)]
    store.append("org", changed).result()
    answer = store.append("org", made).result()
    assert answer == Appended(len(made) - 4, 1, (3, SLICE_EVENTS + 1, 2 * SLICE_EVENTS))
    seen = store.page(EventQuery("org", sort=Sort.RECEIVED_TIME, size=10_000))
    assert seen.count == len(made) + 1


@pytest.mark.parametrize(
    "body",
    [b'{"x":1e400}', b'{"x":' + b"1" * 5_000 + b"}", b'{"x":"\\ud800"}', b"{", b"[]"],
)
def test_bytes_that_cannot_be_compared_are_the_same_only_byte_for_byte(body):
    assert is_duplicate(body, body)
    assert not is_duplicate(body, b'{"x":1}')
    assert not is_duplicate(b'{"x":1}', body)


def test_a_stored_number_beyond_a_double_sent_again_harms_nobody(store):
    value = new("odd")
    odd = type(value)(
        **{name: getattr(value, name) for name in value.__struct_fields__}
        | {"body": b'{"x":1e400}', "sent": b'{"x":1e400}'}
    )
    assert store.append("org", [odd]).result() == Appended(1)
    go_on = hold_writer(store)
    again, beside = store.append("org", [odd]), store.append("other", [new()])
    go_on.set()
    assert (again.result(10), beside.result(10)) == (Appended(0, 1), Appended(1))
