"""Simulated devices: people around access points, as equipment sees them.

The same seed gives the same people. A person comes, logs in, is heard every half minute
or so by one of the access points, and leaves.
"""

from collections.abc import Iterator
from enum import StrEnum
from random import Random

import msgspec

from footfall.core.instants import MINUTE, SECOND

_HEARD_EVERY_S = (20, 45)
_STAY_MIN = (3, 90)
# A vendor's prefix, so that no address counts as randomised.
_PREFIX = bytes.fromhex("0c8ddb")


class SightingKind(StrEnum):
    """What a device did at an access point."""

    CAME = "came"
    HEARD = "heard"
    LEFT = "left"


class Sighting(msgspec.Struct, frozen=True, gc=False):
    """A device at an access point.

    Attributes:
        at: Microseconds after the beginning.
        moment: What happened.
        guest: The person's number.
        device: The device's address.
        access_point: The number of the access point.
        rssi: The signal in dBm.
        session: The access point's id of the connection.
    """

    at: int
    moment: SightingKind
    guest: int
    device: bytes
    access_point: int
    rssi: int
    session: str


def simulate_devices(
    guests: int, minutes: int, access_points: int, seed: int
) -> list[Sighting]:
    """Return the sightings of all guests, each coming once, in order of time."""
    rng = Random(f"{seed}/{guests}/{minutes}")  # noqa: S311  no secret
    sightings = [
        sighting
        for guest in range(guests)
        for sighting in _visit(rng, guest, minutes, access_points)
    ]
    return sorted(sightings, key=lambda sighting: (sighting.at, sighting.guest))


def _visit(
    rng: Random, guest: int, minutes: int, access_points: int
) -> Iterator[Sighting]:
    device = _PREFIX + rng.getrandbits(24).to_bytes(3)
    length = min(rng.randint(*_STAY_MIN), minutes) * MINUTE
    at = rng.randint(0, (minutes * MINUTE - length) // SECOND) * SECOND
    end = at + length
    session = f"{rng.getrandbits(64):016x}"
    near, signal = rng.randrange(access_points), rng.randint(-75, -45)
    moment = SightingKind.CAME
    while at < end:
        yield Sighting(at, moment, guest, device, near, signal, session)
        moment = SightingKind.HEARD
        at += rng.randint(*_HEARD_EVERY_S) * SECOND
        signal = max(-90, min(-40, signal + rng.randint(-4, 4)))
        if rng.random() < 0.05:  # noqa: PLR2004  now and then somebody walks
            near = rng.randrange(access_points)
    yield Sighting(end, SightingKind.LEFT, guest, device, near, signal, session)
