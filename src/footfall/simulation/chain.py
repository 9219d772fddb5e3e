"""A simulated chain of venues: realistic events from a seed.

The same seed gives the same events. The days lie around 25 October 2026, when the
clocks of Europe go back, so every simulation holds an hour that happens twice. There
are three kinds of people: regulars have a home venue, tourists travel through a few,
staff come every day and stay long. A stay makes an arriving, logins and a visit; the
events that follow from it (emails, a survey …) come later, in order.
"""

import functools
from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from typing import Any

import msgspec

from footfall.core import instants
from footfall.core.events.ids import id_letter, key_of, make_id
from footfall.core.events.structs import NewEvent
from footfall.core.events.types import TYPE_NUMBERS
from footfall.core.instants import DAY, HOUR, MINUTE, SECOND

CLOCK_CHANGE = date(2026, 10, 25)
_EVENTS_PER_PERSON = 25
_TRIES = 20


class Venue(msgspec.Struct, frozen=True):
    """A location of the chain, with its opening hours on its own clock."""

    name: str
    zone: str
    lng: float
    lat: float
    opens: int
    closes: int
    id: str = ""
    hotspots: tuple[str, ...] = ()


class Person(msgspec.Struct):
    """A guest or a member of staff."""

    id: str
    kind: str
    home: int
    app_os: str | None
    signed_up: bool = False
    free_at: int = 0


_CHAIN = (
    Venue("Market Street", "America/Los_Angeles", -122.4039, 37.7879, 7, 22),
    Venue("Bleecker Street", "America/New_York", -74.0002, 40.7290, 7, 23),
    Venue("Rua Augusta", "America/Sao_Paulo", -46.6565, -23.5537, 8, 22),
    Venue("Borough", "Europe/London", -0.0905, 51.5055, 8, 21),
    Venue("Trastevere", "Europe/Rome", 12.4694, 41.8893, 8, 24),
    Venue("Connaught Place", "Asia/Kolkata", 77.2167, 28.6315, 9, 22),
    Venue("Shibuya", "Asia/Tokyo", 139.7005, 35.6580, 10, 23),
    Venue("Circular Quay", "Australia/Sydney", 151.2111, -33.8613, 7, 20),
)
_CAMPAIGNS = ("Welcome", "We miss you", "Autumn menu", "Your opinion")


def simulate(
    organization: str, count: int, seed: int, days: int, until: date | None = None
) -> Iterator[list[NewEvent]]:
    """Yield `count` events in all, one list per day, each in order of time.

    The last day is the one before `until`; without it, the middle is `CLOCK_CHANGE`.
    """
    rng = _random(count, seed, days)
    chain = Chain(organization, rng, max(20, count // _EVENTS_PER_PERSON))
    first = (until or CLOCK_CHANGE + timedelta(days=days - days // 2)) - timedelta(
        days=days
    )
    pending: list[NewEvent] = []
    given = 0
    for day in range(days):
        start = (first + timedelta(days=day) - date(1970, 1, 1)).days * DAY
        wanted = count * (day + 1) // days - given
        end = start + DAY if day < days - 1 else None
        due = [e for e in pending if end is None or e.created_at < end]
        pending = [e for e in pending if end is not None and e.created_at >= end]
        while len(due) < wanted:
            for event in chain.stay(start):
                late = end is not None and event.created_at >= end
                (pending if late else due).append(event)
        due.sort(key=_created_at)
        if end is None:
            del due[wanted:]
        given += len(due)
        yield due


def venues(count: int, seed: int, days: int) -> list[Venue]:
    """Return the venues of a simulation."""
    return Chain("", _random(count, seed, days), 0).venues


def _random(count: int, seed: int, days: int) -> Random:
    return Random(f"{seed}/{days}/{count}")  # noqa: S311  no secret


def _created_at(event: NewEvent) -> int:
    return event.created_at


class Chain:
    """The venues and the people, and the events of their stays."""

    def __init__(self, organization: str, rng: Random, people: int):
        self._organization = organization
        self._rng = rng
        self.venues = [
            msgspec.structs.replace(
                venue,
                id=self._hex_id(),
                hotspots=tuple(self._hex_id() for _ in range(3)),
            )
            for venue in _CHAIN
        ]
        self._campaigns = [(self._hex_id()[:24], name) for name in _CAMPAIGNS]
        self._people = [self._person() for _ in range(people)]

    def _hex_id(self) -> str:
        return f"{self._rng.getrandbits(128):032x}"

    def _person(self) -> Person:
        rng = self._rng
        kind = rng.choices(("regular", "tourist", "staff"), (60, 38, 2))[0]
        app_os = rng.choice(("android", "ios")) if rng.random() < 0.15 else None  # noqa: PLR2004
        return Person(self._hex_id(), kind, rng.randrange(len(self.venues)), app_os)

    def stay(self, day: int) -> list[NewEvent]:
        """Return the events of one person at one venue; the day starts at `day`."""
        rng = self._rng
        person, venue, (start, end) = self._plan(rng.choice(self._people), day)
        for _ in range(_TRIES):
            if start >= person.free_at:
                break
            person, venue, (start, end) = self._plan(rng.choice(self._people), day)
        else:
            person = self._person()
            self._people.append(person)
        person.free_at = end + HOUR
        made = _Stay(self._organization, rng, person, venue)
        made.presence(start, end)
        if person.signed_up and rng.random() < 0.25:  # noqa: PLR2004
            made.campaign(end + rng.randrange(HOUR, DAY, SECOND), self._campaigns)
        return made.events

    def _plan(self, person: Person, day: int) -> tuple[Person, Venue, tuple[int, int]]:
        at_home = person.kind != "tourist" or self._rng.random() < 0.3  # noqa: PLR2004
        home = self.venues[person.home]
        venue = home if at_home else self._rng.choice(self.venues)
        return person, venue, self._times(person, venue, day)

    def _times(self, person: Person, venue: Venue, day: int) -> tuple[int, int]:
        """Return when a person comes and goes, within the opening hours."""
        rng = self._rng
        opening = day + venue.opens * HOUR - _offset(venue.zone, day + DAY // 2)
        open_for = (venue.closes - venue.opens) * HOUR
        if person.kind == "staff":
            start = opening + rng.randrange(0, HOUR, SECOND)
            end = start + rng.randrange(6 * HOUR, open_for - HOUR, SECOND)
        else:
            # Most people come late in the day.
            start = opening + int(rng.triangular(0, open_for - HOUR, open_for * 0.6))
            stay = int(rng.lognormvariate(3.3, 0.8) * MINUTE)
            end = min(start + stay, opening + open_for)
        return start - start % SECOND, end - end % SECOND


class _Stay:
    """Collects the events of one stay and of what follows from it."""

    def __init__(self, organization: str, rng: Random, person: Person, venue: Venue):
        self.events: list[NewEvent] = []
        self._organization = organization
        self._rng = rng
        self._person = person
        self._venue = venue
        self._where = {"locationId": venue.id, "locationName": venue.name}

    def presence(self, start: int, end: int) -> None:
        """Add the events of arriving, logging in and leaving."""
        rng, venue = self._rng, self._venue
        here = self._where | {"hotspotId": rng.choice(venue.hotspots)}
        if self._person.app_os is not None:
            self._geofence(start - rng.randrange(MINUTE, 5 * MINUTE, SECOND), end)
        self._add("arriving", start, here)
        if rng.random() < 0.75:  # noqa: PLR2004
            login = min(start + rng.randrange(0, 3 * MINUTE, SECOND), end)
            if not self._person.signed_up:
                self._person.signed_up = True
                self._add("signup", login, here, {"signup": {"source": "wifi"}})
            self._add("login", login, here)
            while rng.random() < 0.3:  # noqa: PLR2004
                login = min(login + rng.randrange(0, 30 * MINUTE, SECOND), end)
                self._add("login", login, here)
            if rng.random() < 0.05:  # noqa: PLR2004
                self._add("promo", login, here, {"promo": {"type": "url"}})
        if end - start >= 5 * MINUTE:
            visit = self._span(start) | {"duration": (end - start) // MINUTE}
            self._add("visit", end, self._where, {"visit": visit})

    def campaign(self, sent: int, campaigns: list[tuple[str, str]]) -> None:
        """Add the events of a message: sent, and perhaps opened, clicked, answered."""
        rng, person = self._rng, self._person
        campaign_id, name = rng.choice(campaigns)
        payload = {
            "campaignId": campaign_id,
            "communicationId": f"{rng.getrandbits(96):024x}",
            "channel": "email",
            "campaignName": name,
            "email": f"guest-{person.id[:8]}@example.org",
        }
        opened = sent + rng.randrange(MINUTE, 10 * HOUR, SECOND)
        clicked = opened + rng.randrange(SECOND, 5 * MINUTE, SECOND)
        if rng.random() < 0.2:  # noqa: PLR2004
            del payload["email"]
            payload |= {"channel": "sms", "phone": "5550100", "prefix": "+1"}
            self._add("send_sms", sent, self._where, {"sms": payload})
            if rng.random() < 0.2:  # noqa: PLR2004
                self._add("click_sms", opened, self._where, {"sms": payload})
            return
        self._add("send_email", sent, self._where, {"email": payload})
        if rng.random() < 0.4:  # noqa: PLR2004
            self._add("open_email", opened, self._where, {"email": payload})
            if rng.random() < 0.3:  # noqa: PLR2004
                self._add("click_email", clicked, self._where, {"email": payload})
                self._survey(clicked, campaign_id, name)

    def _survey(self, clicked: int, campaign_id: str, name: str) -> None:
        rng = self._rng
        survey = {
            "campaignId": campaign_id,
            "campaignName": name,
            "answerId": f"{rng.getrandbits(96):024x}",
            "questions": {"question_1": "How was your visit?"},
            "answers": {"answer_1": rng.choice(("great", "good", "poor"))},
        }
        answered = clicked + rng.randrange(MINUTE, 10 * MINUTE, SECOND)
        self._add("survey", answered, self._where, {"survey": survey})

    def _geofence(self, start: int, end: int) -> None:
        venue, rng = self._venue, self._rng
        left = end + rng.randrange(MINUTE, 5 * MINUTE, SECOND)
        properties = {
            "appId": "62d86f755d146f00012297ea",
            "appBundle": "com.example.chain",
            "projectId": "62d86f0068c4fc0001c4d63f",
            "appOs": self._person.app_os,
        }
        where = {
            "geofenceName": f"Around {venue.name}",
            "geofenceMetadata": [],
            "geofenceId": venue.id[::-1],
            "geofenceExtId": venue.name,
            "geofenceJSON": {
                "type": "Circle",
                "coordinates": [venue.lng, venue.lat],
                "radius": 200,
            },
        }
        span = self._span(start)
        entered = {"visit": span | {"properties": properties}}
        duration = {"duration": (left - start) // MINUTE}
        gone = {"visit": span | duration | {"properties": properties}}
        self._add("geo_arriving", start, where, entered)
        self._add("geo_visit", left, where, gone)

    def _span(self, start: int) -> dict[str, Any]:
        zone = self._venue.zone
        return {
            "startAt": _text(start),
            "startAtLocal": _text(start + _offset(zone, start)),
            "timezone": zone,
        }

    def _add(
        self,
        kind: str,
        instant: int,
        where: dict[str, Any],
        payload: dict[str, Any] | None = None,
    ) -> None:
        zone = self._venue.zone
        offset = _offset(zone, instant)
        event_id = make_id(instant, self._rng.getrandbits(80)) + id_letter(kind)
        event: dict[str, Any] = {
            "customerId": self._person.id,
            "event": {"type": kind, "id": event_id, **(payload or {})},
            "where": where,
            "when": {
                "createdAt": _text(instant),
                "createdAtLocal": _text(instant + offset),
                "timezone": zone,
                "utcOffset": _offset_text(offset),
            },
        }
        if not kind.startswith("geo_"):
            event = {"organizationId": self._organization, **event}
        body = msgspec.json.encode(event)
        new = NewEvent(
            key=key_of(event_id),
            contact=self._person.id,
            type=TYPE_NUMBERS[kind],
            created_at=instant,
            local_at=instant + offset,
            body=body,
            sent=body,
        )
        self.events.append(new)


def _offset(zone: str, instant: int) -> int:
    """Return the zone's offset; zones change only at quarters of an hour."""
    return _offset_of_quarter(zone, instant // (15 * MINUTE))


@functools.lru_cache(maxsize=100_000)
def _offset_of_quarter(zone: str, quarter: int) -> int:
    instant = quarter * 15 * MINUTE
    return instants.to_wall_clock(instant, instants.zone_of(zone)) - instant


@functools.lru_cache(maxsize=1_000)
def _offset_text(offset: int) -> str:
    minutes = abs(offset) // MINUTE
    return f"{'-' if offset < 0 else '+'}{minutes // 60:02}:{minutes % 60:02}"


def _text(instant: int) -> str:
    """Write an instant as `instants.format_instant` does, faster, from cached parts."""
    day, rest = divmod(instant // SECOND, 86_400)
    return f"{_day_text(day)}T{_time_text(rest)}Z"


@functools.lru_cache(maxsize=1_000)
def _day_text(day: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()


@functools.lru_cache(maxsize=86_400)
def _time_text(second: int) -> str:
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
