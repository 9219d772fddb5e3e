"""The description of services; see `web.openapi`."""

from typing import Any

import msgspec

from footfall.core.access import READ_SERVICES, WRITE_SERVICES
from footfall.flows.accounts.services import ServiceRequest, ServiceShown
from footfall.web.openapi_parts import (
    CID_EXAMPLE,
    Document,
    answer,
    operation,
    parameter,
    problems,
)


class ServicesPage(msgspec.Struct, frozen=True):
    """The services of an organization, oldest first."""

    status: str
    generated: str
    count: int
    services: list[ServiceShown]


KINDS: tuple[type, ...] = (ServicesPage, ServiceRequest)
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
_BODIES = (401, 403, 408, 409, 413, 429, 503, 507)


def _path(name: str, description: str, example: object) -> Document:
    return parameter(name, description, {"type": "string"}, example, where="path")


_CID = _path("cid", "The organization's id.", CID_EXAMPLE)
_KEY = _path("service", "The service's clientKey.", _SERVICE["clientKey"])


def _body(kind: type, example: Any) -> Document:
    schema = {"$ref": f"#/components/schemas/{kind.__name__}"}
    content = {"application/json": {"schema": schema, "example": example}}
    return {"required": True, "content": content}


def paths() -> Document:
    """Return the paths of services."""
    every = "/v1/organizations/{cid}/services"
    page = {"status": "OK", "generated": _GENERATED, "count": 1, "services": [_SERVICE]}
    new = {name: _SERVICE[name] for name in ("role", "scopes", "locations")}
    gone = {"204": {"description": "It and all its tokens are ended."}}
    return {
        every: {
            "parameters": [_CID],
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
                        "ServiceShown",
                        _SERVICE | _SECRET,
                    ),
                    **problems(*_BODIES),
                },
            ),
        },
        f"{every}/{{service}}": {
            "parameters": [_CID, _KEY],
            "delete": operation(
                "revokeService",
                "End a service and all its tokens, at once",
                WRITE_SERVICES,
                responses=gone | problems(401, 403, 404, 429, 503, 507),
            ),
        },
    }
