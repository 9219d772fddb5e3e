"""The vendor simulator: access points that report to a running server.

Each class is a vendor: it sends the sightings since its last report, and returns when
the server has them. Like real equipment, it tries again (stamina) without an answer.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx2
import msgspec
import stamina
from pyrad.client import Client, Timeout
from typing_extensions import override

from footfall.core.instants import SECOND, format_instant
from footfall.errors import EquipmentUnheard, Invalid
from footfall.simulation.devices import Sighting, SightingKind
from footfall.sources import mist
from footfall.sources.radius import dictionary

TIMEOUT_S = 10
ATTEMPTS = 4
# Simulated time between two posts, in microseconds.
POST_EVERY = 30 * SECOND
INTERIM_EVERY_S = 300
RADIUS_PORT = 1813


class Setup(msgspec.Struct, frozen=True):
    """Where guests are heard, and where the reports go.

    Attributes:
        url: The source's address, or `udp://host:port` for RADIUS.
        secret: The source's secret.
        access_points: The addresses of the access points.
        network: The vendor's name of the venue.
    """

    url: str
    secret: str
    access_points: tuple[bytes, ...]
    network: str


class Vendor(Protocol):
    """The equipment of a vendor."""

    def send(self, start: int, sightings: list[Sighting]) -> None:
        """Report sightings to the server; `start` is when the simulation began."""


class Meraki(Vendor):
    """Posts of the Scanning API, version 3."""

    def __init__(self, setup: Setup):
        self._setup = setup
        self._client = _client_for(setup.url)

    @override
    def send(self, start: int, sightings: list[Sighting]) -> None:
        clients: dict[bytes, list[Sighting]] = {}
        for sighting in sightings:
            clients.setdefault(sighting.device, []).append(sighting)
        observations = [self._client_of(start, some) for some in clients.values()]
        data = {"networkId": self._setup.network, "observations": observations}
        post = {"version": "3.0", "secret": self._setup.secret, "type": "WiFi"}
        _post(self._client, self._setup.url, json.dumps(post | {"data": data}), {})

    def _client_of(self, start: int, sightings: list[Sighting]) -> dict[str, Any]:
        def time_of(sighting: Sighting) -> str:
            return format_instant(start + sighting.at)

        def mac_of(sighting: Sighting) -> str:
            return self._setup.access_points[sighting.access_point].hex(":")

        last = sightings[-1]
        return {
            "clientMac": last.device.hex(":"),
            "latestRecord": {
                "nearestApMac": mac_of(last),
                "nearestApRssi": str(last.rssi),
                "time": time_of(last),
            },
            "locations": [
                {
                    "time": time_of(sighting),
                    "lat": None,
                    "lng": None,
                    "rssiRecords": [{"apMac": mac_of(sighting), "rssi": sighting.rssi}],
                }
                for sighting in sightings
            ],
        }


class Mist(Vendor):
    """Webhooks: guests who log in, devices on the map, sessions that ended."""

    def __init__(self, setup: Setup):
        self._setup = setup
        self._client = _client_for(setup.url)

    @override
    def send(self, start: int, sightings: list[Sighting]) -> None:
        topics: dict[str, list[dict[str, Any]]] = {}
        for sighting in sightings:
            topic = "location-client"
            if sighting.moment is SightingKind.CAME:
                topic = "guest-authorizations"
            topics.setdefault(topic, []).append(self._event(start, sighting))
        for topic, events in sorted(topics.items()):
            body = json.dumps({"topic": topic, "events": events})
            signature = mist.sign(self._setup.secret, body.encode())
            _post(
                self._client, self._setup.url, body, {"X-Mist-Signature-v2": signature}
            )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _event(self, start: int, sighting: Sighting) -> dict[str, Any]:
        at = (start + sighting.at) // SECOND
        where = {
            "site_id": self._setup.network,
            "ap": self._setup.access_points[sighting.access_point].hex(),
        }
        if sighting.moment is SightingKind.CAME:
            who = {
                "client": sighting.device.hex(),
                "email": f"guest{sighting.guest}@example.com",
            }
            return where | who | {"authorized_time": at, "wlan_id": sighting.session}
        who = {"mac": sighting.device.hex(), "type": "wifi"}
        return where | who | {"timestamp": at, "rssi": sighting.rssi}


class Radius(Vendor):
    """Accounting: Start, an Interim-Update every five minutes, Stop."""

    def __init__(self, setup: Setup):
        self._setup = setup
        parts = urlsplit(setup.url)
        if not parts.hostname:
            raise Invalid(f"{setup.url!r} is not an address; give udp://HOST:PORT.")
        self._client = Client(
            server=parts.hostname,
            acctport=parts.port or RADIUS_PORT,
            secret=setup.secret.encode(),
            dict=dictionary(),
        )
        self._client.retries = ATTEMPTS
        self._client.timeout = TIMEOUT_S / ATTEMPTS
        self._told: dict[str, int] = {}

    @override
    def send(self, start: int, sightings: list[Sighting]) -> None:
        for sighting in sightings:
            told = self._told.get(sighting.session, 0)
            if sighting.moment is SightingKind.HEARD and sighting.at < told:
                continue
            self._told[sighting.session] = sighting.at + INTERIM_EVERY_S * SECOND
            self._tell(start, sighting)

    def _tell(self, start: int, sighting: Sighting) -> None:
        status = {SightingKind.CAME: 1, SightingKind.LEFT: 2, SightingKind.HEARD: 3}[
            sighting.moment
        ]
        access_point = self._setup.access_points[sighting.access_point].hex("-").upper()
        packet = self._client.CreateAcctPacket()
        packet["Acct-Status-Type"] = status
        packet["User-Name"] = f"guest{sighting.guest}"
        packet["Calling-Station-Id"] = sighting.device.hex("-").upper()
        packet["Called-Station-Id"] = f"{access_point}:Guests"
        packet["NAS-Identifier"] = self._setup.network
        packet["Acct-Session-Id"] = sighting.session
        packet["Event-Timestamp"] = (start + sighting.at) // SECOND
        try:
            self._client.SendPacket(packet)
        except (Timeout, OSError):
            raise EquipmentUnheard(
                f"{self._setup.url} does not answer. Is the secret right, and does "
                "footfall listen there?"
            ) from None


VENDORS: dict[str, Callable[[Setup], Vendor]] = {
    "radius": Radius,
    "meraki": Meraki,
    "mist": Mist,
}


def _client_for(url: str) -> httpx2.Client:
    if urlsplit(url).scheme not in ("http", "https"):
        raise Invalid(f"{url!r} is not an address; give the source's http(s)://….")
    return httpx2.Client(timeout=TIMEOUT_S)


def _post(client: httpx2.Client, url: str, body: str, headers: dict[str, str]) -> None:
    try:
        for attempt in stamina.retry_context(on=_is_passing, attempts=ATTEMPTS):
            with attempt:
                answer = client.post(url, content=body, headers=headers)
                answer.raise_for_status()
    except httpx2.HTTPStatusError as error:
        raise EquipmentUnheard(
            f"{url} refuses with status {error.response.status_code}. Is it the "
            "source's address, and is the secret right?"
        ) from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise EquipmentUnheard(f"{url} does not answer: {error}.") from None


def _is_passing(error: Exception) -> bool:
    """Tell whether another attempt may succeed."""
    if isinstance(error, httpx2.HTTPStatusError):
        return error.response.status_code >= 500 or error.response.status_code == 429  # noqa: PLR2004
    return isinstance(error, httpx2.TransportError)


def play(
    vendor: Vendor,
    sightings: list[Sighting],
    now: int,
    speed: float,
    progress: Callable[[int], None],
) -> None:
    """Report sightings, timed so that simulated time ends at real time.

    Args:
        vendor: The equipment.
        sightings: What it hears, in order of time.
        now: This instant.
        speed: Simulated seconds per second.
        progress: Called with the number of sightings of each post.

    Raises:
        EquipmentUnheard: The server does not accept it.
    """
    length = sightings[-1].at if sightings else 0
    start = now - int(length * (1 - 1 / speed)) // SECOND * SECOND
    began = time.monotonic()
    for post in _posts(sightings):
        due = began + post[-1].at / SECOND / speed
        time.sleep(max(0.0, due - time.monotonic()))
        vendor.send(start, post)
        progress(len(post))


def _posts(sightings: Iterable[Sighting]) -> Iterator[list[Sighting]]:
    post: list[Sighting] = []
    for sighting in sightings:
        if post and sighting.at - post[0].at >= POST_EVERY:
            yield post
            post = []
        post.append(sighting)
    if post:
        yield post
