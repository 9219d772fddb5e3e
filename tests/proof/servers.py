"""Several servers on one PostgreSQL: killed at random, and its database restarted."""

import contextlib
import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx2
import msgspec

from footfall import clock, service
from footfall.core.instants import MINUTE, SECOND, format_instant
from footfall.settings import Settings
from footfall.store import Store
from tests import postgres
from tests.conftest import Server, Tenant, event, start_server, stop_server

SERVERS = 2
BATCH = 20
VENUE = {"id": "cafe", "name": "Cafe", "timezone": "UTC"}
# Of two access points of one venue; one server hears each.
ACCESS_POINTS = ("0c:8d:db:00:00:01", "0c:8d:db:00:00:02")


class Killed(msgspec.Struct):
    """What came of killing servers at random."""

    rounds: int = 0
    acknowledged: int = 0
    missing: int = 0
    double: int = 0
    skipped: int = 0
    visits: int = 0
    visits_wrong: int = 0
    slowest_close_s: float = 0.0


class Restarted(msgspec.Struct):
    """What came of restarting the database under load."""

    acknowledged: int = 0
    refused: int = 0
    lost: int = 0
    odd: int = 0
    healed: bool = False


class Estate:
    """Servers on one database, and an organization with a venue."""

    def __init__(self, chosen: Settings, servers: int):
        self.chosen = chosen
        self.store: Store = service.open_store(chosen)
        self.servers = [self._start() for _ in range(servers)]
        self.tenant = Tenant(self.servers[0], self.store)
        self.post(0, "locations", VENUE)
        for number, mac in enumerate(ACCESS_POINTS):
            body = {"id": f"ap{number}", "name": "AP", "macAddress": mac}
            place = f"/v3/hotspots/organizations/{self.tenant.id}"
            answer = self.tenant.client.post(place, json=body | {"venueId": "cafe"})
            assert answer.status_code == 201, answer.text

    def _start(self) -> Server:
        return start_server(
            self.chosen,
            FOOTFALL_RATE="100000",
            FOOTFALL_BURST="1000000",
            FOOTFALL_WEBHOOK_ALLOW="127.0.0.1/32",
        )

    def post(self, server: int, what: str, body: Any) -> Any:
        url = f"{self.servers[server].address}/v1/organizations/{self.tenant.id}/{what}"
        answer = self.tenant.client.post(url, json=body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def try_post(self, server: int, what: str, body: Any) -> bool:
        """Post to a server that may be dead; tell whether it took it."""
        url = f"{self.servers[server].address}/v1/organizations/{self.tenant.id}/{what}"
        try:
            answer = self.tenant.client.post(url, json=body)
        except httpx2.TransportError:
            return False
        return answer.status_code in (200, 201)

    def kill(self, number: int) -> None:
        """Kill a server as a crash would."""
        process = self.servers[number].process
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()

    def start_again(self, number: int) -> None:
        self.servers[number] = self._start()

    def close(self) -> None:
        self.tenant.client.close()
        for server in self.servers:
            stop_server(server)
        self.store.close()


@contextlib.contextmanager
def estate(address: str, servers: int = SERVERS) -> Iterator[Estate]:
    with (
        postgres.schema(address) as url,
        opened(Settings(store=url, secret=postgres.SECRET), servers) as made,
    ):
        yield made


@contextlib.contextmanager
def opened(chosen: Settings, servers: int) -> Iterator[Estate]:
    made = Estate(chosen, servers)
    try:
        yield made
    finally:
        made.close()


class Sender(threading.Thread):
    """Sends batches to whichever server answers, each again until acknowledged."""

    def __init__(self, place: Estate, seed: int):
        super().__init__()
        self._place = place
        self._rng = random.Random(seed)
        self.stop = threading.Event()
        self.acknowledged: list[str] = []
        self.statuses: Counter[int] = Counter()

    def run(self) -> None:
        with httpx2.Client(
            headers=self._place.tenant.client.headers, timeout=30
        ) as client:
            while not self.stop.is_set():
                batch = [event() for _ in range(BATCH)]
                while not self._sent(client, batch):
                    time.sleep(0.01)
                self.acknowledged += [one["event"]["id"] for one in batch]

    def _sent(self, client: httpx2.Client, batch: list[dict[str, Any]]) -> bool:
        server = self._rng.choice(self._place.servers)
        try:
            answer = client.post(
                server.address + self._place.tenant.events_path, json=batch
            )
        except httpx2.TransportError:
            return False
        self.statuses[answer.status_code] += 1
        return answer.status_code == 201


class Reader(threading.Thread):
    """Follows the log of arrivals through whichever server answers."""

    def __init__(self, place: Estate):
        super().__init__()
        self._place = place
        self._turns = itertools.cycle(range(SERVERS))
        self.until: set[str] | None = None
        self.seen: list[str] = []

    def run(self) -> None:
        more: dict[str, str] = {"sortBy": "receivedTime", "enableScroll": "true"}
        with httpx2.Client(
            headers=self._place.tenant.client.headers, timeout=30
        ) as client:
            while self.until is None or not self.until <= set(self.seen):
                server = self._place.servers[next(self._turns)]
                url = server.address + self._place.tenant.events_path
                try:
                    answer = client.get(url, params=more)
                except httpx2.TransportError:
                    continue
                if answer.status_code != 200:
                    continue
                page = answer.json()
                self.seen += [one["event"]["id"] for one in page["events"]]
                if page.get("scrollId"):
                    more = {"scrollId": page["scrollId"]}


def kill_at_random(address: str, rounds: int, seed: int = 1) -> Killed:
    """Kill either server while clients send, read, and somebody visits."""
    rng = random.Random(seed)
    found = Killed(rounds=rounds)
    with estate(address) as place:
        senders = [Sender(place, seed + n) for n in range(2)]
        reader = Reader(place)
        for thread in (*senders, reader):
            thread.start()
        for number in range(rounds):
            time.sleep(rng.uniform(0.2, 0.8))  # under load
            killed = rng.randrange(SERVERS)
            place.kill(killed)
            began = time.monotonic()
            # The dead server may still hold the lease of the job that closes it.
            _visit(place, number, 1 - killed)
            _wait_for_visits(place, number + 1, 1 - killed)
            took = time.monotonic() - began
            found.slowest_close_s = max(found.slowest_close_s, took)
            place.start_again(killed)
        for sender in senders:
            sender.stop.set()
            sender.join()
        stored = all_events(place)
        reader.until = {one["event"]["id"] for one in stored}
        reader.join()
        acknowledged = [i for sender in senders for i in sender.acknowledged]
        ids = Counter(one["event"]["id"] for one in stored)
        found.acknowledged = len(acknowledged)
        found.missing = len(set(acknowledged) - set(ids))
        found.double = sum(n - 1 for n in ids.values()) + sum(
            n - 1 for n in Counter(reader.seen).values()
        )
        found.skipped = len(set(ids) - set(reader.seen))
        visits = [one for one in stored if one["event"]["type"] == "visit"]
        found.visits = len(visits)
        found.visits_wrong = abs(len(visits) - rounds) + sum(
            n - 1 for n in Counter(one["customerId"] for one in visits).values()
        )
    return found


def _visit(place: Estate, number: int, server: int) -> None:
    """Let somebody have visited whose stay is due in 2 s."""
    at = clock.now() - 25 * MINUTE + 2 * SECOND
    device = f"0c8ddc{number:06x}"
    login = {
        "device": device,
        "location": "cafe",
        "at": format_instant(at),
        "username": f"guest{number}",
    }
    place.post(server, "logins", [login])
    heard = [
        {"device": device, "location": "cafe", "at": format_instant(at + n * MINUTE)}
        for n in (5, 10)
    ]
    place.post(server, "observations", heard)


def _wait_for_visits(place: Estate, count: int, server: int) -> None:
    """Wait until so many visits are there; at most a minute."""
    url = place.servers[server].address + place.tenant.events_path
    parameters: dict[str, Any] = {"events": "visit", "size": 1000}

    def are_there() -> bool:
        answer = place.tenant.client.get(url, params=parameters)
        return answer.status_code == 200 and bool(answer.json()["count"] >= count)

    until(are_there)


def all_events(place: Estate, **more: str) -> list[dict[str, Any]]:
    """Return all events; by arrival with what was withdrawn."""
    parameters: dict[str, Any] = {"size": 10_000, "enableScroll": "true", **more}
    url = place.servers[0].address + place.tenant.events_path
    found: list[dict[str, Any]] = []
    while True:
        page = place.tenant.client.get(url, params=parameters).json()
        found += page["events"]
        if not page.get("scrollId") or not page["hasMore"]:
            return found
        parameters = {"scrollId": page["scrollId"]}


def hear_from_both(address: str, times: int, seed: int = 1) -> tuple[int, bool]:
    """Let two servers hear the same devices at the same times.

    Returns:
        How often, and whether the events are those of one server.
    """
    rng = random.Random(seed)
    start = clock.now() - 600 * MINUTE
    heard = [
        (rng.randrange(5), start + rng.randrange(500 * 60) * SECOND)
        for _ in range(times)
    ]
    with estate(address) as two:
        __log_in_all(two, start)
        shares = [heard[n:] + heard[:n] for n in (0, times // 3)]
        threads = [
            threading.Thread(target=_hear, args=(two, number, number, share))
            for number, share in enumerate(shares)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        from_both = _standing(two)
    with estate(address, servers=1) as one:
        __log_in_all(one, start)
        for number in range(SERVERS):
            _hear(one, 0, number, sorted(heard, key=lambda each: each[1]))
        return times * SERVERS, from_both == _standing(one)


def __log_in_all(place: Estate, start: int) -> None:
    logins = [
        {
            "device": f"0c8ddd{number:06x}",
            "location": "cafe",
            "at": format_instant(start),
            "username": f"guest{number}",
        }
        for number in range(5)
    ]
    place.post(0, "logins", logins)


def _hear(
    place: Estate, server: int, access_point: int, heard: list[tuple[int, int]]
) -> None:
    headers = place.tenant.client.headers
    url = f"{place.servers[server].address}/v1/organizations/{place.tenant.id}"
    with httpx2.Client(headers=headers, timeout=30) as client:
        for first in range(0, len(heard), 10):
            body = [
                {
                    "device": f"0c8ddd{number:06x}",
                    "hotspot": f"ap{access_point}",
                    "at": format_instant(at),
                }
                for number, at in heard[first : first + 10]
            ]
            answer = client.post(f"{url}/observations", json=body)
            assert answer.status_code in (200, 201), answer.text


def _standing(place: Estate) -> list[tuple[str, str, str, str]]:
    """What holds once all stays that are due have closed."""
    quiet = None
    while True:
        names = _names(place)
        found = sorted(
            (
                names[one["customerId"]],
                one["event"]["type"],
                one["when"]["createdAt"],
                str(one["event"].get("visit", {}).get("startAt")),
            )
            for one in all_events(place)
        )
        if found == quiet:
            return found
        quiet = found
        time.sleep(2.5)  # two rounds of the periodic jobs


def _names(place: Estate) -> dict[str, str]:
    url = f"{place.servers[0].address}/v1/organizations/{place.tenant.id}/customers"
    found = {}
    for contact in {one["customerId"] for one in all_events(place)}:
        profile = place.tenant.client.get(f"{url}/{contact}").json()
        found[contact] = profile["username"]
    return found


def restart_database(seconds: float) -> Restarted:
    """Stop the database under load, and start it again after some seconds."""
    found = Restarted()
    with postgres.cluster() as cluster, estate(cluster.address) as place:
        senders = [Sender(place, n) for n in range(2)]
        for sender in senders:
            sender.start()
        until(lambda: all(sender.acknowledged for sender in senders))
        cluster.stop()
        ready = f"{place.servers[0].address}/readyz"
        until(lambda: httpx2.get(ready, timeout=30).status_code == 503)
        time.sleep(seconds)
        cluster.start()
        before = [len(sender.acknowledged) for sender in senders]
        until(
            lambda: all(
                len(sender.acknowledged) > count
                for sender, count in zip(senders, before, strict=True)
            )
        )
        found.healed = httpx2.get(ready, timeout=30).status_code == 200
        for sender in senders:
            sender.stop.set()
            sender.join()
        stored = [one["event"]["id"] for one in all_events(place)]
        acknowledged = [i for sender in senders for i in sender.acknowledged]
        statuses = sum((sender.statuses for sender in senders), Counter[int]())
        found.acknowledged = len(acknowledged)
        found.refused = statuses[503]
        found.odd = statuses.total() - statuses[201] - statuses[503]
        found.lost = (
            len(set(acknowledged) - set(stored)) + len(stored) - len(set(stored))
        )
    return found


def until(condition: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
