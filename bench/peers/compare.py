"""Compares footfall with its peers: the same events, the same machine, in turns."""

import contextlib
import functools
import itertools
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from random import Random

from measuring import Connection, rate
from writing import send_all

from peers.servers import Server

Measure = Callable[[Server, str], float]
ROUNDS = 3
PAGES, PAGES_S, CONNECTIONS = 200, 1.5, 8
LARGE_PAGES = 10
SENDERS, BATCHES = 4, 40
SCROLLERS, SCROLLED = 16, 3


class Round:
    """What each server is asked in turn.

    Attributes:
        batches: Events that no server has yet, 500 each.
        others: Some more of them.
    """

    def __init__(
        self,
        instants: list[int],
        stored: int,
        batches: list[list[bytes]],
        others: list[list[bytes]],
    ):
        self._instants = instants
        self._stored = stored
        self.batches = batches
        self.others = others

    def measures(self) -> dict[str, Measure]:
        return {
            "pages of 20, requests/s": self._small_pages,
            "page of 10,000, ms": self._large_pages,
            "walk over everything, events/s": self._walk,
            "sends of 500 by four, events/s": self._send,
            "the same again (all duplicates), events/s": self._send,
            "page of 20 beside a sender of 500s, p99, ms": self._beside_a_sender,
            f"page of 20 beside {SCROLLERS} scrollers, p99, ms": self._beside_scrollers,
        }

    def _small_pages(self, server: Server, address: str) -> float:
        paths = [server.page(since, 20) for since in self._instants]
        return rate(address, server.token, paths, PAGES_S, CONNECTIONS)

    def _large_pages(self, server: Server, address: str) -> float:
        connection = Connection(address, server.token)
        took = []
        for since in self._instants[:LARGE_PAGES]:
            began = time.perf_counter()
            connection.request(server.page(since, 10_000))
            took.append(time.perf_counter() - began)
        return statistics.median(took) * 1e3

    def _walk(self, server: Server, address: str) -> float:
        connection = Connection(address, server.token)
        path: str | None = server.page(0, 10_000)
        found, began = 0, time.perf_counter()
        while path is not None:
            answer = connection.request(path)
            found += answer.count(b"customerId")
            path = server.following(path, answer)
        took = time.perf_counter() - began
        assert found == self._stored, f"{server.name} gave {found} of {self._stored}"
        return found / took

    def _send(self, server: Server, address: str) -> float:
        bodies = [server.sends(batch) for batch in self.batches]
        connections = [Connection(address, server.token) for _ in range(SENDERS)]
        sends = [functools.partial(one.request, server.path) for one in connections]
        return sum(map(len, self.batches)) / send_all(bodies, sends)

    def _beside_a_sender(self, server: Server, address: str) -> float:
        def work() -> None:
            connection = Connection(address, server.token)
            for batch in self.others:
                connection.request(server.path, server.sends(batch))

        return self._p99(server, address, [work])

    def _beside_scrollers(self, server: Server, address: str) -> float:
        def work() -> None:
            connection = Connection(address, server.token)
            for since in self._instants[:SCROLLED]:
                connection.request(server.page(since, 10_000))

        return self._p99(server, address, [work] * SCROLLERS)

    def _p99(
        self, server: Server, address: str, works: list[Callable[[], None]]
    ) -> float:
        """Return what small pages take at most, but for 1 %, while others work."""
        threads = [threading.Thread(target=work) for work in works]
        connection = Connection(address, server.token)
        took = []
        for one in threads:
            one.start()
        for since in itertools.cycle(self._instants):
            if not any(one.is_alive() for one in threads):
                break
            began = time.perf_counter()
            connection.request(server.page(since, 20))
            took.append(time.perf_counter() - began)
        return statistics.quantiles(took, n=100)[98] * 1e3


def rounds(
    instants: list[int], stored: int, fresh: Iterator[list[bytes]]
) -> Iterator[Round]:
    """Yield the rounds; each has other places to read at and other events to send.

    Args:
        instants: From when pages may begin, so that they are full.
        stored: How many events there are.
        fresh: Batches of events that nobody has yet.
    """
    chance = Random(1)
    for _ in range(ROUNDS):
        batches = list(itertools.islice(fresh, BATCHES))
        others = list(itertools.islice(fresh, BATCHES))
        yield Round(chance.choices(instants, k=PAGES), stored, batches, others)
        stored += sum(map(len, batches + others))


def compare(servers: list[Server], measured: Iterator[Round]) -> dict[str, list[float]]:
    """Return the medians of each measure, in the order of the servers."""
    found: dict[str, list[list[float]]] = {}
    with contextlib.ExitStack() as stack:
        addresses = [stack.enter_context(server.serving()) for server in servers]
        for one in measured:
            for what, measure in one.measures().items():
                found.setdefault(what, []).append(
                    list(map(measure, servers, addresses))
                )
    return {
        what: [statistics.median(each) for each in zip(*taken, strict=True)]
        for what, taken in found.items()
    }
