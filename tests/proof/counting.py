"""Servers, and who counts beside them, are killed at random while events, late events,
corrections of visits and erasures keep coming: in the end each figure of the Analytics
API is what a plain scan of the scrolled events says.

Run as `python -m tests.proof.counting` it counts on and on. A server that was killed
holds the job's lease for some seconds more; this process counts meanwhile.
"""

import os
import random
import secrets
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx2
import msgspec

from footfall import clock, service, settings
from footfall.core.analytics import COUNTED, DAYS_DEFAULT
from footfall.core.events.types import TYPES
from footfall.core.instants import MINUTE, SECOND, format_instant
from footfall.flows.analytics import update
from tests.proof.readers import Corrector
from tests.proof.servers import Estate, all_events, until

WITHIN_S = 60
BATCH = 20
METRICS = (*COUNTED, "visitors", "newVisitors", "dwellMean", "events")
PROPERTIES = ("location", "hotspot", "visitsPerVisitor", "type")
Event = dict[str, Any]
Figures = dict[str, Any]


class Counting(msgspec.Struct):
    """What came of it.

    Attributes:
        kills: How often a server was killed, and with it who counts.
        steps: How often the facts changed until then.
        events: How many are stored in the end.
        withdrawn: How many were withdrawn.
        erased: How many contacts were erased.
        figures: How many were compared.
        differing: How many are not what the scan says.
    """

    kills: int = 0
    steps: int = 0
    events: int = 0
    withdrawn: int = 0
    erased: int = 0
    figures: int = 0
    differing: int = 0


class Load(threading.Thread):
    """Sends events of the last 25 days in any order, and erases some of the guests."""

    def __init__(self, place: Estate, seed: int):
        super().__init__()
        self._place = place
        self._rng = random.Random(seed)
        self._guests = [f"guest-{seed}-{number}" for number in range(30)]
        self.stop = threading.Event()
        self.erased = 0

    def run(self) -> None:
        headers = self._place.tenant.client.headers
        with httpx2.Client(headers=headers, timeout=30) as client:
            while not self.stop.is_set():
                self._send(client)
                if self._rng.random() < 0.1:
                    self.erase(client)

    def _send(self, client: httpx2.Client) -> None:
        batch = [self._event() for _ in range(BATCH)]
        path = self._place.tenant.events_path
        self._do(lambda at: client.post(at + path, json=batch))

    def erase(self, client: httpx2.Client) -> None:
        number = self._rng.randrange(len(self._guests))
        who = self._guests[number]
        self._guests[number] = f"guest-{secrets.token_hex(8)}"
        path = f"/v1/organizations/{self._place.tenant.id}/customers/{who}"
        self._do(lambda at: client.delete(at + path))
        self.erased += 1

    def _do(self, request: Callable[[str], httpx2.Response]) -> None:
        """Ask whichever server answers, again until one has done it."""
        while True:
            server = self._rng.choice(self._place.servers)
            try:
                answer = request(server.address)
            except httpx2.TransportError:
                time.sleep(0.01)
                continue
            # Of a guest that a killed server erased, nothing is there any more.
            if answer.status_code in (200, 201, 404):
                return

    def _event(self) -> Event:
        kind = self._rng.choice(("visit", "visit", "arriving", "login", "signup"))
        at = clock.now() - self._rng.randrange(25 * 24 * 60) * MINUTE
        made: Event = {"type": kind, "id": secrets.token_hex(16) + "l"}
        if kind == "visit":
            made["visit"] = {"duration": self._rng.choice((5, 30, 31, 90, 600))}
        where = {
            "locationId": self._rng.choice(("cafe", "shop", "bar")),
            "hotspotId": self._rng.choice(("h1", "h2")),
        }
        return {
            "customerId": self._rng.choice(self._guests),
            "event": made,
            "where": where,
            "when": {"createdAt": format_instant(at), "timezone": "UTC"},
        }


def count(place: Estate, rounds: int, seed: int = 1) -> Counting:
    """Kill a server and who counts beside it, in rounds; then compare."""
    rng = random.Random(seed)
    found = Counting(kills=rounds)
    senders = [Load(place, seed + number) for number in range(2)]
    load: list[Load | Corrector] = [*senders, Corrector(place)]
    for thread in load:
        thread.start()
    for _ in range(rounds):
        steps = _steps(place) + rng.randrange(1, 6)
        beside = _start(place)
        until(lambda s=steps: _steps(place) >= s, WITHIN_S)
        time.sleep(rng.uniform(0, 0.05))  # anywhere in a step
        beside.kill()
        beside.wait()
        killed = rng.randrange(len(place.servers))
        place.kill(killed)
        place.start_again(killed)
    for thread in load:
        thread.stop.set()
        thread.join()
    # Also what is certainly counted must go.
    update.update(place.store, place.tenant.id)
    for one in senders:
        one.erase(place.tenant.client)
    found.steps = _steps(place)
    found.erased = sum(one.erased for one in senders)
    _compare(place, found)
    return found


def _steps(place: Estate) -> int:
    def version(transaction: Any) -> int:
        return int(transaction.analytics.progress().version)

    return place.store.read(place.tenant.id, version)


def _start(place: Estate) -> subprocess.Popen[bytes]:
    variables = {"FOOTFALL_STORE": place.chosen.store}
    if place.chosen.secret is not None:
        variables["FOOTFALL_SECRET"] = place.chosen.secret
    command = [sys.executable, "-m", "tests.proof.counting"]
    return subprocess.Popen(command, env=os.environ | variables)


def _compare(place: Estate, found: Counting) -> None:
    """Compare once nothing moves any more."""
    today = datetime.fromtimestamp(clock.now() // SECOND, UTC).date()
    while True:
        before = all_events(place)
        update.update(place.store, place.tenant.id)
        figures = _figures(place, today)
        if all_events(place) == before:
            break
    wanted = _scanned(before, today)
    log = all_events(place, sortBy="receivedTime")
    found.events = len(before)
    found.withdrawn = sum(bool(one["event"].get("withdrawn")) for one in log)
    found.figures = len(wanted)
    names = wanted.keys() | figures.keys()
    found.differing = sum(wanted.get(name) != figures.get(name) for name in names)


def _figures(place: Estate, today: date) -> Figures:
    """Ask a server for all figures of the last days."""
    base = f"{place.servers[0].address}/v1/organizations/{place.tenant.id}/analytics"
    period = {"timezone": "UTC", "to": str(today)}
    client = place.tenant.client
    found: Figures = {}
    asked = period | {"metrics": ",".join(METRICS)}
    for row in client.get(f"{base}/timeseries", params=asked).json():
        day = row.pop("time")[:10]
        found |= {f"{name} {day}": figure for name, figure in row.items()}
    for word in PROPERTIES:
        asked = period | {"property": word}
        for row in client.get(f"{base}/breakdown", params=asked).json():
            figure = row.get("visitors", row.get("visits"))
            figure = row["events"] if word == "type" else figure
            name = "visits" if word == "visitsPerVisitor" else word
            found[f"by {word} {row[name]}"] = figure
    return found


def _scanned(events: list[Event], today: date) -> Figures:
    """Count the same, event by event."""
    days = [today - timedelta(days=number) for number in range(DAYS_DEFAULT)]
    names = [str(day) for day in days]
    by_day: dict[tuple[str, str], list[Event]] = defaultdict(list)
    first: dict[str, str] = {}
    for one in sorted(events, key=lambda each: each["when"]["createdAt"]):
        day, kind = one["when"]["createdAt"][:10], one["event"]["type"]
        by_day[kind, day].append(one)
        if kind == "visit":
            first.setdefault(one["customerId"], day)
    found: Figures = {}
    for day in names:
        for metric, kind in COUNTED.items():
            found[f"{metric} {day}"] = len(by_day[kind, day])
        for kind in TYPES:
            found[f"events.{kind} {day}"] = len(by_day[kind, day])
        visits = by_day["visit", day]
        people = {one["customerId"] for one in visits}
        found[f"visitors {day}"] = len(people)
        found[f"newVisitors {day}"] = sum(first[one] == day for one in people)
        found[f"dwellMean {day}"] = _mean_s(visits)
    inside = {
        kind: [one for day in names for one in by_day[kind, day]] for kind in TYPES
    }
    return found | _broken_down(inside)


def _mean_s(visits: list[Event]) -> float | None:
    lengths = [one["event"]["visit"]["duration"] * 60 for one in visits]
    return round(sum(lengths) / len(lengths), 3) if lengths else None


def _broken_down(inside: dict[str, list[Event]]) -> Figures:
    visits = inside["visit"]
    each = Counter(one["customerId"] for one in visits)
    groups = {
        "location": Counter(one["where"].get("locationId") for one in visits),
        "hotspot": Counter(one["where"].get("hotspotId") for one in visits),
        "visitsPerVisitor": Counter(each.values()),
        "type": {kind: len(some) for kind, some in inside.items() if some},
    }
    return {
        f"by {word} {name}": number
        for word, counts in groups.items()
        for name, number in counts.items()
    }


def main() -> None:
    """Count on and on, until killed."""
    store = service.open_store(settings.load(os.environ))
    while True:
        update.update_all(store, print)


if __name__ == "__main__":
    main()
