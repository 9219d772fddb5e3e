"""Events as they were received: typed to read, unchanged to keep.

An `Event` holds the JSON that came. Its fields are decoded into the structs of
`core.events.structs` when one is read; `to_dict` gives back the whole value, with the
fields that footfall does not know.
"""

import functools
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from footfall.client.errors import EventUnreadable
from footfall.core.events.structs import Detail, When, Where
from footfall.core.events.structs import Event as Fields
from footfall.core.instants import parse_instant

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOWHERE, _NEVER = Where(), When()
_decoder = msgspec.json.Decoder(Fields)


class _Mark(msgspec.Struct, gc=False):
    # In an event that was sent the field can be anything.
    withdrawn: Any = None


class _Marked(msgspec.Struct, gc=False):
    event: _Mark


_marked = msgspec.json.Decoder(_Marked)


class Event(msgspec.Struct, frozen=True, dict=True):
    """One fact about one contact at one time.

    Attributes:
        raw: The JSON, as it came.
        position: Its position in the log of arrivals, if it came from a stream.
    """

    raw: bytes
    position: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON value that was received, whole."""
        value: dict[str, Any] = msgspec.json.decode(self.raw)
        return value

    @functools.cached_property
    def _fields(self) -> Fields:
        try:
            return _decoder.decode(self.raw)
        except msgspec.MsgspecError as error:
            raise EventUnreadable(f"An event cannot be read: {error}.") from None

    @property
    def type(self) -> str:
        """What happened: `event.type`."""
        return self._fields.event.type

    @property
    def id(self) -> str:
        """The event's id: `event.id`."""
        return self._fields.event.id or ""

    @property
    def customer_id(self) -> str:
        """Whose it is."""
        return self._fields.customer_id

    @property
    def organization_id(self) -> str | None:
        """The organization; geofence events do not say it."""
        return self._fields.organization_id

    @property
    def event(self) -> Detail:
        """The type, the id and the payload of that type (`event.event.visit`)."""
        return self._fields.event

    @property
    def where(self) -> Where:
        """The location and hotspot, or the geofence; empty if it says none."""
        return self._fields.where or _NOWHERE

    @property
    def when(self) -> When:
        """The instant and the venue's wall clock, as they are written."""
        return self._fields.when or _NEVER

    @property
    def created_at(self) -> datetime:
        """The instant: `when.createdAt`.

        Raises:
            EventUnreadable: It is not a time.
        """
        try:
            instant = parse_instant(self.when.created_at or "")
        except (ValueError, OverflowError) as error:
            raise EventUnreadable(f"when.createdAt {error}.") from None
        return _EPOCH + timedelta(microseconds=instant)

    @property
    def withdrawn(self) -> bool:
        """Whether it announces that an event no longer holds: drop it by its `id`."""
        if b'"withdrawn"' not in self.raw:
            return False
        return _marked.decode(self.raw).event.withdrawn is True

    def __repr__(self) -> str:
        return f"<Event {self.raw.decode(errors='replace')[:200]}>"


class Changes(NamedTuple):
    """What arrived after a token, in order, and the token for the next time.

    An event with `withdrawn` takes back the event with its id.
    """

    events: list[Event]
    token: str


def flattened(event: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return an event as one level, for tables: `event.type` and so on."""
    flat: dict[str, Any] = {}
    for name, value in event.items():
        if isinstance(value, dict):
            flat |= flattened(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat
