"""OpenAPI parts: the building blocks of the API's description."""

from typing import Any

from footfall.core.access import Permission
from footfall.web.problems import type_of

Document = dict[str, Any]
CID_EXAMPLE = "155d60f21dc1938562900a0e201d54f6"

PROBLEMS = {
    401: (
        "token-missing",
        "A token is needed",
        "The bearer token is missing, or the secret is wrong.",
    ),
    403: ("not-allowed", "Not allowed", "The token is invalid or does not suffice."),
    404: ("contact-unknown", "Not found", "There is no such resource."),
    409: (
        "parameter-invalid",
        "Invalid parameters",
        "The request cannot be understood.",
    ),
    408: ("body-too-slow", "Too slow", "The body did not arrive in time."),
    429: ("too-many-requests", "Too many requests", "Try again later."),
    413: ("too-large", "Too large", "The body is over its limit."),
    503: ("store-unavailable", "The store is unavailable", "Try again later."),
    507: ("store-full", "No space left", "The disk is full; nothing was stored."),
}


def operation(
    operation_id: str, summary: str, permission: Permission | None, **rest: Any
) -> Document:
    """Describe what a method does, and the permission that it needs."""
    operation = {"operationId": operation_id, "summary": summary, **rest}
    operation["security"] = [{"bearer": []}]
    if permission is not None:
        roles = ", ".join(sorted(permission.roles))
        scopes = " or ".join(sorted(permission.scopes))
        operation["description"] = f"Role: {roles}. Scope: {scopes}."
    return operation


def answer(description: str, schema: str, example: Document) -> Document:
    """Describe an answer of a request that succeeded."""
    content = {"schema": {"$ref": f"#/components/schemas/{schema}"}, "example": example}
    return {"description": description, "content": {"application/json": content}}


def problems(*statuses: int) -> Document:
    """Describe the problems that a method may answer with."""
    answers: Document = {}
    for status in statuses:
        code, title, detail = PROBLEMS[status]
        example = {
            "type": type_of(code),
            "title": title,
            "status": status,
            "detail": detail,
            "instance": f"/v1/organizations/{CID_EXAMPLE}/events",
        }
        content = {"schema": {"$ref": "#/components/schemas/Problem"}}
        answers[str(status)] = {
            "description": detail,
            "content": {"application/problem+json": content | {"example": example}},
        }
    return answers


def page_of(name: str, items: list[Document]) -> Document:
    """Return an example of a page of a list."""
    generated = "2022-11-15T15:50:54Z"
    return {"status": "OK", "generated": generated, "count": len(items), name: items}


def parameter(
    name: str,
    description: str,
    schema: Document,
    example: object,
    where: str = "query",
) -> Document:
    """Describe a parameter."""
    return {
        "name": name,
        "in": where,
        "description": description,
        "required": where == "path",
        "schema": schema,
        "example": example,
    }


def path_parameter(name: str, description: str, example: object) -> Document:
    """Describe a segment of a path."""
    return parameter(name, description, {"type": "string"}, example, where="path")


CID = path_parameter("cid", "The organization's id.", CID_EXAMPLE)
FIELDS = parameter(
    "fields",
    "More than the original answers: lastHeardAt, when it last heard somebody (null if "
    "it never did).",
    {"type": "string", "enum": ["lastHeardAt"]},
    "lastHeardAt",
)
