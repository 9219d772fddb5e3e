"""Faults: the n-th write or sync fails, for each n of a send."""

import contextlib
from pathlib import Path

import apsw
import msgspec

from footfall.core.queries import EventQuery
from footfall.errors import StoreError
from footfall.store import Organization
from footfall.store.sqlite import SQLiteStore
from tests.proof.disks import mounted
from tests.proof.powercuts import new
from tests.shared import open_sqlite


class Outcome(msgspec.Struct):
    """The results of failing each touch of the disk in turn."""

    faults: int = 0
    refused: int = 0
    lost: int = 0
    half: int = 0
    stuck: int = 0


def fail_each(folder: Path, sends: int = 3, size: int = 20) -> Outcome:
    """Fail touch 1, 2, … of a few sends, until all of them go through untouched."""
    total = Outcome()
    for number in range(1, 1_000):
        if not _fail_at(folder / f"{number}.db", number, sends, size, total):
            return total
    raise AssertionError("the sends touch the disk without end")


def _fail_at(path: Path, number: int, sends: int, size: int, total: Outcome) -> bool:
    armed = False

    def on_touch(_kind: str, touched: int) -> None:
        if armed and touched == number:
            raise apsw.IOError("a bad sector")

    batches = [[f"{n}-{i}" for i in range(size)] for n in range(sends)]
    kept: list[list[str]] = []
    refused: list[list[str]] = []
    with mounted(on_touch) as disk:
        store = open_sqlite(path)
        store.create_organization(Organization("org", "Org", 0)).result()
        disk.touches = 0
        armed = True
        for batch in batches:
            try:
                store.append("org", [new(i) for i in batch]).result()
                kept.append(batch)
            except StoreError:
                refused.append(batch)
        hit = disk.touches >= number
        armed = False
        total.stuck += _sends_again(store) is False
        # Events acknowledged after the fault must be synced, so cut the power too.
        disk.cut_power()
        with contextlib.suppress(apsw.Error):
            store.close()
        store._writer._connection.close(force=True)
    total.faults += hit
    total.refused += len(refused)
    stored = _ids(path)
    total.lost += sum(not set(batch) <= stored for batch in kept)
    total.half += sum(0 < len(set(batch) & stored) < size for batch in refused)
    return hit


def _sends_again(store: SQLiteStore) -> bool:
    try:
        store.append("org", [new("after")]).result()
    except StoreError:
        return False
    return True


def _ids(path: Path) -> set[str]:
    store = open_sqlite(path)
    assert store.check_health()["problems"] == []
    page = store.page(EventQuery("org", size=10_000))
    store.close()
    return {e["event"]["id"] for e in msgspec.json.decode(b"[" + page.body + b"]")}
