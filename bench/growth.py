"""Prints how a page's time grows with the store, and how fast it still takes events.

Stores of the same year, each far denser than the one before, filled by SQL inside
SQLite. The time is that of `store.page` alone, without HTTP, the best of a few turns:
every order, type, date and contact. The rate is that of `store.append` alone, of events
of known contacts, all over the indexes. Last, what a write waits beside the erasure
of a contact with 100,000 events, in the largest.

Options: `--sizes N…` (20 million take about ten minutes and 12 GB), `--folder F` (kept
for the next run; the figures too, for plot.py), `--all` for a line each.
"""

import argparse
import functools
import itertools
import json
import re
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import writing
from rich.console import Console
from rich.table import Table

from footfall import clock, service, settings
from footfall.core import bodies, instants
from footfall.core.events.acceptance import accept
from footfall.core.events.structs import NewEvent
from footfall.core.events.types import TYPE_NUMBERS, TYPES
from footfall.core.instants import DAY, HOUR
from footfall.core.queries import EventQuery, Sort
from footfall.flows.events import ingest
from footfall.store import Organization, Store
from footfall.store.sqlite.statements import migrations

ORG, CONTACT = "growth", "somebody"
START = instants.parse_instant("2025-01-01T00:00:00Z")
YEAR = 365 * DAY
SIZE = 20
ROUNDS = 7
RATIO_MAX, RATE_MIN, WAIT_MS_MAX = 1.5, 0.6, 100
SEND_CONTACTS, SEND_ROUNDS, SEND_BATCHES = 4_000, 6, 20
ERASED_BATCHES, ERASED_ROUNDS = 200, 3
SIZES = [100_000, 5_000_000, 20_000_000]
RARE = TYPE_NUMBERS["promo"]

# Events arrive an hour early or late, from three zones; 40 are of a rare type and 25
# are one contact's, however many there are.
FILL = f"""
WITH RECURSIVE numbers (n) AS (
  SELECT 2 UNION ALL SELECT n + 1 FROM numbers LIMIT :count - 1
)
INSERT INTO event
SELECT n, 1, iif(n % (:count / 25) = 1, 1, 2 + abs(random() % (:count / 25))),
  iif(n % (:count / 40) = 2, {RARE}, abs(random() % {RARE})), {{at}},
  {{at}} + (CASE abs(random() % 3) WHEN 0 THEN -8 WHEN 1 THEN -7 ELSE 1 END)
    * {HOUR},
  randomblob(17)
FROM numbers
""".format(at=f"{START} + n * ({YEAR} / :count) + n * 39373 % {2 * HOUR} - {HOUR}")
BODIES = """
INSERT INTO body
SELECT number,
  CAST(format('{"n":%d,"pad":"%s"}', number, hex(randomblob(100))) AS BLOB)
FROM event WHERE number > 1
"""


def prepare(folder: Path, count: int) -> Store:
    """Open a store of `count` events, or make it."""
    path = folder / f"growth-{count}.db"
    chosen = settings.Settings(store=f"sqlite:{path}")
    # Else it would give way to a server after each commit.
    opened = functools.partial(service.open_store, chosen, serving=True)
    if path.exists():
        return opened()
    store = opened()
    store.create_organization(Organization(ORG, "Growth", START)).result()
    # Adds the contact, because SQL cannot make its digest.
    body = b'{"customerId":"%s","event":{"type":"login"}}' % CONTACT.encode()
    made = accept(body, ORG, START, lambda: "0" * 32)
    store.append(ORG, [made]).result()
    store.close()
    fill(path, count)
    return opened()


def fill(path: Path, count: int) -> None:
    """Fill the tables, then rebuild the indexes and the summaries."""
    connection = apsw.Connection(str(path))
    connection.pragma("journal_mode", "off")
    connection.pragma("synchronous", "off")
    connection.pragma("cache_size", -1_000_000)
    sql = "SELECT name, sql FROM sqlite_schema WHERE tbl_name = 'event' AND sql LIKE ?"
    indexes = connection.execute(sql, ("CREATE % INDEX%",)).fetchall()
    indexes += connection.execute(sql, ("CREATE INDEX%",)).fetchall()
    steps = [f"DROP INDEX {name}" for name, _ in indexes]
    steps += [FILL, BODIES, *(made for _, made in indexes)]
    steps += [f"DELETE FROM {table}" for table in ("event_summary", "day_offset")]
    with connection:
        for step in steps:
            connection.execute(step, {"count": count} if ":count" in step else None)
        began = time.perf_counter()
        connection.execute(summing())
        connection.execute("UPDATE organization SET arrival = ?", (count,))
    took = time.perf_counter() - began
    print(f"summaries of {count:,} events made in {took:.1f} s", file=sys.stderr)
    connection.close()


def summing() -> str:
    """Return the migrations' statements that fill the summaries."""
    summaries, offsets, levels = migrations()[7:10]
    # With the present names. The first also filled an older form of the offsets.
    start, end = "INSERT INTO event_block", "INSERT INTO day_offset"
    first = summaries[summaries.index(start) : summaries.index(end)]
    for old, new in (("_block", "_summary"), ("arrival", "number")):
        first = re.sub(rf"(?<!by_){old}\b", new, first)
    return (
        first
        + offsets[offsets.index(end) :]
        + levels[levels.index("INSERT INTO event_summary") :]
    )


TYPE_CHOICES = {
    "all types": (),
    "one type": (2,),
    "a rare type": (RARE,),
    "three types": (1, 3, RARE),
    "all types but one": tuple(range(1, len(TYPES))),
}
MIDDLE = START + YEAR // 2
DAYS = {
    "always": (None, None),
    "from late on": (START + 11 * YEAR // 12, None),
    "until early": (None, START + YEAR // 12),
    "a month": (MIDDLE, MIDDLE + 30 * DAY),
    "a day": (MIDDLE, MIDDLE + DAY),
    "eight hours": (MIDDLE, MIDDLE + 8 * HOUR),
    "none of it": (START + 10 * YEAR, None),
}


def queries() -> Iterator[tuple[tuple[str, ...], EventQuery]]:
    """Yield each combination: its name, and the query."""
    for sort, reverse, types, days, contact in itertools.product(
        Sort, (False, True), TYPE_CHOICES, DAYS, (None, CONTACT)
    ):
        name = (sort, "reverse" if reverse else "", types, days, contact or "")
        span, kinds = DAYS[days], TYPE_CHOICES[types]
        yield name, EventQuery(ORG, contact, *span, kinds, sort, reverse, SIZE)


def best(stores: list[Store], query: EventQuery) -> list[tuple[float, int]]:
    """Return each store's best time in milliseconds, and how many events it gave.

    It includes the page that follows, which scrolls read.
    """
    places = [store.page(query).last for store in stores]
    took = [float("inf")] * len(stores)
    counts = [0] * len(stores)
    for _ in range(ROUNDS):
        for number, store in enumerate(stores):
            began = time.perf_counter()
            page = store.page(query)
            store.page(query, places[number], page.newest)
            took[number] = min(took[number], (time.perf_counter() - began) * 1e3)
            counts[number] = page.count
    return list(zip(took, counts, strict=True))


def sending(stores: list[Store], sizes: list[int]) -> list[float]:
    """Return how many events a second each store takes in, in 500s; the median."""
    names = [f"guest-{number}" for number in range(SEND_CONTACTS)]
    for store, size in zip(stores, sizes, strict=True):
        make_known(store, names, size)
    rates: list[list[float]] = [[] for _ in stores]
    for seed in range(SEND_ROUNDS):
        for rate, store in zip(rates, stores, strict=True):
            batches = list(map(read, writing.bodies(names, SEND_BATCHES, seed)))
            began = time.perf_counter()
            for future in [store.append(ORG, batch) for batch in batches]:
                future.result()
            took = time.perf_counter() - began
            rate.append(SEND_BATCHES * writing.BATCH / took)
    # The first round fills the caches.
    return [statistics.median(rate[1:]) for rate in rates]


def read(body: bytes) -> list[NewEvent]:
    """Return the events of a body."""
    items = bodies.split(body, lines=False, count_max=writing.BATCH)
    return ingest.read(items, ORG, clock.now()).events


def erasing(store: Store) -> float:
    """Return the longest wait of a write beside an erasure, in ms; the median."""
    waits = []

    def send(body: bytes) -> bytes:
        store.append(ORG, read(body)).result()
        return b""

    for _ in range(ERASED_ROUNDS):
        contact = f"erased-{clock.now()}"
        # Over two months, as those of a contact are, so its rows lie all over.
        for body in writing.bodies([contact], ERASED_BATCHES, 1, spread_s=25_000):
            send(body)
        done = threading.Event()
        erasure = store.erase(ORG, contact)
        erasure.add_done_callback(lambda _, done=done: done.set())
        one = functools.partial(writing.event_body, "bystander")
        waits.append(writing.longest_wait(send, one, done) * 1e3)
        erasure.result()
    return statistics.median(waits)


def make_known(store: Any, names: list[str], size: int) -> None:
    """Give names to some of the contacts that `FILL` has made, evenly spread."""
    step = max(1, size // 25 // len(names))
    rows = [
        (2 + number * step, store._keys.contact(name), name)
        for number, name in enumerate(names)
    ]
    insert = "INSERT OR IGNORE INTO contact VALUES (?, 1, ?, ?)"
    store._writer.submit(lambda writer: writer.executemany(insert, rows)).result()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent / "data")
    parser.add_argument("--all", action="store_true")
    arguments = parser.parse_args()
    arguments.folder.mkdir(exist_ok=True)
    stores = [prepare(arguments.folder, size) for size in arguments.sizes]
    found = [(name, best(stores, query)) for name, query in queries()]
    rates = sending(stores, arguments.sizes)
    wait = erasing(stores[-1])
    for store in stores:
        store.close()
    lines = [
        {
            "name": name,
            "ms": dict(zip(arguments.sizes, (ms for ms, _ in each), strict=True)),
        }
        for name, each in found
        # A store that finds less than a full page also reads less.
        if len({count for _, count in each}) == 1
    ]
    (arguments.folder / "growth.json").write_text(json.dumps(lines))
    group = functools.partial(_group, every=arguments.all)
    sizes = [f"{size:,}, ms" for size in arguments.sizes]
    table = Table("order", "days", "contact", *sizes, "ratio", "worst")
    ratios = [_ratio(line) for line in lines]
    for shown, some in itertools.groupby(sorted(lines, key=group), key=group):
        worst = max(some, key=_ratio)
        times = [f"{one:.2f}" for one in worst["ms"].values()]
        what = " ".join(filter(None, (worst["name"][1], worst["name"][2])))
        table.add_row(*shown[:3], *times, f"{_ratio(worst):.2f}", what)
    Console(width=120).print(table)
    print(f"median ratio {statistics.median(ratios):.2f}, worst {max(ratios):.2f}")
    each = ", ".join(
        f"{rate:,.0f} at {size:,}"
        for rate, size in zip(rates, arguments.sizes, strict=True)
    )
    print(f"events taken in a second: {each}; ratio {rates[-1] / rates[0]:.2f}")
    print(
        f"longest wait of a write beside the erasure of 100,000 events: {wait:.0f} ms"
    )
    good = max(ratios) <= RATIO_MAX and wait <= WAIT_MS_MAX
    sys.exit(0 if good and rates[-1] >= RATE_MIN * rates[0] else 1)


def _ratio(line: Any) -> float:
    times = list(line["ms"].values())
    return float(times[-1] / times[0])


def _group(line: Any, *, every: bool) -> tuple[str, ...]:
    sort, reverse, types, days, contact = line["name"]
    return (sort, days, contact, reverse, types) if every else (sort, days, contact)


main()
