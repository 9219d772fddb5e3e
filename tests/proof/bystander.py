"""A bystander: how long a tenant's small sends and reads wait beside others' work.

Add a scenario to `SCENARIOS`: its name, what prepares it, and what to run beside the
bystander. Both get the place; what runs also gets what was prepared.
"""

import csv
import functools
import gzip
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import httpx2
import msgspec
from prometheus_client.parser import text_string_to_metric_families

from footfall import clock, service, settings
from footfall.core import instants
from footfall.core.events.acceptance import accept
from footfall.core.instants import DAY, MINUTE, SECOND
from footfall.core.observations import (
    Observation,
    PlaceReference,
    SourceBatch,
    StoredObservation,
    digest,
)
from footfall.core.places import Hotspot, Location, PresenceSettings
from footfall.flows.presence import observe
from footfall.store.transaction import Transaction
from tests.conftest import Server, Tenant, event, start_server, stop_server

WAIT_MS_MAX = 250
# No turn of the writer is longer; a bound of its histogram.
TURN_S_MAX = 0.1
BLOCKS, BLOCK = 400, 1_000
HOTSPOTS = 30_000


class Waits(msgspec.Struct):
    """How often the bystander asked, its longest waits, and the writer's turns.

    `long_turns` are those of more than `TURN_S_MAX`.
    """

    sends: int = 0
    reads: int = 0
    failed: int = 0
    send_ms: float = 0.0
    read_ms: float = 0.0
    turns: int = 0
    long_turns: int = 0


class ServedStore:
    """A server, its store, and the bystander."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.path = folder / "footfall.db"
        chosen = settings.Settings(store=f"sqlite:{self.path}")
        self.store = service.open_store(chosen)
        self.server = start_server(
            self.path, FOOTFALL_RATE="100000", FOOTFALL_BURST="1000000"
        )
        self.bystander = self.tenant()

    def tenant(self) -> Tenant:
        made = Tenant(self.server, self.store, secrets.token_hex(8))
        made.client.timeout = httpx2.Timeout(120)
        return made

    def venue(self, **rules: Any) -> Tenant:
        """Make a tenant with a location, `v`."""
        made = self.tenant()

        def register(transaction: Transaction) -> None:
            transaction.registry.put_settings(PresenceSettings(**rules))
            transaction.registry.put_location(
                Location("v", "V", "UTC"), PresenceSettings()
            )

        self.store.transaction(made.id, register).result()
        return made

    def command(self, *words: str) -> None:
        line = [sys.executable, "-m", "footfall", *words]
        line += ["--store", f"sqlite:{self.path}"]
        subprocess.run(line, check=True, capture_output=True)

    def close(self) -> None:
        stop_server(self.server)
        self.store.close()


Scenario = tuple[str, Callable[[ServedStore], Any], Callable[[ServedStore, Any], None]]


def turns(server: Server) -> tuple[int, int]:
    """Return how many turns the server's writer had, and how many were long."""
    text = httpx2.get(f"{server.address}/metrics").text
    name = "footfall_writer_turn_seconds"
    [found] = [one for one in text_string_to_metric_families(text) if one.name == name]
    short = {
        sample.labels["le"]: sample.value
        for sample in found.samples
        if sample.name == f"{name}_bucket"
    }
    count = int(short["+Inf"])
    return count, count - int(short[str(TURN_S_MAX)])


def measure(place: ServedStore, run: Callable[[], None]) -> Waits:
    """Let the bystander send and read while something runs."""
    waits, done = Waits(), threading.Event()
    before = turns(place.server)

    def loop(ask: Callable[[], httpx2.Response], name: str, status: int) -> None:
        while not done.is_set():
            began = time.perf_counter()
            try:
                waits.failed += ask().status_code != status
            except httpx2.HTTPError:
                waits.failed += 1
            took = (time.perf_counter() - began) * 1000
            worst = max(took, getattr(waits, f"{name}_ms"))
            setattr(waits, f"{name}_ms", worst)
            setattr(waits, f"{name}s", getattr(waits, f"{name}s") + 1)
            done.wait(0.005)

    tenant = place.bystander
    with httpx2.Client(
        base_url=tenant.server.address, headers=tenant.client.headers, timeout=120
    ) as reader:
        tenant.send([event()])
        reader.get(tenant.events_path)
        threads = [
            threading.Thread(
                target=loop, args=(lambda: tenant.send([event()]), "send", 201)
            ),
            threading.Thread(
                target=loop, args=(lambda: reader.get(tenant.events_path), "read", 200)
            ),
        ]
        for thread in threads:
            thread.start()
        try:
            run()
        finally:
            done.set()
            for thread in threads:
                thread.join()
    after = turns(place.server)
    waits.turns, waits.long_turns = after[0] - before[0], after[1] - before[1]
    return waits


def device(number: int) -> bytes:
    return bytes([0x0C, 0x8D]) + number.to_bytes(4, "big")


def stored_observations(place: ServedStore) -> Tenant:
    tenant = place.venue()
    at = (clock.now() - DAY) // SECOND * SECOND

    def keep(transaction: Transaction, first: int) -> None:
        key = transaction.registry.load().device_key
        location = transaction.registry.load().location("v")
        assert location is not None
        transaction.observations.add(
            [
                StoredObservation(
                    digest(key, device(n)), at + first * SECOND, location.number
                )
                for n in range(first, first + BLOCK)
            ],
            at,
        )

    for number in range(BLOCKS):
        first = number * 100
        place.store.transaction(
            tenant.id, functools.partial(keep, first=first)
        ).result()
    return tenant


def late_logins(place: ServedStore, tenant: Tenant) -> None:
    at = instants.format_instant((clock.now() - DAY) // SECOND * SECOND)
    logins = [
        {"username": f"u{n}", "device": device(n * 40).hex(), "location": "v", "at": at}
        for n in range(500)
    ]
    path = f"/v1/organizations/{tenant.id}/logins"
    answer = tenant.client.post(path, json=logins)
    assert answer.status_code == 201, answer.text
    # Their observations are theirs once they are attributed again.
    until = time.monotonic() + 60
    while (
        tenant.id in place.store.organizations_to_reattribute()
        and time.monotonic() < until
    ):
        time.sleep(0.05)
    assert tenant.id not in place.store.organizations_to_reattribute()


def observed_day(place: ServedStore) -> Tenant:
    tenant = place.venue(pseudonymous=True)
    at = (clock.now() - DAY) // SECOND * SECOND
    for minute in range(0, 960, 24):
        for first in range(0, 500, 250):
            heard = SourceBatch(
                [
                    Observation(
                        at + minute * MINUTE, PlaceReference(location="v"), device(n)
                    )
                    for n in range(first, first + 250)
                ]
            )
            work = functools.partial(observe.observe, heard=heard, now=clock.now())
            place.store.transaction(tenant.id, work).result()
    changed = PresenceSettings(pseudonymous=True, session_timeout=60)
    place.store.transaction(
        tenant.id, lambda transaction: transaction.registry.put_settings(changed)
    ).result()
    return tenant


def recompute(place: ServedStore, tenant: Tenant) -> None:
    since = instants.format_instant(clock.now() - 2 * DAY)
    until = instants.format_instant(clock.now())
    words = ("--organization", tenant.id, "--since", since, "--until", until)
    place.command("presence", "recompute", *words)


def new_people(_place: ServedStore, tenant: Tenant) -> None:
    seen = [{"device": device(n).hex(), "location": "v"} for n in range(10_000)]
    path = f"/v1/organizations/{tenant.id}/observations"
    answer = tenant.client.post(path, json=seen)
    assert answer.status_code == 201, answer.text


def many_hotspots(place: ServedStore) -> Tenant:
    tenant = place.venue()

    def register(transaction: Transaction, first: int) -> None:
        for n in range(first, first + 1_000):
            transaction.registry.put_hotspot(
                Hotspot(f"h{n}", "H", "v", mac_address=device(n).hex(":"))
            )

    for first in range(0, HOTSPOTS, 1_000):
        place.store.transaction(
            tenant.id, functools.partial(register, first=first)
        ).result()
    return tenant


def patch_hotspot(_place: ServedStore, tenant: Tenant) -> None:
    for number in range(3):
        answer = tenant.client.patch(f"/v3/hotspots/h{number}", json={"name": "New"})
        assert answer.status_code == 200, answer.text


def four_senders(place: ServedStore) -> list[tuple[Tenant, bytes]]:
    tenant = place.tenant()
    return [
        (tenant, msgspec.json.encode([event() for _ in range(10_000)]))
        for _ in range(4)
    ]


def large_sends(_place: ServedStore, shares: list[tuple[Tenant, bytes]]) -> None:
    def send(tenant: Tenant, body: bytes) -> None:
        with httpx2.Client(
            base_url=tenant.server.address, headers=tenant.client.headers, timeout=120
        ) as client:
            assert client.post(tenant.events_path, content=body).status_code == 201

    threads = [threading.Thread(target=send, args=share) for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def long_history(place: ServedStore) -> Tenant:
    tenant = place.tenant()
    for _ in range(20):
        made = [
            accept(
                msgspec.json.encode(event()),
                tenant.id,
                0,
                lambda: secrets.token_hex(16),
            )
            for _ in range(5_000)
        ]
        place.store.append(tenant.id, made).result()
    return tenant


def erase(_place: ServedStore, tenant: Tenant) -> None:
    path = f"/v1/organizations/{tenant.id}/customers/guest"
    tenant.client.delete(path)


def erase_beside_a_reader(place: ServedStore, tenant: Tenant) -> None:
    reader = apsw.Connection(str(place.path))
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM organization").fetchall()
    ended = threading.Timer(5, lambda: reader.execute("ROLLBACK"))
    ended.start()
    try:
        erase(place, tenant)
    finally:
        ended.join()
        reader.close()


def history_file(place: ServedStore) -> tuple[Tenant, Path]:
    tenant = place.venue()
    path = place.folder / "history.csv.gz"
    at = clock.now() // SECOND - 86_400
    with gzip.open(path, "wt", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["time", "device"])
        for n in range(60_000):
            rows.writerow([at + n, device(n % 3_000).hex()])
    return tenant, path


def replay(place: ServedStore, prepared: tuple[Tenant, Path]) -> None:
    tenant, path = prepared
    words = ("--organization", tenant.id, "--location", "v", "--pseudonymous")
    columns = ("--time-column", "time", "--device-column", "device")
    place.command("replay", str(path), *words, *columns)


SCENARIOS: list[Scenario] = [
    ("500 late logins over 400,000 observations", stored_observations, late_logins),
    ("recompute of a day of 20,000 observations", observed_day, recompute),
    (
        "10,000 observations of new people in a post",
        lambda place: place.venue(pseudonymous=True),
        new_people,
    ),
    ("a PATCH among 30,000 hotspots", many_hotspots, patch_hotspot),
    ("4 senders of 10,000 events in one send", four_senders, large_sends),
    ("erasure of 100,000 events", long_history, erase),
    ("erasure beside a reader of 5 s", long_history, erase_beside_a_reader),
    ("replay of 60,000 lines beside the server", history_file, replay),
]


def watch(folder: Path) -> Iterator[tuple[str, Waits]]:
    """Yield the bystander's waits in each scenario."""
    place = ServedStore(folder)
    try:
        for name, prepare, run in SCENARIOS:
            prepared = prepare(place)
            yield name, measure(place, functools.partial(run, place, prepared))
    finally:
        place.close()
