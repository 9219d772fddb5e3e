"""The description of services and sources; see `web.openapi`."""

from typing import Any

import msgspec

from footfall.core.access import (
    READ_SERVICES,
    READ_SOURCES,
    WRITE_SERVICES,
    WRITE_SOURCES,
)
from footfall.core.paging import SIZE_DEFAULT, SIZE_MAX
from footfall.flows.accounts.services import ServiceRequest, ServiceView
from footfall.flows.accounts.sources import SourceProblem, SourceRequest, SourceView
from footfall.flows.presence.try_out import Understood
from footfall.web.openapi_parts import (
    CID,
    CID_EXAMPLE,
    Document,
    answer,
    operation,
    parameter,
    path_parameter,
    problems,
)


class ServicesPage(msgspec.Struct, frozen=True):
    """The services of an organization, oldest first."""

    status: str
    generated: str
    count: int
    services: list[ServiceView]


class SourcesPage(msgspec.Struct, frozen=True):
    """The sources of an organization, oldest first."""

    status: str
    generated: str
    count: int
    sources: list[SourceView]


class SourceProblemsPage(msgspec.Struct, frozen=True):
    """What a source sent that was not understood, newest first."""

    status: str
    generated: str
    count: int
    problems: list[SourceProblem]


KINDS: tuple[type, ...] = (
    ServicesPage,
    ServiceRequest,
    SourcesPage,
    SourceRequest,
    SourceProblemsPage,
    Understood,
)
_GENERATED = "2022-11-15T15:50:54Z"
_SERVICE: Document = {
    "clientKey": "ck-0b6ac9a5-6ee7-4a1b-9f0e-7c2f0d3c1a55",
    "organizationId": CID_EXAMPLE,
    "role": "Location Manager",
    "scopes": ["location_read", "hotspot_read"],
    "locations": ["ff808081803ff92a01821d4cfd856805"],
    "createdAt": _GENERATED,
    "revokedAt": None,
}
_SECRET = {"secret": "the 32 characters that are shown once"}
_SOURCE_ID = "0b6ac9a56ee74a1b9f0e7c2f0d3c1a55"
_SOURCE: Document = {
    "id": _SOURCE_ID,
    "organizationId": CID_EXAMPLE,
    "name": "Harbour",
    "kind": "meraki",
    "path": f"/v1/sources/{_SOURCE_ID}",
    "location": None,
    "addresses": [],
    "createdAt": _GENERATED,
    "state": "receiving",
    "lastHeardAt": _GENERATED,
    "problemCount": 0,
}
_UNDERSTOOD: Document = {
    "observations": 1,
    "logins": 0,
    "restarts": 0,
    "rejections": 0,
    "items": [
        {
            "index": 0,
            "type": "observation",
            "at": _GENERATED,
            "locationId": "ff808081803ff92a01821d4cfd856805",
            "locationName": "Ivan Home",
            "hotspotId": "5da63f1da1f3a290306314b6273d6382",
            "rssi": -61,
            "randomised": False,
            "identities": [],
        }
    ],
    "rejected": [],
    "status": "OK",
}
_PROBLEM: Document = {
    "id": "4711",
    "at": _GENERATED,
    "source": _SOURCE_ID,
    "reason": "data.observations[0]: … is not a MAC address, such as 0c:8d:db:00:11:22",
    "sent": '{"clientMac": "text of 5 characters"}',
}
_BODIES = (401, 403, 408, 409, 413, 429, 503, 507)


_SOURCE_PATH = path_parameter("source", "The source's id.", _SOURCE_ID)
_KEY = path_parameter("service", "The service's clientKey.", _SERVICE["clientKey"])


def _body(kind: type, example: Any) -> Document:
    schema = {"$ref": f"#/components/schemas/{kind.__name__}"}
    content = {"application/json": {"schema": schema, "example": example}}
    return {"required": True, "content": content}


def paths() -> Document:
    """Return the paths of services and sources."""
    return _services() | _sources() | _problems_of_sources() | _tests_of_sources()


def _services() -> Document:
    every = "/v1/organizations/{cid}/services"
    page = {"status": "OK", "generated": _GENERATED, "count": 1, "services": [_SERVICE]}
    new = {name: _SERVICE[name] for name in ("role", "scopes", "locations")}
    gone = {"204": {"description": "It and all its tokens are ended."}}
    return {
        every: {
            "parameters": [CID],
            "get": operation(
                "listServices",
                "The services of an organization",
                READ_SERVICES,
                responses={
                    "200": answer("The services.", "ServicesPage", page),
                    **problems(401, 403, 429, 503),
                },
            ),
            "post": operation(
                "createService",
                "Make a service; the answer has its secret, this once",
                WRITE_SERVICES,
                requestBody=_body(ServiceRequest, new),
                responses={
                    "201": answer(
                        "The service, with its secret.",
                        "ServiceView",
                        _SERVICE | _SECRET,
                    ),
                    **problems(*_BODIES),
                },
            ),
        },
        f"{every}/{{service}}": {
            "parameters": [CID, _KEY],
            "delete": operation(
                "revokeService",
                "End a service and all its tokens, at once",
                WRITE_SERVICES,
                responses=gone | problems(401, 403, 404, 429, 503, 507),
            ),
        },
    }


def _sources() -> Document:
    every = "/v1/organizations/{cid}/sources"
    page = {"status": "OK", "generated": _GENERATED, "count": 1, "sources": [_SOURCE]}
    new = {"kind": "meraki", "name": "Harbour", "validator": "the validator"}
    one = answer("The source.", "SourceView", _SOURCE)
    secret = {"secret": "the secret that is shown once"}
    made = answer("The source, with its secret.", "SourceView", _SOURCE | secret)
    gone = {"204": {"description": "It is deleted."}}
    return {
        every: {
            "parameters": [CID],
            "get": operation(
                "listSources",
                "The sources of an organization, and how they stand",
                READ_SOURCES,
                responses={
                    "200": answer("The sources.", "SourcesPage", page),
                    **problems(401, 403, 429, 503),
                },
            ),
            "post": operation(
                "createSource",
                "Make a source; the answer has its secret, this once",
                WRITE_SOURCES,
                requestBody=_body(SourceRequest, new),
                responses={"201": made, **problems(404, *_BODIES)},
            ),
        },
        f"{every}/{{source}}": {
            "parameters": [CID, _SOURCE_PATH],
            "get": operation(
                "readSource",
                "A source, and how it stands",
                READ_SOURCES,
                responses={"200": one, **problems(401, 403, 404, 429, 503)},
            ),
            "delete": operation(
                "deleteSource",
                "Delete a source; footfall receives nothing there any more",
                WRITE_SOURCES,
                responses=gone | problems(401, 403, 404, 429, 503, 507),
            ),
        },
    }


def _problems_of_sources() -> Document:
    page = {"status": "OK", "generated": _GENERATED, "count": 1, "problems": [_PROBLEM]}
    size = {"type": "integer", "minimum": 1, "maximum": SIZE_MAX}
    return {
        "/v1/organizations/{cid}/sources/{source}/problems": {
            "parameters": [CID, _SOURCE_PATH],
            "get": operation(
                "listSourceProblems",
                "What a source sent that was not understood, newest first",
                READ_SOURCES,
                parameters=[
                    parameter(
                        "size",
                        "How many problems.",
                        size | {"default": SIZE_DEFAULT},
                        20,
                    ),
                    parameter(
                        "before",
                        "Only problems before the one with this id.",
                        {"type": "string"},
                        "4711",
                    ),
                ],
                responses={
                    "200": answer("The problems.", "SourceProblemsPage", page),
                    **problems(401, 403, 404, 409, 429, 503),
                },
            ),
        }
    }


def _tests_of_sources() -> Document:
    sample = {"topic": "location-client", "events": []}
    body = {
        "required": True,
        "description": "A post as the vendor sends it; for RADIUS the attributes.",
        "content": {"application/json": {"schema": {}, "example": sample}},
    }
    good = answer("What would be taken in, and what not.", "Understood", _UNDERSTOOD)
    return {
        "/v1/organizations/{cid}/sources/{source}/test": {
            "parameters": [CID, _SOURCE_PATH],
            "post": operation(
                "testSource",
                "What would be understood of a post; nothing of it is stored",
                WRITE_SOURCES,
                requestBody=body,
                responses={"200": good, **problems(404, *_BODIES)},
            ),
        }
    }
