"""The description of locations, hotspots, contacts and presence; see `web.openapi`."""

from typing import Any

import msgspec

from footfall.core import access
from footfall.core.access import Permission
from footfall.core.places import Hotspot, Location, PresenceSettings
from footfall.core.stays import Rules
from footfall.flows.contacts.manage import Contact, ContactChange, NewContact
from footfall.flows.presence.receive import PresenceReceipt
from footfall.sources.plain import PortalLogin, Sighting
from footfall.web.openapi_parts import (
    CID,
    CID_EXAMPLE,
    FIELDS,
    Document,
    answer,
    operation,
    parameter,
    path_parameter,
    problems,
)


class LocationsPage(msgspec.Struct, frozen=True):
    """All locations of an organization."""

    generated: str
    size: int
    locations: list[Location]


class HotspotsPage(msgspec.Struct, frozen=True):
    """Hotspots of an organization."""

    status: str
    generated: str
    count: int
    hotspots: list[Hotspot]


class RulesView(Rules, frozen=True, rename="camel"):
    """The rules of presence in force, and the names of those that are set here."""

    pseudonymous: bool = False
    set_here: tuple[str, ...] = ()


KINDS: tuple[type, ...] = (
    LocationsPage,
    HotspotsPage,
    RulesView,
    PresenceSettings,
    Contact,
    ContactChange,
    NewContact,
    Sighting,
    PortalLogin,
    PresenceReceipt,
)
_GENERATED = "2022-11-15T15:50:54Z"
_LOCATION = {
    "id": "ff808081803ff92a01821d4cfd856805",
    "name": "Ivan Home",
    "organizationId": CID_EXAMPLE,
    "organziationId": CID_EXAMPLE,
    "timezone": "America/Los_Angeles",
    "lat": 37.77,
    "lng": -122.42,
    "externalId": "L_566327653141843049",
    "tags": ["flagship"],
    "address": {"city": "San Francisco", "country": "US"},
}
_HOTSPOT = {
    "id": "5da63f1da1f3a290306314b6273d6382",
    "name": "Entrance",
    "venueId": _LOCATION["id"],
    "vendor": "Meraki",
    "macAddress": "e0:55:3d:c0:76:f4",
    "nasIdentifier": None,
}
_HOTSPOTS = {
    "status": "OK",
    "generated": _GENERATED,
    "count": 1,
    "hotspots": [_HOTSPOT],
}
_RULES: Document = {
    "minimumDwell": 5,
    "sessionTimeout": 15,
    "minimumSignal": None,
    "maximumVisit": None,
    "pseudonymous": False,
    "setHere": [],
}
_CONTACT = {
    "id": "f4c6be2cebc56bf4b8a16a2d463d5b60",
    "organizationId": CID_EXAMPLE,
    "username": None,
    "email": "ann@example.com",
    "phone": "+390502212345",
    "firstName": "Ann",
    "lastName": None,
    "source": "kiosk",
    "createdAt": "2022-06-15T11:10:13Z",
    "devices": [
        {
            "id": "3c4b1d7ee7fa1c10b3ae2bf08225e4de",
            "since": "2022-06-15T11:10:13Z",
            "randomised": False,
        }
    ],
}
_SIGHTING = {
    "at": "2022-07-21T18:41:09Z",
    "device": "0c:8d:db:00:11:22",
    "hotspot": _HOTSPOT["id"],
    "rssi": -61,
}
_LOGIN = {
    "at": "2022-07-21T18:41:09Z",
    "device": "0c:8d:db:00:11:22",
    "hotspot": _HOTSPOT["id"],
    "email": "ann@example.com",
}
_TAKEN = {"status": "OK", "accepted": 1, "rejected": []}
_BODIES = (401, 403, 408, 409, 413, 429, 503, 507)


_CONTACT_ID = path_parameter("contact", "The contact's id.", _CONTACT["id"])
_LID = path_parameter("lid", "The location's id.", _LOCATION["id"])
_HID = path_parameter("hid", "The hotspot's id.", _HOTSPOT["id"])


def _body(schema: Document, example: Any) -> Document:
    content = {"application/json": {"schema": schema, "example": example}}
    return {"required": True, "content": content}


def _struct(kind: type) -> Document:
    return {"$ref": f"#/components/schemas/{kind.__name__}"}


def _partial(kind: type) -> Document:
    """Describe a struct any of whose fields may be left out."""
    fields = msgspec.structs.fields(kind)
    return {
        "type": "object",
        "properties": {
            field.encode_name: msgspec.json.schema(field.type)
            if field.name != "address"
            else {"$ref": "#/components/schemas/Address"}
            for field in fields
            if field.name != "id"
        },
    }


def _get(name: str, summary: str, permission: Permission, good: Document) -> Document:
    answers = {"200": good, **problems(401, 403, 404, 409, 429, 503)}
    return operation(name, summary, permission, responses=answers)


def _write(
    name: str,
    summary: str,
    permission: Permission,
    body: Document,
    good: Document,
    status: int = 200,
) -> Document:
    answers = {str(status): good, **problems(404, *_BODIES)}
    return operation(name, summary, permission, requestBody=body, responses=answers)


def _delete(name: str, summary: str, permission: Permission) -> Document:
    answers = {
        "204": {"description": "It is deleted."},
        **problems(401, 403, 404, 409, 429, 503),
    }
    return operation(name, summary, permission, responses=answers)


def paths() -> Document:
    """Return the paths of locations, hotspots, contacts and presence."""
    return _locations() | _hotspots() | _rules() | _contacts() | _presence()


def _locations() -> Document:
    page = {"generated": _GENERATED, "size": 1, "locations": [_LOCATION]}
    many = answer("The locations.", "LocationsPage", page)
    one = answer("The location.", "Location", _LOCATION)
    new = _body(_partial(Location), {"name": "Ivan Home", "timezone": "Europe/Rome"})
    tags = parameter(
        "tags",
        "Only the locations with all of these tags, separated by commas.",
        {"type": "string"},
        "flagship",
    )
    listing = _get(
        "listLocations", "The locations of an organization", access.READ_LOCATIONS, many
    )
    return {
        "/v1/organizations/{cid}/locations": {
            "parameters": [CID],
            "get": listing | {"parameters": [tags, FIELDS]},
            "post": _write(
                "createLocation",
                "Add a location",
                access.MANAGE_LOCATIONS,
                new,
                one,
                201,
            ),
        },
        "/v1/locations/{lid}": {
            "parameters": [_LID],
            "get": _get("readLocation", "A location", access.READ_LOCATIONS, one),
            "patch": _write(
                "changeLocation",
                "Change the fields that are sent; stored events stay as they are",
                access.CHANGE_LOCATION,
                _body(_partial(Location), {"name": "Ivan's"}),
                one,
            ),
            "delete": _delete(
                "deleteLocation",
                "Delete a location that has no hotspots",
                access.MANAGE_LOCATIONS,
            ),
        },
    }


def _hotspots() -> Document:
    good = answer("The hotspots.", "HotspotsPage", _HOTSPOTS)
    new = {name: _HOTSPOT[name] for name in ("name", "venueId", "macAddress")}
    return {
        "/v3/hotspots/organizations/{cid}": {
            "parameters": [CID],
            "get": _get(
                "listHotspots",
                "The hotspots of an organization",
                access.READ_HOTSPOTS,
                good,
            )
            | {"parameters": [FIELDS]},
            "post": _write(
                "createHotspot",
                "Add a hotspot",
                access.WRITE_HOTSPOTS,
                _body(_partial(Hotspot), new),
                good,
                201,
            ),
        },
        "/v3/hotspots/{hid}": {
            "parameters": [_HID],
            "get": _get("readHotspot", "A hotspot", access.READ_HOTSPOTS, good),
            "patch": _write(
                "changeHotspot",
                "Change the fields that are sent",
                access.WRITE_HOTSPOTS,
                _body(_partial(Hotspot), {"name": "Bar"}),
                good,
            ),
            "delete": _delete(
                "deleteHotspot", "Delete a hotspot", access.WRITE_HOTSPOTS
            ),
        },
    }


def _rules() -> Document:
    good = answer("The rules in force.", "RulesView", _RULES)
    body = _body(_struct(PresenceSettings), {"sessionTimeout": 30})
    found: Document = {}
    for path, place, name, read, write in (
        (
            "/v1/organizations/{cid}/presence",
            CID,
            "Rules",
            access.READ_SETTINGS,
            access.CHANGE_SETTINGS,
        ),
        (
            "/v1/locations/{lid}/presence",
            _LID,
            "LocationRules",
            access.READ_LOCATIONS,
            access.CHANGE_LOCATION,
        ),
    ):
        found[path] = {
            "parameters": [place],
            "get": _get(f"read{name}", "The rules of visits", read, good),
            "patch": _write(
                f"change{name}",
                "Change the rules of visits from now on",
                write,
                body,
                good,
            ),
        }
    return found


def _contacts() -> Document:
    good = answer("The contact.", "Contact", _CONTACT)
    new = {"email": "ann@example.com", "source": "kiosk"}
    return {
        "/v1/organizations/{cid}/customers": {
            "parameters": [CID],
            "post": _write(
                "createContact",
                "Create a contact and its signup event",
                access.CREATE_CONTACT,
                _body(_struct(NewContact), new),
                good,
                201,
            ),
        },
        "/v1/organizations/{cid}/customers/{contact}": {
            "parameters": [CID, _CONTACT_ID],
            "get": _get("readContact", "A contact", access.READ_CONTACT, good),
            "patch": _write(
                "changeContact",
                "Change the fields that are sent; null removes one, devices are added",
                access.CHANGE_CONTACT,
                _body(_struct(ContactChange), {"phone": "+390502212345"}),
                good,
            ),
        },
    }


def _presence() -> Document:
    found: Document = {}
    for what, kind, example in (
        ("observations", Sighting, _SIGHTING),
        ("logins", PortalLogin, _LOGIN),
    ):
        many = {"type": "array", "items": _struct(kind), "minItems": 1}
        envelope = {"type": "object", "properties": {what: many}, "required": [what]}
        schema = {"anyOf": [envelope, many, _struct(kind)]}
        refused = problems(409)["409"]
        refused["content"]["application/problem+json"]["schema"] = {
            "$ref": "#/components/schemas/BatchProblem"
        }
        found[f"/v1/organizations/{{cid}}/{what}"] = {
            "parameters": [CID],
            "post": operation(
                f"send{what.title()}",
                f"Take in {what}; 201 means on disk",
                access.SEND_OBSERVATIONS,
                requestBody=_body(schema, [example]),
                responses={
                    "201": answer(
                        "What happened to each item.", "PresenceReceipt", _TAKEN
                    ),
                    **problems(*_BODIES),
                    "409": refused,
                },
            ),
        }
    source = path_parameter(
        "source", "The source's id.", "0b6ac9a56ee74a1b9f0e7c2f0d3c1a55"
    )
    validator = {"text/plain": {"schema": {"type": "string"}}}
    post: Document = {
        "operationId": "receivePost",
        "summary": "Take in a vendor's post; 204 means on disk",
        "description": "The source's secret proves that the post is the vendor's.",
        "requestBody": _body({}, {"topic": "client-join", "events": []}),
        "responses": {
            "204": {"description": "All of it is on disk."},
            **problems(401, 404, 408, 409, 413, 429, 503, 507),
        },
    }
    get: Document = {
        "operationId": "validateSource",
        "summary": "Answer Meraki's request with the validator",
        "responses": {
            "200": {"description": "The validator.", "content": validator},
            **problems(404, 429, 503),
        },
    }
    found["/v1/sources/{source}"] = {"parameters": [source], "get": get, "post": post}
    return found
