"""What is registered: locations, hotspots, rules and keys."""

import secrets
from collections.abc import Sequence
from typing import Any

import msgspec
from typing_extensions import override

from footfall.core.places import (
    Hotspot,
    Location,
    LocationRecord,
    PresenceSettings,
    Registry,
)
from footfall.store.relational.keys import KEY_BYTES
from footfall.store.relational.repository import Repository
from footfall.store.relational.session import Session
from footfall.store.transaction import RegistryRepository

REGISTRIES_MAX = 256


class SQLRegistry(Repository, RegistryRepository):
    """The registry of an organization."""

    def __init__(self, session: Session):
        super().__init__(session)
        self._number = session.organization
        self._name = session.organization_id
        self._registries = session.registries
        # The registry with what this transaction changed of it.
        self._own: tuple[int, Registry] | None = None
        self._touched = False

    @override
    def load(self) -> Registry:
        """Return what is registered; after a change only what is newer is read.

        What a transaction changed itself stays its own until it is committed: a version
        that is undone is given again, to something else.
        """
        version, _ = next(self._run("registry_version"))
        known = self._own or self._registries.get(self._number)
        if known is None or known[0] > version:
            known = (0, Registry.empty(self._name))
        # Without keys it is only good to look at.
        has_keys = known[1].device_key and known[1].identity_key
        if known[0] == version and (has_keys or not self._writes):
            return known[1]
        keys = self._key("device"), self._key("identity")
        version, settings = next(self._run("registry_version"))
        registry = known[1].updated(
            [_location_record(row) for row in self._run("locations", since=known[0])],
            [_hotspot(row) for row in self._run("hotspots", since=known[0])],
            msgspec.json.decode(settings, type=PresenceSettings),
            keys,
        )
        if self._touched:
            self._own = version, registry
        else:
            if len(self._registries) >= REGISTRIES_MAX:
                self._registries.clear()
            self._registries[self._number] = version, registry
        return registry

    def _touch(self) -> int:
        """Give the registry its next version, that of what changes now; return it."""
        self._touched = True
        [(version,)] = self._run("touch_registry")
        return int(version)

    def _key(self, purpose: str) -> bytes:
        row = self._one("key", purpose=purpose)
        if row is not None and any(row[0]):
            return self._keys.open(bytes(row[0]), self._name, purpose)
        if not self._writes:
            return b""
        key = secrets.token_bytes(KEY_BYTES)
        sealed = self._keys.seal(key, self._name, purpose)
        self._run("add_key", purpose=purpose, key=sealed)
        self._touch()
        return key

    @override
    def put_location(
        self, location: Location, settings: PresenceSettings, *, deleted: bool = False
    ) -> None:
        self._run(
            "put_location",
            id=location.id,
            body=msgspec.json.encode(location),
            settings=msgspec.json.encode(settings),
            deleted=deleted,
            changed=self._touch(),
        )

    @override
    def put_hotspot(self, hotspot: Hotspot) -> None:
        self._run(
            "put_hotspot",
            id=hotspot.id,
            location=hotspot.venue_id,
            body=msgspec.json.encode(hotspot),
            changed=self._touch(),
        )

    @override
    def delete_hotspot(self, hotspot: str) -> None:
        self._run("delete_hotspot", id=hotspot, changed=self._touch())

    @override
    def put_settings(self, settings: PresenceSettings) -> None:
        self._touched = True
        self._run("put_settings", settings=msgspec.json.encode(settings).decode())

    @override
    def delete_device_key(self) -> None:
        self._run("wipe_keys", purpose="device")
        self._touch()


def _hotspot(row: Sequence[Any]) -> tuple[int, Hotspot, int, bool]:
    number, body, location, deleted = row
    return number, msgspec.json.decode(body, type=Hotspot), location, bool(deleted)


def _location_record(row: Sequence[Any]) -> LocationRecord:
    number, body, settings, deleted = row
    return LocationRecord(
        number,
        msgspec.json.decode(body, type=Location),
        msgspec.json.decode(settings, type=PresenceSettings),
        bool(deleted),
    )
