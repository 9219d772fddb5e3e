"""Observations over HTTP, with many stays open; see bench.py."""

import json
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from footfall import clock, service
from footfall.core import instants
from footfall.core.instants import SECOND
from footfall.core.places import Hotspot, Location, PresenceSettings
from footfall.flows.accounts import tenants
from footfall.settings import Settings

OPEN_STAYS = 100_000
BATCH = 500
HOTSPOTS = 50


def prepare(chosen: Settings, organization: str) -> None:
    """Make a store with an organization and a venue."""
    store = service.open_store(chosen)
    tenants.create_organization(store, "Bench", organization, clock.now())

    def register(transaction):
        transaction.registry.put_settings(
            PresenceSettings(pseudonymous=True, session_timeout=1440)
        )
        transaction.registry.put_location(
            Location("v", "V", "Europe/Rome"), PresenceSettings()
        )
        for number in range(HOTSPOTS):
            transaction.registry.put_hotspot(Hotspot(f"h{number}", "H", "v"))

    store.transaction(organization, register).result()
    store.close()


def everybody(minutes_ago: int) -> Iterator[bytes]:
    """Yield everybody once: the observations that open the stays."""
    at = clock.now() - minutes_ago * 60 * SECOND
    for first in range(0, OPEN_STAYS, BATCH):
        yield body([(number, at) for number in range(first, first + BATCH)])


def newcomers(count: int, seed: int) -> list[bytes]:
    """Return observations of people who were never seen, one of each."""
    at = clock.now() - 1800 * SECOND
    first = (1 + seed) * count * BATCH
    return [
        body([(first + n * BATCH + person, at + n * SECOND) for person in range(BATCH)])
        for n in range(count)
    ]


def batches(count: int, seed: int) -> list[bytes]:
    """Return observations of random people, in order of time."""
    rng = random.Random(seed)
    at = clock.now() - 1800 * SECOND + seed * 60 * SECOND
    return [
        body([(rng.randrange(OPEN_STAYS), at + n * SECOND) for _ in range(BATCH)])
        for n in range(count)
    ]


def body(seen: list[tuple[int, int]]) -> bytes:
    return msgspec.json.encode(
        [
            {
                "device": f"0c8ddb{number:06x}",
                "hotspot": f"h{number % HOTSPOTS}",
                "at": instants.format_instant(at),
                "rssi": -60,
            }
            for number, at in seen
        ]
    )


def send_all(bodies: list[bytes], senders: list[Callable[[bytes], bytes]]) -> float:
    """Send bodies over several connections at once; return the seconds."""
    shares = [bodies[n :: len(senders)] for n in range(len(senders))]

    def work(share: list[bytes], sender: Callable[[bytes], bytes]) -> None:
        for body in share:
            answer = json.loads(sender(body))
            assert answer["accepted"] == BATCH, answer

    threads = [
        threading.Thread(target=work, args=(share, sender))
        for share, sender in zip(shares, senders, strict=True)
    ]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began


def resident_kb(pid: int) -> int:
    """Return the memory that a process has now."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+)", status)[0])
