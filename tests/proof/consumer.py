"""A consumer that may be killed at any moment: it keeps its place with what it has.

Run as `python -m tests.proof.consumer KIND STATE URL TOKEN ADDRESS…`. Each line of the
state file is a place and the events up to it, so both are there or neither is.
"""

import contextlib
import itertools
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2

Event = dict[str, Any]
# A place, and the events that lead to it.
Step = tuple[str, list[Event]]


class State:
    """What a consumer has: a place, and events by their ids, less the withdrawn."""

    def __init__(self, path: Path):
        self.place: str | None = None
        self.events: dict[str, Event] = {}
        self.steps = 0
        self._path = path
        with contextlib.suppress(FileNotFoundError):
            # A line without its end was being written when the process was killed.
            whole = path.read_bytes().rpartition(b"\n")[0]
            for line in whole.splitlines():
                self._apply(*json.loads(line))

    def _apply(self, place: str, events: list[Event]) -> None:
        self.place = place
        self.steps += 1
        for one in events:
            if one["event"].get("withdrawn"):
                self.events.pop(one["event"]["id"], None)
            else:
                self.events[one["event"]["id"]] = one

    def follow(self, steps: Iterator[Step]) -> None:
        """Write each step down before the next one is asked for."""
        whole = self._path.read_bytes() if self._path.exists() else b""
        with self._path.open("r+b" if whole else "wb") as file:
            file.truncate(whole.rfind(b"\n") + 1)
            file.seek(0, os.SEEK_END)
            for place, events in steps:
                file.write(json.dumps([place, events]).encode() + b"\n")
                file.flush()


def synced(
    client: httpx2.Client, addresses: list[str], path: str, place: str | None
) -> Iterator[Step]:
    """Read pages by arrival, each from whichever server answers."""
    for address in itertools.cycle(addresses):
        more = {"scrollId": place} if place else {"enableScroll": "true"}
        parameters = {"sortBy": "receivedTime", **more}
        try:
            answer = client.get(address + path, params=parameters)
        except httpx2.TransportError:
            continue
        if answer.status_code == 200:
            page = answer.json()
            place = page["scrollId"]
            yield str(place), page["events"]


def streamed(
    client: httpx2.Client, addresses: list[str], path: str, place: str | None
) -> Iterator[Step]:
    """Follow the live stream of whichever server answers."""
    place = place or "0"
    for address in itertools.cycle(addresses):
        with contextlib.suppress(httpx2.TransportError):
            parameters = {"after": place}
            url = f"{address}{path}/stream"
            with client.stream("GET", url, params=parameters) as answer:
                fields: dict[str, str] = {}
                for line in answer.iter_lines():
                    name, _, value = line.partition(": ")
                    fields[name] = value
                    if not line and "data" in fields:
                        place = fields["id"]
                        yield place, [json.loads(fields["data"])]
                    if not line:
                        fields = {}


def main() -> None:
    kind, state, path, token, *addresses = sys.argv[1:]
    follow = {"sync": synced, "stream": streamed}[kind]
    kept = State(Path(state))
    with httpx2.Client(headers={"Authorization": token}, timeout=30) as client:
        kept.follow(follow(client, addresses, path, kept.place))


if __name__ == "__main__":
    main()
