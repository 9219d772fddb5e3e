"""Consumers and servers that are killed at random, while late events, corrections of
visits and withdrawals keep coming: in the end each consumer has what is stored.
"""

import itertools
import json
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import msgspec

from footfall import clock
from footfall.core.instants import MINUTE, SECOND, format_instant
from tests.proof.consumer import Event, State
from tests.proof.servers import Estate, Sender, all_events, until

KINDS = ("sync", "stream", "webhook")
WITHIN_S = 60


class Consumed(msgspec.Struct):
    """What came of it.

    Attributes:
        kills: How often a consumer was killed.
        events: How many are stored in the end.
        withdrawn: How many were withdrawn.
        differing: How many a consumer lacks, has too many, or has otherwise.
        repeated: How often a stream gave an entry again.
    """

    kills: int = 0
    events: int = 0
    withdrawn: int = 0
    differing: int = 0
    repeated: int = 0


class Consumer:
    """A consumer's process, and the file that it keeps."""

    def __init__(self, kind: str, folder: Path, place: Estate):
        self.kind = kind
        self._path = folder / kind
        self._place = place
        self._receives = self._webhook() if kind == "webhook" else []
        self._process = self._start()

    def _webhook(self) -> list[str]:
        """Make a webhook; return the port that it leads to and its secret."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        url = f"http://127.0.0.1:{port}/"
        made = self._place.post(0, "webhooks", {"url": url})
        return [str(port), made["secret"]]

    def _start(self) -> subprocess.Popen[bytes]:
        tenant = self._place.tenant
        command = [sys.executable, "-m", "tests.proof.consumer", self.kind]
        command += [str(self._path)]
        reads = [tenant.events_path, tenant.client.headers["Authorization"]]
        reads += [server.address for server in self._place.servers]
        return subprocess.Popen(command + (self._receives or reads))

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def restart(self) -> None:
        """Kill it, and start it again, also because servers have other addresses."""
        self.kill()
        self._process = self._start()

    def state(self) -> State:
        return State(self._path)

    def repeated(self) -> int:
        """Return how often an entry came again."""
        if self.kind != "stream":
            return 0
        lines = self._path.read_bytes().rpartition(b"\n")[0].splitlines()
        places = [int(json.loads(line)[0]) for line in lines]
        return sum(a >= b for a, b in itertools.pairwise(places))


class Corrector(threading.Thread):
    """Reports guests' arrival again and again, each time an earlier one."""

    def __init__(self, place: Estate):
        super().__init__()
        self._place = place
        self.stop = threading.Event()

    def run(self) -> None:
        for number in range(1_000_000):
            device = {"device": f"0c8dde{number:06x}", "location": "cafe"}
            at = clock.now() - 10 * MINUTE
            login_at = at - 60 * MINUTE  # a stay of its own
            login = {"at": format_instant(login_at), "username": f"late{number}"}
            self._post("logins", device | login)
            for earlier in range(1, 6):
                if self.stop.is_set():
                    return
                heard = {"at": format_instant(at - earlier * 30 * SECOND)}
                self._post("observations", device | heard)

    def _post(self, what: str, item: dict[str, str]) -> None:
        while True:
            for number in range(len(self._place.servers)):
                if self._place.try_post(number, what, [item]):
                    return
            time.sleep(0.01)


def consume(place: Estate, rounds: int, seed: int = 1) -> Consumed:
    """Kill consumers, and where there are several servers one of them, in rounds."""
    rng = random.Random(seed)
    found = Consumed()
    with tempfile.TemporaryDirectory() as folder:
        consumers = [Consumer(kind, Path(folder), place) for kind in KINDS]
        load: list[Sender | Corrector] = [Sender(place, seed), Corrector(place)]
        for thread in load:
            thread.start()
        for _ in range(rounds):
            time.sleep(rng.uniform(0.2, 0.8))  # under load
            if len(place.servers) > 1:
                killed = rng.randrange(len(place.servers))
                place.kill(killed)
                place.start_again(killed)
            for consumer in consumers:
                consumer.restart()
                found.kills += 1
        for thread in load:
            thread.stop.set()
            thread.join()
        stored = {one["event"]["id"]: one for one in all_events(place)}
        for consumer in consumers:
            until(lambda c=consumer: c.state().events == stored, WITHIN_S)
            consumer.kill()
            found.differing += _differing(stored, consumer.state().events)
            found.repeated += consumer.repeated()
        found.events = len(stored)
        log = all_events(place, sortBy="receivedTime")
        found.withdrawn = sum(bool(one["event"].get("withdrawn")) for one in log)
    return found


def _differing(stored: dict[str, Event], had: dict[str, Event]) -> int:
    names = stored.keys() | had.keys()
    return sum(stored.get(name) != had.get(name) for name in names)
