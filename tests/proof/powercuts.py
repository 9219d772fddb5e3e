"""Power cuts: acknowledged events are there when the power comes back."""

import contextlib
import random
import secrets
import threading
from pathlib import Path
from unittest import mock

import apsw
import msgspec

from footfall.core.events.acceptance import accept
from footfall.core.events.structs import NewEvent
from footfall.core.queries import EventQuery
from footfall.errors import FootfallError
from footfall.store import Organization
from footfall.store.sqlite import SQLiteStore, checkpoints, connections
from tests.proof.disks import Disk, mounted
from tests.shared import open_sqlite

SENDERS = 4
# With synchronous=FULL the WAL is moved into the database after so many pages, so that
# the power often goes meanwhile. Otherwise seldom: that syncs, so little would be lost.
CHECKPOINT_PAGES = {"full": 25, "normal": connections.CHECKPOINT_PAGES}


class Outcome(msgspec.Struct):
    """The results of some power cuts; `moving` are those during a checkpoint."""

    cuts: int = 0
    moving: int = 0
    acknowledged: int = 0
    lost: int = 0
    damaged: int = 0


def new(event_id: str) -> NewEvent:
    raw = f'{{"customerId":"c","event":{{"type":"login","id":"{event_id}"}}}}'
    return accept(raw.encode(), "org", 0, str)


def cut_once(path: Path, seed: int, synchronous: str) -> Outcome:
    """Send from several threads, cut the power somewhere, see what is left."""
    rng = random.Random(seed)
    last = rng.randrange(60, 600)
    disk: Disk
    armed = moving = False

    def on_touch(_kind: str, number: int) -> None:
        nonlocal moving
        if armed and number == last:
            moving = bool(disk.unsynced.get(str(path)))
            disk.cut_power()
            raise apsw.IOError("the power is cut")

    acknowledged: list[str] = []

    def send(store: SQLiteStore) -> None:
        while not disk.dead:
            ids = [secrets.token_hex(16) + "l" for _ in range(rng.randrange(1, 30))]
            try:
                store.append("org", [new(i) for i in ids]).result()
            except (FootfallError, apsw.Error):
                return
            acknowledged.extend(ids)

    pages = CHECKPOINT_PAGES[synchronous]
    paced = mock.patch.object(checkpoints, "CHECKPOINT_PAGES", pages)
    with paced, mounted(on_touch) as disk:
        store = open_sqlite(path)
        store.create_organization(Organization("org", "Org", 0)).result()
        store._writer.submit(
            lambda connection: connection.pragma("synchronous", synchronous), alone=True
        ).result()
        disk.touches = 0
        armed = True
        threads = [threading.Thread(target=send, args=(store,)) for _ in range(SENDERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with contextlib.suppress(apsw.Error):
            store.close()
        store._writer._connection.close(force=True)
    found = look(path, acknowledged)
    found.moving = int(moving)
    return found


def look(path: Path, acknowledged: list[str]) -> Outcome:
    """Open what the power cut left, as the next start does."""
    store = open_sqlite(path)
    damaged = bool(store.check_health()["problems"])
    page = store.page(EventQuery("org", size=10_000))
    stored = {e["event"]["id"] for e in msgspec.json.decode(b"[" + page.body + b"]")}
    store.close()
    lost = len(set(acknowledged) - stored)
    return Outcome(
        cuts=1, acknowledged=len(acknowledged), lost=lost, damaged=int(damaged)
    )


def cut_often(folder: Path, seeds: range, synchronous: str) -> Outcome:
    """Cut the power once for each seed."""
    total = Outcome()
    for seed in seeds:
        found = cut_once(folder / f"{synchronous}-{seed}.db", seed, synchronous)
        total.cuts += found.cuts
        total.moving += found.moving
        total.acknowledged += found.acknowledged
        total.lost += found.lost
        total.damaged += found.damaged
    return total
