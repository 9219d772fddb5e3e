"""Crashes: the power fails at each write of presence; then all is sent again."""

import contextlib
from pathlib import Path
from typing import Any

import apsw
import msgspec

from footfall.core.instants import MINUTE
from footfall.core.observations import Login, PlaceReference, SourceBatch
from footfall.core.places import Location, PresenceSettings
from footfall.core.queries import EventQuery
from footfall.errors import FootfallError
from footfall.flows.presence import close_stays, observe
from footfall.flows.presence.change_stays import UnitOfWork
from footfall.flows.presence.identify import Profile, write_profile
from footfall.flows.presence.reattribute import reattribute_all
from footfall.store import Organization
from footfall.store.sqlite import SQLiteStore
from tests.flows.world import ANN, BOB, LATER, START, seen
from tests.proof.disks import Disk, mounted
from tests.shared import open_sqlite


class Outcome(msgspec.Struct):
    """The results of cutting the power at each touch of the disk in turn."""

    cuts: int = 0
    lost: int = 0
    wrong: int = 0


def login(device: bytes, minute: int) -> Login:
    at = START + minute * MINUTE
    return Login(at, PlaceReference(location="cafe"), (("username", "ann"),), device)


# Logins, a pseudonym whose person becomes known, and late observations.
POSTS = (
    SourceBatch([seen(BOB, m) for m in (0, 6)]),
    SourceBatch([seen(ANN, 12)], [login(ANN, 8)]),
    SourceBatch([seen(ANN, m) for m in (40, 100, 50, 26, 110)]),
    SourceBatch([seen(BOB, 60)], [login(BOB, 55)]),
)


def prepare(store: SQLiteStore) -> None:
    store.create_organization(Organization("org", "Org", 0)).result()

    def register(transaction: Any) -> None:
        transaction.registry.put_location(Location("cafe", "cafe"), PresenceSettings())
        transaction.registry.put_settings(PresenceSettings(pseudonymous=True))
        # Because ids of contacts are random otherwise.
        contact = transaction.people.put_contact("ann-s-id")
        unit = UnitOfWork(transaction, 0, None, closing=True)
        write_profile(unit, contact, Profile(0, "api", {"username": "ann"}))

    store.transaction("org", register).result()


def send(store: SQLiteStore) -> None:
    """Send all posts, and close what is over."""
    for post in POSTS:
        take(store, post)
    reattribute_all(store, LATER)
    close_stays.close_due(store, LATER)


def take(store: SQLiteStore, heard: SourceBatch) -> None:
    store.transaction(
        "org", lambda transaction: observe.observe(transaction, heard, LATER)
    ).result()


def standing(store: SQLiteStore) -> list[tuple[str, str, str]]:
    page = store.page(EventQuery("org", size=1_000))
    return sorted(
        (e["event"]["type"], e["when"]["createdAt"], str(e["event"].get("visit")))
        for e in msgspec.json.decode(b"[" + page.body + b"]")
    )


def crash_each(folder: Path, every: int = 1) -> Outcome:
    """Cut the power at touch 1, 1 + every, …; start again, send again, compare."""
    with contextlib.closing(open_sqlite(folder / "whole.db")) as whole:
        prepare(whole)
        send(whole)
        expected = standing(whole)
    assert len(expected) >= 5, expected
    total = Outcome()
    for number in range(1, 2_000, every):
        path = folder / f"{number}.db"
        if not _cut_at(path, number):
            return total
        total.cuts += 1
        with contextlib.closing(open_sqlite(path)) as store:
            total.lost += bool(store.check_health()["problems"])
            send(store)
            send(store)
            total.wrong += standing(store) != expected
        for file in folder.glob(f"{number}.db*"):
            file.unlink()
    raise AssertionError("the posts touch the disk without end")


def _cut_at(path: Path, number: int) -> bool:
    """Send until the n-th touch; False if there are fewer."""
    disk: Disk
    armed = False

    def on_touch(_kind: str, touched: int) -> None:
        if armed and touched == number:
            disk.cut_power()
            raise apsw.IOError("the power is cut")

    with mounted(on_touch) as disk:
        store = open_sqlite(path)
        prepare(store)
        disk.touches = 0
        armed = True
        with contextlib.suppress(FootfallError, apsw.Error):
            for post in POSTS:
                take(store, post)
        with contextlib.suppress(apsw.Error):
            store.close()
        store._writer._connection.close(force=True)
        return disk.dead
