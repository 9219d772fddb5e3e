"""The API's description: OpenAPI 3.1, made of the structs that the code uses.

Written here rather than derived from the handlers, which take raw requests: so that
an error can name every parameter at once, and a page's bytes go out untouched. A test
compares the routes with this, and another answers with it.
"""

from typing import Any

import msgspec

from footfall import __version__
from footfall.core import access, events, queries
from footfall.core.access import Permission
from footfall.flows.erase import Erased
from footfall.flows.ingest import Receipt
from footfall.web.problems import BatchProblem, Problem, type_of
from footfall.web.sts import Credentials, Token

Document = dict[str, Any]


class EventsPage(msgspec.Struct, rename="camel", frozen=True):
    """A page of events; `scrollId` is there only while scrolling."""

    status: str
    generated: str
    count: int
    has_more: bool
    events: list[events.Event]
    scroll_id: str | msgspec.UnsetType = msgspec.UNSET


EVENT_EXAMPLE: Document = {
    "organizationId": "155d60f21dc1938562900a0e201d54f6",
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
_RECEIPT_EXAMPLE = {"status": "OK", "accepted": 1, "duplicates": 0, "rejected": []}
_PROBLEMS = {
    401: ("token-missing", "A token is needed", "No bearer token, or wrong secrets."),
    403: ("not-allowed", "Not allowed", "The token is invalid or does not suffice."),
    404: ("contact-unknown", "Not found", "A contact that was never seen."),
    409: ("parameter-invalid", "Invalid parameters", "Something was not understood."),
    408: ("body-too-slow", "Too slow", "The body did not arrive in time."),
    429: ("too-many-requests", "Too many requests", "Try again later."),
    413: ("too-large", "Too large", "The body is over its limit."),
    503: ("store-unavailable", "The store is unavailable", "Try again later."),
    507: ("store-full", "No space left", "The disk is full; nothing was stored."),
}


def document() -> Document:
    """Return the whole description as a JSON value."""
    kinds = (EventsPage, Receipt, Erased, Credentials, Token, Problem, BatchProblem)
    _, components = msgspec.json.schema_components(
        kinds, ref_template="#/components/schemas/{name}"
    )
    bearer = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "footfall",
            "version": __version__,
            "description": "The events of a business's guests, in and out.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": _access_paths() | _events_paths() | _operations_paths(),
        "components": {
            "schemas": components,
            "securitySchemes": {"bearer": bearer},
        },
    }


def _events_paths() -> Document:
    return {
        "/v1/organizations/{cid}/events": {
            "parameters": [_CID],
            "get": _reading("organizationEvents", "All events of an organization"),
            "post": _sending(),
        },
        "/v1/organizations/{cid}/customers/{contact}/events": {
            "parameters": [_CID, _CONTACT],
            "get": _reading("contactEvents", "All events of a contact", 404),
        },
        "/v1/organizations/{cid}/customers/{contact}": {
            "parameters": [_CID, _CONTACT],
            "delete": _operation(
                "eraseContact",
                "Erase a contact and all its events",
                access.ERASE_CONTACT,
                responses={
                    "200": _answer(
                        "Gone from the answers and from the disk.",
                        "Erased",
                        {
                            "status": "OK",
                            "customerId": EVENT_EXAMPLE["customerId"],
                            "count": 1,
                            "events": {"visit": 1},
                        },
                    ),
                    **_problems(401, 403, 404, 429, 503),
                },
            ),
        },
    }


def _reading(operation_id: str, summary: str, *more: int) -> Document:
    page = _answer("A page of events.", "EventsPage", _PAGE_EXAMPLE)
    return _operation(
        operation_id,
        summary,
        access.READ_EVENTS,
        parameters=_PARAMETERS,
        responses={"200": page, **_problems(401, 403, *more, 409, 429, 503)},
    )


def _sending() -> Document:
    event = {"$ref": "#/components/schemas/Event"}
    many = {"type": "array", "items": event, "maxItems": 10_000, "minItems": 1}
    envelope = {
        "type": "object",
        "properties": {"events": many},
        "required": ["events"],
    }
    refused = _problems(409)["409"]
    refused["description"] = "Nothing was stored; `rejected` says why."
    refused["content"]["application/problem+json"]["schema"] = {
        "$ref": "#/components/schemas/BatchProblem"
    }
    return _operation(
        "sendEvents",
        "Store events; 201 means on disk",
        access.SEND_EVENTS,
        parameters=[
            _parameter(
                "Content-Encoding",
                "How the body is packed.",
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
            "201": _answer("What became of each event.", "Receipt", _RECEIPT_EXAMPLE),
            **_problems(401, 403, 408, 413, 429, 503, 507),
            "409": refused,
        },
    )


def _access_paths() -> Document:
    token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.…"  # noqa: S105  an example
    given = _answer("A token for a day.", "Token", {"token": token})
    given["headers"] = {
        "Authorization": {
            "description": "The same token, behind `Bearer `.",
            "schema": {"type": "string"},
        }
    }
    login = {
        "operationId": "login",
        "summary": "Give a token for a clientKey and a clientSecret",
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
        "responses": {"200": given, **_problems(401, 408, 409, 413, 429, 503)},
    }
    logout = _operation(
        "logout",
        "Revoke the token that the request carries",
        None,
        responses={
            "200": {"description": "Revoked, for good."},
            **_problems(401, 503),
        },
    )
    return {
        "/v1/sts/login/services": {"post": login},
        "/v1/sts/logout": {"post": logout},
    }


def _operations_paths() -> Document:
    text = {"text/plain": {"schema": {"type": "string"}}}
    health = {"200": {"description": "It runs.", "content": text}}
    ready = {"200": {"description": "It can serve.", "content": text}}
    metrics = {"200": {"description": "For Prometheus.", "content": text}}
    return {
        path: {"get": {"operationId": name, "summary": summary, "responses": answers}}
        for path, name, summary, answers in (
            ("/healthz", "healthz", "Whether the process runs", health),
            (
                "/readyz",
                "readyz",
                "Whether the store can be used",
                ready | _problems(503, 507),
            ),
            ("/metrics", "metrics", "Metrics for Prometheus", metrics),
        )
    }


def _operation(
    operation_id: str, summary: str, permission: Permission | None, **rest: Any
) -> Document:
    operation = {"operationId": operation_id, "summary": summary, **rest}
    operation["security"] = [{"bearer": []}]
    if permission is not None:
        roles = ", ".join(sorted(permission.roles))
        scopes = " or ".join(sorted(permission.scopes))
        operation["description"] = f"Role: {roles}. Scope: {scopes}."
    return operation


def _answer(description: str, schema: str, example: Document) -> Document:
    content = {"schema": {"$ref": f"#/components/schemas/{schema}"}, "example": example}
    return {"description": description, "content": {"application/json": content}}


def _problems(*statuses: int) -> Document:
    answers: Document = {}
    for status in statuses:
        code, title, detail = _PROBLEMS[status]
        example = {
            "type": type_of(code),
            "title": title,
            "status": status,
            "detail": detail,
            "instance": "/v1/organizations/155d60f21dc1938562900a0e201d54f6/events",
        }
        content = {"schema": {"$ref": "#/components/schemas/Problem"}}
        answers[str(status)] = {
            "description": detail,
            "content": {"application/problem+json": content | {"example": example}},
        }
    return answers


def _parameter(
    name: str,
    description: str,
    schema: Document,
    example: object,
    where: str = "query",
) -> Document:
    return {
        "name": name,
        "in": where,
        "description": description,
        "required": where == "path",
        "schema": schema,
        "example": example,
    }


_CID = _parameter(
    "cid",
    "The organization's id.",
    {"type": "string"},
    EVENT_EXAMPLE["organizationId"],
    where="path",
)
_CONTACT = _parameter(
    "contact",
    "The contact's id.",
    {"type": "string"},
    EVENT_EXAMPLE["customerId"],
    where="path",
)
_FLAG: Document = {"type": "boolean", "default": False}
_PARAMETERS = [
    _parameter(
        "dateStart",
        "Events at or after this instant. ISO 8601, UTC without an offset; a date "
        "alone is its first instant.",
        {"type": "string"},
        "2022-07-21T18:41:09Z",
    ),
    _parameter(
        "dateEnd",
        "Events at or before this instant; a date alone is its last instant.",
        {"type": "string"},
        "2022-07-21",
    ),
    _parameter(
        "events",
        f"Only these types, separated by commas: {', '.join(events.TYPES)}.",
        {"type": "string"},
        "visit,login",
    ),
    _parameter(
        "size",
        "Events in a page.",
        {
            "type": "integer",
            "minimum": 1,
            "maximum": queries.SIZE_MAX,
            "default": queries.SIZE_DEFAULT,
        },
        20,
    ),
    _parameter(
        "sortBy",
        "By the venue's wall clock, by instant, or by arrival.",
        {"type": "string", "enum": list(queries.Sort), "default": "businessTime"},
        "utcTime",
    ),
    _parameter("sortReverse", "Newest first.", _FLAG, example=False),
    _parameter("enableScroll", "Whether to give a scrollId.", _FLAG, example=True),
    _parameter(
        "scrollId",
        "Gives the page that follows the one it came with.",
        {"type": "string", "maxLength": 511},
        "AbC-123_…",
    ),
]
