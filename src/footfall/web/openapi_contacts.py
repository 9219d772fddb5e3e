"""The description of what is found of contacts; see `web.openapi`."""

import msgspec

from footfall.core.access import READ_CONTACT
from footfall.flows.contacts.find import OpenStay, OwnedDevice
from footfall.flows.contacts.manage import Contact
from footfall.web.openapi_parts import (
    CID,
    CID_EXAMPLE,
    Document,
    answer,
    operation,
    page_of,
    parameter,
    path_parameter,
    problems,
)


class ContactsPage(msgspec.Struct, frozen=True):
    """The contacts that were found."""

    status: str
    generated: str
    count: int
    customers: list[Contact]


class DevicesPage(msgspec.Struct, frozen=True):
    """The devices that are or were a contact's, the newest first."""

    status: str
    generated: str
    count: int
    devices: list[OwnedDevice]


class OpenStaysPage(msgspec.Struct, frozen=True):
    """The stays of a contact that are not over."""

    status: str
    generated: str
    count: int
    stays: list[OpenStay]


KINDS: tuple[type, ...] = (ContactsPage, DevicesPage, OpenStaysPage)
_ID = "f4c6be2cebc56bf4b8a16a2d463d5b60"
_CONTACT: Document = {
    "id": _ID,
    "organizationId": CID_EXAMPLE,
    "email": "ann@example.com",
    "devices": [],
}
_DEVICE: Document = {
    "id": "3c4b1d7ee7fa1c10b3ae2bf08225e4de",
    "since": "2022-06-15T11:10:13Z",
    "until": None,
    "randomised": False,
    "pseudonym": False,
}
_STAY: Document = {
    "locationId": "ff808081803ff92a01821d4cfd856805",
    "locationName": "Ivan Home",
    "hotspotId": "5da63f1da1f3a290306314b6273d6382",
    "arrivedAt": "2022-11-15T15:41:09Z",
    "lastHeardAt": "2022-11-15T15:50:44Z",
}


_CONTACT_ID = path_parameter("contact", "The contact's id.", _ID)
_SOUGHT = parameter(
    "q",
    "An id, a username, an email or a phone, whole.",
    {"type": "string", "minLength": 1, "maxLength": 254},
    "ann@example.com",
) | {"required": True}


def paths() -> Document:
    """Return the paths of what is found of contacts."""
    every = "/v1/organizations/{cid}/customers"
    found = answer("The contacts.", "ContactsPage", page_of("customers", [_CONTACT]))
    devices = answer("The devices.", "DevicesPage", page_of("devices", [_DEVICE]))
    stays = answer("The stays.", "OpenStaysPage", page_of("stays", [_STAY]))
    return {
        every: {
            "parameters": [CID],
            "get": operation(
                "findContacts",
                "The contacts with an id, a username, an email or a phone",
                READ_CONTACT,
                parameters=[_SOUGHT],
                responses={"200": found, **problems(401, 403, 409, 429, 503)},
            ),
        },
        f"{every}/{{contact}}/devices": {
            "parameters": [CID, _CONTACT_ID],
            "get": operation(
                "listDevices",
                "The devices that are or were a contact's, the newest first",
                READ_CONTACT,
                responses={"200": devices, **problems(401, 403, 404, 429, 503)},
            ),
        },
        f"{every}/{{contact}}/stays": {
            "parameters": [CID, _CONTACT_ID],
            "get": operation(
                "listOpenStays",
                "Where a contact is now: its stays that are not over",
                READ_CONTACT,
                responses={"200": stays, **problems(401, 403, 404, 429, 503)},
            ),
        },
    }
