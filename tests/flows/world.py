"""An organization with two venues, for tests of presence on a real store."""

import json
from typing import Self

from footfall.core import instants
from footfall.core.instants import MINUTE, SECOND
from footfall.core.observations import (
    Login,
    Observation,
    PlaceReference,
    Restart,
    SourceBatch,
)
from footfall.core.places import Hotspot, Location, PresenceSettings
from footfall.core.queries import EventQuery, Sort
from footfall.flows.accounts import tenants
from footfall.flows.presence import close_stays, identify, observe
from footfall.flows.presence.observe import LIVE, Outcome, PresenceOptions
from footfall.flows.presence.reattribute import reattribute_all
from footfall.store import Store

START = instants.parse_instant("2026-05-01T10:00:00Z")
LATER = START + 400 * instants.DAY
ANN, BOB = bytes.fromhex("0c8ddb0000aa"), bytes.fromhex("0c8ddb0000bb")
MADE_UP = bytes.fromhex("0e8ddb0000cc")


class World:
    """Times are minutes after `START`."""

    def __init__(self, store: Store, zone: str = "UTC"):
        self.store = store
        tenants.create_organization(self.store, "Org", "org", 0)
        self.zone = zone

        def register(transaction):
            for name in ("cafe", "shop"):
                transaction.registry.put_location(
                    Location(name, name, zone), PresenceSettings()
                )
            transaction.registry.put_hotspot(
                Hotspot("h1", "h1", "cafe", mac_address="00:00:00:00:00:01")
            )
            transaction.registry.put_hotspot(
                Hotspot("h2", "h2", "cafe", nas_identifier="nas-2")
            )

        self.store.transaction("org", register).result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.store.close()

    def set(self, location: str | None = None, **values) -> None:
        def work(transaction):
            if location is None:
                transaction.registry.put_settings(PresenceSettings(**values))
            else:
                transaction.registry.put_location(
                    Location(location, location, self.zone), PresenceSettings(**values)
                )

        self.store.transaction("org", work).result()

    def take(
        self, heard: SourceBatch, now: int = LATER, options: PresenceOptions = LIVE
    ) -> Outcome:
        outcome = self.store.transaction(
            "org", lambda transaction: observe.observe(transaction, heard, now, options)
        ).result()
        reattribute_all(self.store, now)
        return outcome

    def hear(self, device, *minutes, at="cafe", now=LATER, rssi=None) -> Outcome:
        return self.take(SourceBatch([seen(device, m, at, rssi) for m in minutes]), now)

    def log_in(self, who, device, minute, at="cafe", now=LATER, **more) -> Outcome:
        login = Login(
            START + int(minute * MINUTE),
            PlaceReference(location=at),
            (("username", who),),
            device,
            **more,
        )
        return self.take(SourceBatch(logins=[login]), now)

    def restart(self, nas: str, minute: float) -> None:
        self.take(SourceBatch(restarts=[Restart(START + int(minute * MINUTE), nas)]))

    def close(self, now: int = LATER) -> int:
        return close_stays.close_due(self.store, now)

    def events(self, kind=None, sort=Sort.RECEIVED_TIME, contact=None):
        page = self.store.page(EventQuery("org", contact, sort=sort, size=10_000))
        found = json.loads(b"[" + page.body + b"]")
        return [e for e in found if kind is None or e["event"]["type"] == kind]

    def standing(self):
        """The events that hold, by id."""
        return {e["event"]["id"]: e for e in self.events(sort=Sort.UTC_TIME)}

    def visits(self):
        """Who, where, from which minute to which."""
        found = []
        for e in self.events("visit", Sort.UTC_TIME):
            start = instants.parse_instant(e["event"]["visit"]["startAt"])
            end = instants.parse_instant(e["when"]["createdAt"])
            where = e["where"]["locationId"]
            minutes = ((start - START) / MINUTE, (end - START) / MINUTE)
            found.append((self.name_of(e["customerId"]), where, *minutes))
        return sorted(found)

    def name_of(self, contact: str) -> str:
        """The username of a contact, or its id."""

        def work(transaction):
            number = transaction.people.find_contact(contact)
            return (
                None if number is None else identify.read_profile(transaction, number)
            )

        profile = self.store.read("org", work)
        return (
            contact if profile is None else profile.identities.get("username", contact)
        )


def seen(device, minute, at="cafe", rssi=None) -> Observation:
    return Observation(
        START + int(minute * MINUTE) // SECOND * SECOND,
        PlaceReference(location=at),
        device,
        rssi=rssi,
    )
