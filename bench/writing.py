"""Writes over HTTP: many senders, and what each waits; see bench.py."""

import random
import threading
import time
from collections.abc import Callable

import msgspec

from footfall import clock
from footfall.core import instants
from footfall.core.instants import SECOND

Send = Callable[[bytes], bytes]
BATCH = 500


def bodies(
    contacts: list[str], count: int, seed: int, spread_s: int = 10
) -> list[bytes]:
    """Return bodies of new events of some contacts, in the order of time.

    Their ids are in no order, and the contacts neither: the indexes of both are
    written to all over. The events of a body lie in `spread_s` seconds.
    """
    rng = random.Random(seed)
    began = clock.now() - (3600 + count * spread_s) * SECOND

    def event(number: int) -> dict[str, object]:
        after_s = number * spread_s + rng.randrange(spread_s)
        at = instants.format_instant(began + after_s * SECOND)
        kind = rng.choice(("arriving", "login", "visit", "open_email"))
        return {
            "customerId": rng.choice(contacts),
            "event": {"type": kind, "id": f"{random.getrandbits(128):032x}l"},
            "where": {"locationId": "venue", "hotspotId": "door", "name": "x" * 120},
            "when": {"createdAt": at, "timezone": "Europe/Rome"},
        }

    return [
        msgspec.json.encode([event(number) for _ in range(BATCH)])
        for number in range(count)
    ]


def send_all(bodies: list[bytes], senders: list[Send]) -> float:
    """Send bodies over several connections at once; return the seconds."""
    shares = [bodies[n :: len(senders)] for n in range(len(senders))]

    def work(share: list[bytes], send: Send) -> None:
        for body in share:
            send(body)

    threads = [
        threading.Thread(target=work, args=pair)
        for pair in zip(shares, senders, strict=True)
    ]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began


def event_body(contact: str) -> bytes:
    """Return the body of one new event."""
    return msgspec.json.encode({"customerId": contact, "event": {"type": "login"}})


def longest_wait(
    send: Send, body: Callable[[], bytes], until: threading.Event
) -> float:
    """Send small bodies one by one until then; return the longest wait in s."""
    longest = 0.0
    while not until.is_set():
        began = time.perf_counter()
        send(body())
        longest = max(longest, time.perf_counter() - began)
    return longest
