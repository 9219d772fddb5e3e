"""The shape of an event: as JSON (`Event` and its parts), and ready to be stored.

Source: the Events API of the seed, SPEC "The event".
"""

from typing import Any

import msgspec


class Signup(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """What created a contact: wifi, kiosk, api and so on."""

    source: str | None = None


class VisitProperties(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """The mobile app that saw the geofence."""

    app_id: str | None = None
    app_bundle: str | None = None
    project_id: str | None = None
    app_os: str | None = None


class Visit(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """A stay; `duration` is in whole minutes."""

    start_at: str | None = None
    start_at_local: str | None = None
    timezone: str | None = None
    duration: int | None = None
    properties: VisitProperties | None = None


class Email(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """A campaign's email."""

    campaign_id: str | None = None
    communication_id: str | None = None
    channel: str | None = None
    campaign_name: str | None = None
    email: str | None = None


class Sms(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """A campaign's text message."""

    campaign_id: str | None = None
    communication_id: str | None = None
    channel: str | None = None
    campaign_name: str | None = None
    phone: str | None = None
    prefix: str | None = None


class Survey(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """An answered survey: question_1 and on, answer_1 and on."""

    campaign_id: str | None = None
    campaign_name: str | None = None
    answer_id: str | None = None
    questions: dict[str, Any] | None = None
    answers: dict[str, Any] | None = None


class Promo(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """A clicked call to action."""

    type: str | None = None


class Detail(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """What happened: the type, the id and the payload of that type."""

    type: str
    id: str | None = None
    signup: Signup | None = None
    visit: Visit | None = None
    email: Email | None = None
    sms: Sms | None = None
    survey: Survey | None = None
    promo: Promo | None = None


class Where(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """A location and hotspot, or a geofence."""

    location_id: str | None = None
    location_name: str | None = None
    hotspot_id: str | None = None
    geofence_name: str | None = None
    geofence_metadata: Any = None
    geofence_id: str | None = None
    geofence_ext_id: str | None = None
    geofence_json: dict[str, Any] | None = msgspec.field(
        default=None, name="geofenceJSON"
    )


class When(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """The instant, and the venue's wall clock with its false `Z`."""

    created_at: str | None = None
    created_at_local: str | None = None
    timezone: str | None = None
    utc_offset: str | None = None


class Event(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """One fact about one contact at one time."""

    customer_id: str
    event: Detail
    organization_id: str | None = None
    where: Where | None = None
    when: When | None = None


class NewEvent(msgspec.Struct, frozen=True, gc=False):
    """An event that is ready to be stored.

    Attributes:
        key: Its unique key: `key_of(id)`.
        contact: The contact's id.
        type: The type's number.
        created_at: `when.createdAt`, an instant.
        local_at: `when.createdAtLocal`, a wall clock.
        body: The JSON to serve.
        sent: The JSON as sent, to tell a duplicate from a conflict.
    """

    key: bytes
    contact: str
    type: int
    created_at: int
    local_at: int
    body: bytes
    sent: bytes
