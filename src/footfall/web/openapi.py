"""The API's description: OpenAPI 3.1, made from the structs that the code uses.

It is written here, not derived from the handlers: those take raw requests, so that an
error can name every parameter at once and a page's bytes go out untouched. One test
compares the routes with it, another the answers.
"""

import msgspec

from footfall import __version__
from footfall.core import access, exports, queries
from footfall.core.events.structs import Event
from footfall.core.events.types import TYPES
from footfall.core.flat_events import COLUMNS
from footfall.flows.contacts.erase import Erased
from footfall.flows.events.ingest import Receipt
from footfall.web import (
    openapi_accounts,
    openapi_analytics,
    openapi_contacts,
    openapi_delivery,
    openapi_places,
    openapi_webhooks,
)
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
from footfall.web.problems import BatchProblem, Problem
from footfall.web.sts import Credentials, Token


class EventsPage(msgspec.Struct, rename="camel", frozen=True):
    """A page of events; `scrollId` is there only while scrolling."""

    status: str
    generated: str
    count: int
    has_more: bool
    events: list[Event]
    scroll_id: str | msgspec.UnsetType = msgspec.UNSET


EVENT_EXAMPLE: Document = {
    "organizationId": CID_EXAMPLE,
    "customerId": "f4c6be2cebc56bf4b8a16a2d463d5b60",
    "event": {
        "type": "visit",
        "id": "de8a7434d907e640cf1e80c347a420bel",
        "visit": {
            "startAt": "2022-07-21T18:41:09Z",
            "startAtLocal": "2022-07-21T11:41:09Z",
            "timezone": "America/Los_Angeles",
            "duration": 15,
        },
    },
    "where": {
        "locationId": "ff808081803ff92a01821d4cfd856805",
        "locationName": "Ivan Home",
    },
    "when": {
        "createdAt": "2022-07-21T18:56:23Z",
        "createdAtLocal": "2022-07-21T11:56:23Z",
        "timezone": "America/Los_Angeles",
    },
}
_PAGE_EXAMPLE = {
    "status": "OK",
    "generated": "2022-11-15T15:50:54Z",
    "count": 1,
    "hasMore": False,
    "events": [EVENT_EXAMPLE],
}
_LINES_EXAMPLE = (
    msgspec.json.encode(EVENT_EXAMPLE) + b"\n" + exports.completion(1, None)
)
_EXPORTS: Document = {
    "application/x-ndjson": {
        "schema": {
            "type": "string",
            "description": "A line for each event. Lines with the key `footfall` say "
            "where to go on (`scrollId`) and, at the end, that it is complete.",
        },
        "example": _LINES_EXAMPLE.decode(),
    },
    "text/csv": {
        "schema": {
            "type": "string",
            "description": f"The columns: {', '.join(COLUMNS)}.",
        },
        "example": "customerId,organizationId,…\r\n",
    },
}
_RECEIPT_EXAMPLE = {"status": "OK", "accepted": 1, "duplicates": 0, "rejected": []}


def document() -> Document:
    """Return the whole description as a JSON value."""
    kinds: tuple[type, ...] = (
        EventsPage,
        Receipt,
        Erased,
        Credentials,
        Token,
        Problem,
        BatchProblem,
    )
    kinds += openapi_places.KINDS + openapi_webhooks.KINDS + openapi_accounts.KINDS
    kinds += openapi_contacts.KINDS + openapi_analytics.KINDS
    _, components = msgspec.json.schema_components(
        kinds, ref_template="#/components/schemas/{name}"
    )
    bearer = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "footfall",
            "version": __version__,
            "description": "Take in and give back the events of a business's guests.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": _access_paths()
        | merged(
            merged(_events_paths(), openapi_places.paths()), openapi_contacts.paths()
        )
        | openapi_delivery.paths()
        | openapi_webhooks.paths()
        | openapi_accounts.paths()
        | openapi_analytics.paths()
        | _operations_paths(),
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": bearer},
        },
    }


def merged(paths: Document, more: Document) -> Document:
    """Put the operations of the same path together."""
    both = dict(paths)
    for path, operations in more.items():
        both[path] = both.get(path, {}) | operations
    return both


def _events_paths() -> Document:
    return {
        "/v1/organizations/{cid}/events": {
            "parameters": [CID],
            "get": _reading("organizationEvents", "All events of an organization"),
            "post": _sending(),
        },
        "/v1/organizations/{cid}/customers/{contact}/events": {
            "parameters": [CID, _CONTACT],
            "get": _reading("contactEvents", "All events of a contact", 404),
        },
        "/v1/organizations/{cid}/customers/{contact}": {
            "parameters": [CID, _CONTACT],
            "delete": operation(
                "eraseContact",
                "Erase a contact and all its events",
                access.ERASE_CONTACT,
                responses={
                    "200": answer(
                        "The contact is gone from the answers and from the disk.",
                        "Erased",
                        {
                            "status": "OK",
                            "customerId": EVENT_EXAMPLE["customerId"],
                            "count": 1,
                            "events": {"visit": 1},
                            "bytesPending": False,
                        },
                    ),
                    **problems(401, 403, 404, 429, 503),
                },
            ),
        },
    }


def _reading(operation_id: str, summary: str, *more: int) -> Document:
    page = answer(
        "A page of events; or an export of all of them, if `Accept` names it.",
        "EventsPage",
        _PAGE_EXAMPLE,
    )
    page["content"] |= _EXPORTS
    return operation(
        operation_id,
        summary,
        access.READ_EVENTS,
        parameters=_PARAMETERS,
        responses={"200": page, **problems(401, 403, *more, 409, 429, 503)},
    )


def _sending() -> Document:
    event = {"$ref": "#/components/schemas/Event"}
    many = {"type": "array", "items": event, "maxItems": 10_000, "minItems": 1}
    envelope = {
        "type": "object",
        "properties": {"events": many},
        "required": ["events"],
    }
    refused = problems(409)["409"]
    refused["description"] = "Nothing was stored; `rejected` says why."
    refused["content"]["application/problem+json"]["schema"] = {
        "$ref": "#/components/schemas/BatchProblem"
    }
    return operation(
        "sendEvents",
        "Store events; 201 means on disk",
        access.SEND_EVENTS,
        parameters=[
            parameter(
                "Content-Encoding",
                "The encoding of the body.",
                {"type": "string", "enum": ["gzip", "zstd", "identity"]},
                "identity",
                where="header",
            )
        ],
        requestBody={
            "required": True,
            "description": "One event, an array, an object with `events`, or NDJSON; "
            "up to 10,000 events and 32 MiB unpacked.",
            "content": {
                "application/json": {
                    "schema": {"anyOf": [envelope, many, event]},
                    "example": {"events": [EVENT_EXAMPLE]},
                },
                "application/x-ndjson": {
                    "schema": {"type": "string"},
                    "example": msgspec.json.encode(EVENT_EXAMPLE).decode(),
                },
            },
        },
        responses={
            "201": answer("What happened to each event.", "Receipt", _RECEIPT_EXAMPLE),
            **problems(401, 403, 408, 413, 429, 503, 507),
            "409": refused,
        },
    )


def _access_paths() -> Document:
    token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.…"  # noqa: S105  an example
    given = answer("A token that is valid for one day.", "Token", {"token": token})
    given["headers"] = {
        "Authorization": {
            "description": "The same token, after `Bearer `.",
            "schema": {"type": "string"},
        }
    }
    login = {
        "operationId": "login",
        "summary": "Get a token for a clientKey and a clientSecret",
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"$ref": "#/components/schemas/Credentials"},
                    "example": {
                        "clientKey": "ck-0b6ac9a5-6ee7-4a1b-9f0e-7c2f0d3c1a55",
                        "clientSecret": "the 32 characters that were shown once",
                    },
                }
            },
        },
        "responses": {"200": given, **problems(401, 408, 409, 413, 429, 503)},
    }
    logout = operation(
        "logout",
        "Revoke the token that the request carries",
        None,
        responses={
            "200": {"description": "The token is revoked for good."},
            **problems(401, 503),
        },
    )
    return {
        "/v1/sts/login/services": {"post": login},
        "/v1/sts/logout": {"post": logout},
    }


def _operations_paths() -> Document:
    text = {"text/plain": {"schema": {"type": "string"}}}
    health = {"200": {"description": "The process runs.", "content": text}}
    ready = {"200": {"description": "The store can be used.", "content": text}}
    metrics = {"200": {"description": "The metrics, for Prometheus.", "content": text}}
    return {
        path: {"get": {"operationId": name, "summary": summary, "responses": answers}}
        for path, name, summary, answers in (
            ("/healthz", "healthz", "Whether the process runs", health),
            (
                "/readyz",
                "readyz",
                "Whether the store can be used",
                ready | problems(503, 507),
            ),
            ("/metrics", "metrics", "Metrics for Prometheus", metrics),
        )
    }


_CONTACT = path_parameter("contact", "The contact's id.", EVENT_EXAMPLE["customerId"])
_FLAG: Document = {"type": "boolean", "default": False}
_PARAMETERS = [
    parameter(
        "dateStart",
        "Events at or after this instant. ISO 8601; without an offset it is UTC; a "
        "date alone means its first instant.",
        {"type": "string"},
        "2022-07-21T18:41:09Z",
    ),
    parameter(
        "dateEnd",
        "Events at or before this instant; a date alone means its last instant.",
        {"type": "string"},
        "2022-07-21",
    ),
    parameter(
        "events",
        f"Only these types, separated by commas: {', '.join(TYPES)}.",
        {"type": "string"},
        "visit,login",
    ),
    parameter(
        "size",
        "How many events a page has; an export takes no size.",
        {
            "type": "integer",
            "minimum": 1,
            "maximum": queries.SIZE_MAX,
            "default": queries.SIZE_DEFAULT,
        },
        20,
    ),
    parameter(
        "sortBy",
        "The order: by the venue's wall clock, by instant, or by arrival.",
        {"type": "string", "enum": list(queries.Sort), "default": "businessTime"},
        "utcTime",
    ),
    parameter("sortReverse", "Whether the newest come first.", _FLAG, example=False),
    parameter("enableScroll", "Whether to give a scrollId.", _FLAG, example=True),
    parameter(
        "scrollId",
        "The scrollId of a page; it gives the next page.",
        {"type": "string", "maxLength": 511},
        "AbC-123_…",
    ),
    parameter(
        "raw",
        "In CSV, whether text that looks like a formula stays as it is.",
        _FLAG,
        example=False,
    ),
]
