"""Prints the figures of docs/performance.md, measured here and now.

Everything is a ratio within one run, on data from `footfall simulate`, so it holds on a
slow or shared machine. Whatever is compared is measured in turns. The first run makes
the simulated stores and keeps them in `bench/data`, or in the folder that BENCH_DATA
names (some minutes).

Options: `--events N` for another size of the large store than 5 million;
`--store postgresql://…` for that engine; `--only` with the names of some parts:
presence, people, exports, starting, pages, sending, duplicates, growing, erasure,
growth, streams, analytics, sqlite.

The part `peers` runs only where it is named: it compares footfall with what somebody
might take instead, on a million events or `--events N`.
"""

import argparse
import contextlib
import functools
import itertools
import json
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import charts
import observing as presence
import streams
import writing
from measuring import Connection, in_turns, peak_mb, rate, run_all, timed
from rich.console import Console
from rich.table import Table
from stores import DATA, ORG, Postgres, SQLite, engine_of, fresh_batches, prepare

from footfall import clock, service, settings
from footfall.core import instants
from footfall.core.access import Role
from footfall.flows.accounts import tenants
from footfall.flows.accounts.tokens import Tokens
from footfall.runtime.keys import derive_key
from footfall.simulation import chain

SMALL = 100_000
LARGE = 5_000_000
EXPORTED = 1_000_000
COMPARED = 1_000_000
PEERS = ("asyncpg", "datasette", "sqlalchemy")
SCOPES = ("organization_read", "organization_write", "analytics_read")


def stream(address: str, token: str, path: str, file: IO[bytes] | None = None) -> int:
    """Read a whole answer in chunks, perhaps into a file; return its bytes."""
    connection = Connection(address, token)
    accept = "Accept: application/x-ndjson\r\n"
    head = f"GET {path} HTTP/1.1\r\n{connection.head}{accept}\r\n"
    connection.socket.sendall(head.encode())
    buffer, size, tail = bytearray(1 << 20), 0, b""
    while not tail.endswith(b"0\r\n\r\n"):
        count = connection.socket.recv_into(buffer)
        assert count, "the answer broke off"
        size += count
        if file is not None:
            file.write(buffer[:count])
        tail = (tail + buffer[max(0, count - 8) : count])[-8:]
    connection.socket.close()
    return size


class Bench:
    """A store with a server on it, and a token."""

    def __init__(self, engine: SQLite | Postgres, name: str):
        self.engine = engine
        self.name = name
        chosen = engine.settings(name)
        self.url = chosen.store
        store = service.open_store(chosen)
        made = tenants.create_service(
            store, ORG, Role.ORGANIZATION_MANAGER, SCOPES, clock.now()
        )
        secret = settings.signing_secret(chosen)
        tokens = Tokens(store, derive_key(secret, "token", 32))
        self.token = tokens.login(made.client_key, made.client_secret, clock.now())
        store.close()

    @contextmanager
    def served(self, *command: str) -> Iterator[tuple[str, int]]:
        process = subprocess.Popen(
            [sys.executable, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ
            | {"FOOTFALL_RATE": "1000000", "FOOTFALL_BURST": "1000000"}
            | {"FOOTFALL_RADIUS_PORT": "0"},
        )
        assert process.stdout
        try:
            address = re.findall(r"http://\S+", process.stdout.readline())[0]
            yield address, process.pid
        finally:
            process.terminate()
            process.wait()

    def server(self, *more: str):
        return self.served(
            "-m", "footfall", "serve", "--store", self.url, "--port", "0", *more
        )

    def constant(self, folder: Path):
        here = str(Path(__file__).parent / "constant.py")
        return self.served(here, self.url, str(folder))


Figure = tuple[str, str, str, bool]
Part = Callable[[], Iterator[Figure]]


def at_least(what: str, found: float, limit: float) -> Figure:
    return what, f"{found:.2f}", f">= {limit}", found >= limit


def at_most(what: str, found: float, limit: float) -> Figure:
    return what, f"{found:.2f}", f"<= {limit}", found <= limit


def pages(bench: Bench) -> Iterator[Figure]:
    """Large and small pages against the constant handler."""
    events = f"/v1/organizations/{ORG}/events"
    folder = DATA / "constant"
    folder.mkdir(exist_ok=True)
    with bench.server() as (address, _):
        connection = Connection(address, bench.token)
        for size in (20, 10_000):
            (folder / str(size)).write_bytes(
                connection.request(f"{events}?size={size}")
            )
        with bench.constant(folder) as (ceiling, _):
            other = Connection(ceiling, bench.token)
            ours, theirs = in_turns(
                25,
                lambda: connection.request(f"{events}?size=10000"),
                lambda: other.request(f"/constant/{ORG}/10000"),
            )
            size_mb = (folder / "10000").stat().st_size / 1e6
            what = (
                f"page of 10,000 ({size_mb:.1f} MB: {ours * 1e3:.1f} ms) "
                "against constant bytes"
            )
            yield at_least(what, theirs / ours, 0.25)
            took: list[list[float]] = [[], []]
            for _ in range(4):
                took[0].append(
                    rate(address, bench.token, [f"{events}?size=20"], 1.5, 8)
                )
                took[1].append(
                    rate(ceiling, bench.token, [f"/constant/{ORG}/20"], 1.5, 8)
                )
            ours, theirs = map(statistics.median, took)
            what = f"pages of 20 ({ours:.0f} requests/s) against constant bytes"
            yield at_least(what, ours / theirs, 0.5)


def working(bench: Bench) -> Iterator[Figure]:
    """Small pages of two workers against those of one; the client takes its share."""
    paths = [f"/v1/organizations/{ORG}/events?size=20"]
    with (
        bench.server() as (one, _),
        bench.server("--workers", "2") as (two, _),
    ):
        rates = [
            [rate(address, bench.token, paths, 1.5, 16) for address in (one, two)]
            for _ in range(4)
        ]
    alone, both = map(statistics.median, zip(*rates, strict=True))
    what = f"pages of 20 of two workers ({both:.0f} requests/s) against one"
    yield at_least(what, both / alone, 1.3)


def exporting(bench: Bench) -> Iterator[Figure]:
    """The export of all events, in lines, against a constant stream as large."""
    path = f"/v1/organizations/{ORG}/events"
    folder = DATA / "constant"
    folder.mkdir(exist_ok=True)
    with bench.server() as (address, pid):
        with (folder / "export").open("wb") as file:
            size = stream(address, bench.token, path, file)
        constant = f"/constant/{ORG}/export/stream"
        with bench.constant(folder) as (ceiling, _):
            ordered, arrived, theirs = in_turns(
                5,
                lambda: stream(address, bench.token, path),
                lambda: stream(address, bench.token, f"{path}?sortBy=receivedTime"),
                lambda: stream(ceiling, bench.token, constant),
            )
        (folder / "export").unlink()
        what = f"NDJSON export of {count_of(bench)} ({size / 1e6:,.0f} MB"
        for order, ours in (("", ordered), (" by arrival", arrived)):
            rate_mb = f"{size / ours / 1e6:,.0f} MB/s)"
            against = f"{what}: {rate_mb}{order} against constant bytes"
            yield at_least(against, theirs / ours, 0.5)
        yield at_most("server's memory after exports, MB", peak_mb(pid), 200)


def growth(small: Bench, large: Bench) -> Iterator[Figure]:
    """The same page in a large store and in a small one."""
    contacts = [b.engine.contact(b.name, 25) for b in (small, large)]
    with small.server() as (small_at, _), large.server() as (large_at, pid):
        few = Connection(small_at, small.token)
        many = Connection(large_at, large.token)
        base = f"/v1/organizations/{ORG}"
        paths = {
            "organization": [f"{base}/events?size=100&sortReverse=true"] * 2,
            "contact": [f"{base}/customers/{c}/events?size=20" for c in contacts],
            "one rare type": [f"{base}/events?size=100&events=survey"] * 2,
        }
        for name, (small_path, large_path) in paths.items():
            one, other = in_turns(
                200,
                lambda path=small_path: few.request(path),
                lambda path=large_path: many.request(path),
            )
            what = f"{name}: time at {count_of(large)} against {count_of(small)}"
            yield at_most(what, other / one, 1.5)
        both_loads(large_at, large)
        yield at_most("server's memory after both loads, MB", peak_mb(pid), 300)


def both_loads(address: str, large: Bench) -> None:
    """Large pages, small pages and sends, all at once."""
    base = f"/v1/organizations/{ORG}/events"
    batch = next(fresh_bodies(1, seed=clock.now()))

    def large_pages() -> None:
        connection = Connection(address, large.token)
        for _ in range(60):
            connection.request(f"{base}?size=10000")

    def sends() -> None:
        connection = Connection(address, large.token)
        for _ in range(40):
            connection.request(base, batch)

    run_all(
        [threading.Thread(target=large_pages) for _ in range(2)]
        + [threading.Thread(target=sends) for _ in range(2)]
    )
    rate(address, large.token, [f"{base}?size=20"], 3, 8)


def fresh_bodies(count: int, seed: int) -> Iterator[bytes]:
    """Yield bodies of 500 events that no store has yet."""
    for batch in fresh_batches(count, seed):
        yield b"[" + b",".join([event.body for event in batch]) + b"]"


def sending(small: Bench) -> Iterator[Figure]:
    """Sends over HTTP against inserting ready rows into the same tables."""
    rounds, batches, senders = 3, 60, 4
    took: list[list[float]] = [[], []]
    engine = small.engine
    for number in range(rounds):
        copied(small)
        target = Bench(engine, "sending")
        seed = 1_000 + number
        bodies = list(fresh_bodies(batches, seed))
        with target.server() as (address, _):
            shares = [bodies[n::senders] for n in range(senders)]

            def work(share: list[bytes], at: str = address, t: Bench = target) -> None:
                connection = Connection(at, t.token)
                for body in share:
                    connection.request(f"/v1/organizations/{ORG}/events", body)

            began = time.perf_counter()
            run_all([threading.Thread(target=work, args=(s,)) for s in shares])
            took[0].append(time.perf_counter() - began)
        copied(small)
        ready = list(fresh_batches(batches, seed))
        took[1].append(engine.write_directly("sending", ready))
    engine.remove("sending")
    ours, theirs = map(statistics.median, took)
    events = batches * 500
    yield at_least(
        f"sending in 500s, synced ({events / ours:,.0f} events/s) "
        f"against {engine.direct} of ready rows",
        theirs / ours,
        0.5,
    )


def repeating(small: Bench) -> Iterator[Figure]:
    """Sends of events that are stored already, against fresh ones."""
    rounds, batches, senders = 5, 60, 4
    took: list[list[float]] = [[], []]
    copied(small)
    target = Bench(small.engine, "sending")
    path = f"/v1/organizations/{ORG}/events"
    with target.server() as (address, _):
        connections = [Connection(address, target.token) for _ in range(senders)]
        sends = [functools.partial(one.request, path) for one in connections]
        for number in range(rounds):
            bodies = list(fresh_bodies(batches, 2_000 + number))
            for times in took:
                times.append(writing.send_all(bodies, sends))
    small.engine.remove("sending")
    fresh, again = map(statistics.median, took)
    events = batches * 500
    yield at_least(
        f"duplicates ({events / again:,.0f} events/s) against fresh events "
        f"({events / fresh:,.0f} events/s)",
        fresh / again,
        1.5,
    )


def sending_as_it_grows(small: Bench, large: Bench) -> Iterator[Figure]:
    """Sends of known contacts' events, as they happen, to a large store and a small."""
    rounds, batches, senders = 6, 60, 4
    path = f"/v1/organizations/{ORG}/events"
    copied(small)
    target = Bench(small.engine, "sending")
    contacts = [b.engine.contacts(b.name) for b in (target, large)]
    took: list[list[float]] = [[], []]
    with target.server() as (small_at, _), large.server() as (large_at, pid):
        for number in range(-1, rounds):
            for times, (address, bench), known in zip(
                took, ((small_at, target), (large_at, large)), contacts, strict=True
            ):
                connections = [Connection(address, bench.token) for _ in range(senders)]
                sends = [functools.partial(one.request, path) for one in connections]
                bodies = writing.bodies(known, batches, number)
                seconds = writing.send_all(bodies, sends)
                # The first round fills the caches.
                if number >= 0:
                    times.append(seconds)
        memory_mb = peak_mb(pid)
    small.engine.remove("sending")
    few, many = map(statistics.median, took)
    events = batches * writing.BATCH
    yield at_least(
        f"sending at {count_of(large)} ({events / many:,.0f} events/s) against "
        f"{count_of(small)} ({events / few:,.0f} events/s)",
        few / many,
        0.6,
    )
    yield at_most("server's memory after these sends, MB", memory_mb, 400)


def erasing(large: Bench) -> Iterator[Figure]:
    """Erasures of contacts with 100,000 events, and what another write waits."""
    rounds, batches, senders = 3, 200, 4
    base = f"/v1/organizations/{ORG}"
    waits, took = [], []
    with large.server() as (address, _):
        for _ in range(rounds):
            connections = [Connection(address, large.token) for _ in range(senders)]
            sends = [
                functools.partial(one.request, f"{base}/events") for one in connections
            ]
            contact = f"erased-{clock.now()}"
            # Over two months, as those of a contact are, so its rows lie all over.
            writing.send_all(
                writing.bodies([contact], batches, 1, spread_s=25_000), sends
            )
            done = threading.Event()
            eraser = Connection(address, large.token)
            path = f"{base}/customers/{contact}"
            request = functools.partial(eraser.request, path, method="DELETE")

            def erase(request=request, over=done) -> None:
                began = time.perf_counter()
                request()
                took.append(time.perf_counter() - began)
                over.set()

            thread = threading.Thread(target=erase)
            thread.start()
            one = functools.partial(writing.event_body, "bystander")
            beside = Connection(address, large.token)
            send = functools.partial(beside.request, f"{base}/events")
            waits.append(writing.longest_wait(send, one, done))
            thread.join()
    what = (
        f"longest wait of a write beside the erasure of 100,000 events of "
        f"{count_of(large)} ({statistics.median(took):.1f} s), ms"
    )
    yield at_most(what, statistics.median(waits) * 1e3, 100)


def copied(small: Bench) -> None:
    """Have a store \"sending\" that is as the small one."""
    engine = small.engine
    engine.remove("sending")
    if isinstance(engine, SQLite):
        engine.copy(small.name, "sending")
    else:
        prepare(engine, SMALL, "sending")


def against_sqlite(large: Bench, count: int) -> Iterator[Figure]:
    """Large pages of another engine against SQLite's."""
    other = Bench(SQLite(), prepare(SQLite(), count))
    with large.server() as (one_at, _), other.server() as (other_at, _):
        one = Connection(one_at, large.token)
        two = Connection(other_at, other.token)
        path = f"/v1/organizations/{ORG}/events?size=10000"
        ours, theirs = in_turns(
            25, lambda: one.request(path), lambda: two.request(path)
        )
        what = f"page of 10,000 ({ours * 1e3:.1f} ms) against SQLite's"
        yield at_most(what, ours / theirs, 3)


def observing(engine: SQLite | Postgres) -> Iterator[Figure]:
    """Observations with 100,000 stays open, against events on the same server."""
    engine.remove("observing")
    presence.prepare(engine.settings("observing"), ORG)
    bench = Bench(engine, "observing")
    rounds, count, senders = 5, 80, 4
    took: list[list[float]] = [[], []]
    with bench.server() as (address, pid):
        connections = [Connection(address, bench.token) for _ in range(senders)]

        def to(what: str) -> list[Callable[[bytes], bytes]]:
            path = f"/v1/organizations/{ORG}/{what}"
            return [functools.partial(one.request, path) for one in connections]

        # SQLite's page cache has its own limit, so it is filled before.
        presence.send_all(list(fresh_bodies(400, seed=4_999)), to("events"))
        before = presence.resident_kb(pid)
        for minutes in (60, 31):
            everybody = list(presence.everybody(minutes))
            presence.send_all(everybody, to("observations"))
        after = presence.resident_kb(pid)
        for number in range(rounds):
            seen = presence.batches(count, seed=1 + number)
            events = list(fresh_bodies(count, seed=5_000 + number))
            took[0].append(presence.send_all(seen, to("observations")))
            took[1].append(presence.send_all(events, to("events")))
    ours, theirs = map(statistics.median, took)
    rate = count * presence.BATCH / ours
    what = f"observations in 500s, synced, {presence.OPEN_STAYS:,} stays open"
    wanted = 20_000 if isinstance(engine, SQLite) else 10_000
    yield at_least(f"{what}: a second", rate, wanted)
    events_rate = count * presence.BATCH / theirs
    yield at_least(f"{what}: against events ({events_rate:,.0f}/s)", theirs / ours, 0.3)
    memory_kb = (after - before) / presence.OPEN_STAYS
    yield at_most("memory for each open stay, kB", memory_kb, 1)
    engine.remove("observing")


def meeting(engine: SQLite | Postgres) -> Iterator[Figure]:
    """Observations of new people: a contact, a device, a stay and an event each."""
    engine.remove("people")
    presence.prepare(engine.settings("people"), ORG)
    bench = Bench(engine, "people")
    rounds, count, senders = 6, 40, 4
    path = f"/v1/organizations/{ORG}/observations"
    with bench.server() as (address, _):
        connections = [Connection(address, bench.token) for _ in range(senders)]
        sends = [functools.partial(one.request, path) for one in connections]
        took = [
            presence.send_all(presence.newcomers(count, number), sends)
            for number in range(rounds)
        ]
    engine.remove("people")
    rate = count * presence.BATCH / statistics.median(took)
    yield at_least("new people, in 500s, synced: a second", rate, 10_000)


def starting() -> Iterator[Figure]:
    """The cost of starting a command."""
    python = sys.executable
    footfall = str(Path(python).with_name("footfall"))
    commands = [[python, "-c", "import footfall"], [footfall, "--help"]]
    each = timed(
        15,
        lambda: subprocess.run([python, "-c", ""], check=True),
        *(
            lambda c=command: subprocess.run(c, check=True, stdout=subprocess.DEVNULL)
            for command in commands
        ),
    )
    # The best of each: the work is always the same, and the rest is noise.
    bare, package, text = map(min, each)
    yield at_most("import footfall, s (over bare Python)", package - bare, 0.05)
    yield at_most("footfall --help, s", text, 0.3)


def count_of(bench: Bench) -> str:
    return f"{int(bench.name):,}"


def streaming(small: Bench) -> Iterator[Figure]:
    """A thousand live streams of one organization."""
    copied(small)
    target = Bench(small.engine, "sending")
    with target.server() as (address, pid):
        found = streams.stream(address, f"Bearer {target.token}", ORG, pid)
    small.engine.remove("sending")
    what = f"{streams.STREAMS:,} live streams"
    late = found.percentile(0.99)
    yield at_most(f"{what}: from commit to client, p99, ms", late, 250)
    yield at_most(f"{what}: server's memory, MB", found.server_mb, 500)


def charting(engine: SQLite | Postgres, events: int) -> Iterator[Figure]:
    """A year's chart by day."""
    name = f"year{events}"
    if not engine.has(name):
        engine.remove("preparing")
        charts.prepare(engine.settings("preparing"), events)
        engine.rename("preparing", name)
    bench = Bench(engine, name)
    with bench.server() as (address, _):
        connection = Connection(address, bench.token)
        own, _ = charts.chart(connection)
        one, rows = charts.chart(connection, timezone="UTC")
    began = time.perf_counter()
    charts.check(rows, charts.scan(engine.settings(name)))
    scanned = time.perf_counter() - began
    what = f"a year's visits and visitors by day over {events:,} events"
    yield at_most(f"{what} (a scan takes {scanned:,.1f} s), ms", one * 1e3, 100)
    yield at_most("the same by the days of each venue's own zone, ms", own * 1e3, 100)


def counting(small: Bench) -> Iterator[Figure]:
    """How soon an event is in the figures."""
    copied(small)
    target = Bench(small.engine, "sending")
    base, today = f"/v1/organizations/{ORG}", instants.format_instant(clock.now())[:10]
    asked = f"{base}/analytics/timeseries?metrics=logins&from={today}&to={today}"
    took = []
    with target.server() as (address, _):
        connection = Connection(address, target.token)
        for number in range(20):
            before = connection.request(asked)
            at = instants.format_instant(clock.now())
            login = {
                "customerId": f"somebody-{number}",
                "event": {"type": "login"},
                "when": {"createdAt": at},
            }
            connection.request(f"{base}/events", json.dumps(login).encode())
            began = time.perf_counter()
            while connection.request(asked) == before:
                assert time.perf_counter() < began + 20, "it is not counted"
            took.append(time.perf_counter() - began)
    small.engine.remove("sending")
    yield at_most(
        "from an event's commit until it is counted, s, at most", max(took), 2
    )


def against_peers(url: str, count: int) -> Iterator[Figure]:
    """What somebody might take instead, on the same events."""
    if missing := [name for name in PEERS if find_spec(name) is None]:
        sys.exit(
            f"{', '.join(missing)} not installed: run .venv/bin/pip install"
            " -c constraints.txt -e '.[bench]'"
        )
    # Only here, as all else runs without these packages.
    from peers import compare, servers  # noqa: PLC0415

    with contextlib.ExitStack() as stack:
        address = url or stack.enter_context(servers.postgres.cluster()).address
        folder = Path(stack.enter_context(TemporaryDirectory(dir=DATA)))
        others = servers.peers(folder, address, stack)
        instants = []
        for day in chain.simulate(ORG, count, 1, 60):
            for other in others:
                other.load([event.body for event in day])
            instants += [event.created_at for event in day]
        own = []
        for name, engine in (("SQLite", SQLite()), ("PostgreSQL", Postgres(address))):
            engine.remove("peers")
            stack.callback(engine.remove, "peers")
            bench = Bench(engine, prepare(engine, count, "peers"))
            own.append(servers.Footfall(f"footfall on {name}", bench, ORG))
        fresh = ([event.body for event in batch] for batch in fresh_batches(500, 77))
        run = compare.rounds(instants[: count // 2], count, fresh)
        compared = [*own, *others]
        found = compare.compare(compared, run)
    table = Table("", *found)
    lines = dict(
        zip(
            [one.name for one in compared],
            zip(*found.values(), strict=True),
            strict=True,
        )
    )
    for name, each in lines.items():
        table.add_row(name, *(f"{figure:,.1f}" for figure in each))
    Console(width=130).print(table)
    figures = {"events": count, "measures": list(found), "servers": lines}
    (DATA / "peers.json").write_text(json.dumps(figures))
    yield from ()  # nothing here is wanted; it is to be known


def parts_of(url: str, chosen: int | None) -> dict[str, Part]:
    """Return the parts by their names; a part makes its stores when it begins."""
    engine, events = engine_of(url), chosen or LARGE

    def small() -> Bench:
        return Bench(engine, prepare(engine, SMALL))

    def large() -> Bench:
        return Bench(engine, prepare(engine, events))

    parts: dict[str, Part] = {
        "presence": lambda: observing(engine),
        "people": lambda: meeting(engine),
        "exports": lambda: exporting(Bench(engine, prepare(engine, EXPORTED))),
        "starting": starting,
        "pages": lambda: pages(small()),
        "workers": lambda: working(small()),
        "sending": lambda: sending(small()),
        "duplicates": lambda: repeating(small()),
        "erasure": lambda: erasing(large()),
        "growing": lambda: sending_as_it_grows(small(), large()),
        "growth": lambda: growth(small(), large()),
        "streams": lambda: streaming(small()),
        "analytics": lambda: itertools.chain(
            counting(small()), charting(engine, events)
        ),
        "peers": lambda: against_peers(url, chosen or COMPARED),
    }
    if isinstance(engine, Postgres):
        parts["sqlite"] = lambda: against_sqlite(large(), events)
    return parts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, help="size of the large store")
    parser.add_argument("--store", default="", help="postgresql://…; SQLite without")
    parser.add_argument("--only", nargs="*", help="names of parts")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    parts = parts_of(arguments.store, arguments.events)
    figures: list[Figure] = []
    for name in arguments.only or (part for part in parts if part != "peers"):
        for figure in parts[name]():
            print(*figure[:3], "ok" if figure[3] else "MISSED", file=sys.stderr)
            figures.append(figure)
    table = Table("what", "found", "wanted", "")
    for what, found, wanted, fine in figures:
        table.add_row(what, found, wanted, "ok" if fine else "MISSED")
    if figures:
        Console(soft_wrap=True).print(table)
    if arguments.json:
        print(json.dumps(figures))
    sys.exit(0 if all(figure[3] for figure in figures) else 1)


if __name__ == "__main__":
    main()
