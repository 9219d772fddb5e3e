"""The chain in real time, against a real server."""

import threading

from footfall import clock
from footfall.core.instants import HOUR, MINUTE
from footfall.simulation import live
from footfall.simulation.vendors import Setup

POINT = bytes.fromhex("020000000001")


def test_guests_of_the_last_hour_are_there_at_once(tenant, monkeypatch):
    monkeypatch.setattr(live, "EVERY_S", 0.01)
    tenant.client.post(
        f"/v1/organizations/{tenant.id}/locations", json={"id": "bar", "name": "Bar"}
    ).raise_for_status()
    hotspot = {"id": "h", "name": "H", "venueId": "bar", "macAddress": POINT.hex(":")}
    path = f"/v3/hotspots/organizations/{tenant.id}"
    tenant.client.post(path, json=hotspot).raise_for_status()
    sources = tenant.server.source_secrets(tenant.store)
    made = sources.create(tenant.id, "mist", clock.now())
    url = f"{tenant.server.address}/v1/sources/{made.source.id}"
    stop = threading.Event()
    started = clock.now()

    def now():
        # The simulation looks at the clock again only when all until now is sent.
        if tenant.read(size=1).json()["count"]:
            stop.set()
        return started

    live.run([Setup(url, made.secret, (POINT,), "bar")], started, now, stop)
    events = tenant.read(size=1000).json()["events"]
    assert {one["event"]["type"] for one in events} >= {"signup", "arriving", "login"}


def test_a_week_later_the_same_guests_come_back():
    day = 20_000

    def devices(n):
        return {sighting.device for sighting in live._day(3, 2, n)}

    assert devices(day) == devices(day + 7)
    assert devices(day).isdisjoint(devices(day + 1))


def test_no_sighting_is_from_before_its_start():
    since = 20_000 * 24 * HOUR + 5 * HOUR + 7 * MINUTE
    found = live._sightings(0, 1, since)
    first = [next(found) for _ in range(50)]
    assert all(since <= one.at for one in first)
    assert [one.at for one in first] == sorted(one.at for one in first)
