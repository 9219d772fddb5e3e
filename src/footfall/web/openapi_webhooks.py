"""The description of webhooks; see `web.openapi`."""

from typing import Any

import msgspec

from footfall.core.access import READ_WEBHOOKS, WRITE_WEBHOOKS
from footfall.core.paging import SIZE_DEFAULT, SIZE_MAX
from footfall.flows.delivery.attempts import DeliveryView, Pinged
from footfall.flows.delivery.manage import (
    NewWebhook,
    ReplayRequest,
    Rotation,
    WebhookChange,
    WebhookView,
)
from footfall.web.openapi_parts import (
    CID,
    Document,
    answer,
    operation,
    parameter,
    path_parameter,
    problems,
)


class WebhooksPage(msgspec.Struct, frozen=True):
    """All webhooks of an organization."""

    status: str
    generated: str
    count: int
    webhooks: list[WebhookView]


class DeliveriesPage(msgspec.Struct, frozen=True):
    """Attempts of a webhook, newest first."""

    status: str
    generated: str
    count: int
    deliveries: list[DeliveryView]


class Accepted(msgspec.Struct, frozen=True):
    """What was asked for is done soon."""

    status: str


KINDS: tuple[type, ...] = (
    WebhooksPage,
    DeliveriesPage,
    Accepted,
    Pinged,
    NewWebhook,
    WebhookChange,
    Rotation,
    ReplayRequest,
)
_GENERATED = "2022-11-15T15:50:54Z"
_ID = "0b6ac9a56ee74a1b9f0e7c2f0d3c1a55"
_WEBHOOK: Document = {
    "id": _ID,
    "url": "https://crm.example.com/footfall",
    "events": ["visit", "login"],
    "locations": [],
    "batchSize": 1,
    "createdAt": _GENERATED,
    "enabled": True,
    "disabledBecause": None,
    "failingSince": None,
    "pending": 0,
    "behind": 0,
}
_SECRET = {"secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}
_DELIVERY = {
    "id": "4711",
    "at": _GENERATED,
    "eventId": "de8a7434d907e640cf1e80c347a420bel",
    "attempt": 1,
    "outcome": "delivered",
    "status": 200,
    "reason": None,
    "durationMs": 34,
    "answer": "ok",
}
_PINGED = {name: _DELIVERY[name] for name in ("status", "reason", "durationMs")}
_PINGED |= {"delivered": True, "answer": "ok"}
_BODIES = (401, 403, 404, 408, 409, 413, 429, 503, 507)
_READS = (401, 403, 404, 429, 503)


_WEBHOOK_ID = path_parameter("webhook", "The webhook's id.", _ID)
_QUERY = [
    parameter(
        "event",
        "Only attempts for the event with this id.",
        {"type": "string"},
        _DELIVERY["eventId"],
    ),
    parameter(
        "status",
        "Only attempts with this outcome (delivered, failed, given_up, dropped, "
        "disabled), or with this HTTP status.",
        {"type": "string"},
        "failed",
    ),
    parameter(
        "size",
        "How many attempts.",
        {
            "type": "integer",
            "minimum": 1,
            "maximum": SIZE_MAX,
            "default": SIZE_DEFAULT,
        },
        20,
    ),
    parameter(
        "before",
        "Only attempts before the one with this id.",
        {"type": "string"},
        "4711",
    ),
]


def _body(kind: type, example: Any, *, required: bool = True) -> Document:
    schema = {"$ref": f"#/components/schemas/{kind.__name__}"}
    content = {"application/json": {"schema": schema, "example": example}}
    return {"required": required, "content": content}


def _write(
    name: str,
    summary: str,
    good: Document,
    body: Document | None = None,
    status: int = 200,
) -> Document:
    answers = {str(status): good, **problems(*_BODIES)}
    more = {} if body is None else {"requestBody": body}
    return operation(name, summary, WRITE_WEBHOOKS, responses=answers, **more)


def _read(name: str, summary: str, good: Document) -> Document:
    answers = {"200": good, **problems(*_READS)}
    return operation(name, summary, READ_WEBHOOKS, responses=answers)


def paths() -> Document:
    """Return the paths of webhooks."""
    return _webhooks() | _deliveries()


def _webhooks() -> Document:
    every = "/v1/organizations/{cid}/webhooks"
    page = {"status": "OK", "generated": _GENERATED, "count": 1, "webhooks": [_WEBHOOK]}
    one = answer("The webhook.", "WebhookView", _WEBHOOK)
    shown = answer("The webhook, with its secret.", "WebhookView", _WEBHOOK | _SECRET)
    new = {"url": _WEBHOOK["url"], "events": ["visit", "login"]}
    gone = {"204": {"description": "It is deleted."}, **problems(*_BODIES)}
    return {
        every: {
            "parameters": [CID],
            "get": _read(
                "listWebhooks",
                "The webhooks of an organization",
                answer("The webhooks.", "WebhooksPage", page),
            ),
            "post": _write(
                "createWebhook",
                "Make a webhook; the answer has its secret, this once",
                shown,
                _body(NewWebhook, new),
                201,
            ),
        },
        f"{every}/{{webhook}}": {
            "parameters": [CID, _WEBHOOK_ID],
            "get": _read("readWebhook", "A webhook, and how it stands", one),
            "patch": _write(
                "changeWebhook",
                "Change the fields that are sent; enable or disable it",
                one,
                _body(WebhookChange, {"enabled": True}),
            ),
            "delete": operation(
                "deleteWebhook", "Delete a webhook", WRITE_WEBHOOKS, responses=gone
            ),
        },
        f"{every}/{{webhook}}/rotate": {
            "parameters": [CID, _WEBHOOK_ID],
            "post": _write(
                "rotateSecret",
                "Give it a new secret; the former signs beside it for a while",
                shown,
                _body(Rotation, {"overlap": 86_400}, required=False),
            ),
        },
    }


def _deliveries() -> Document:
    one = "/v1/organizations/{cid}/webhooks/{webhook}"
    page = {"status": "OK", "generated": _GENERATED, "count": 1}
    listing = _read(
        "listDeliveries",
        "What was tried in the last 7 days, newest first",
        answer("The attempts.", "DeliveriesPage", page | {"deliveries": [_DELIVERY]}),
    )
    listing["responses"] |= problems(409)
    soon = answer("It is done soon.", "Accepted", {"status": "OK"})
    number = path_parameter("delivery", "The id of an attempt.", _DELIVERY["id"])
    return {
        f"{one}/ping": {
            "parameters": [CID, _WEBHOOK_ID],
            "post": _write(
                "pingWebhook",
                "Send a test message now, and say what became of it",
                answer("What became of it.", "Pinged", _PINGED),
            ),
        },
        f"{one}/replay": {
            "parameters": [CID, _WEBHOOK_ID],
            "post": _write(
                "replayEvents",
                "Send all events since an instant again",
                soon,
                _body(ReplayRequest, {"from": "2022-11-01T00:00:00Z"}),
                202,
            ),
        },
        f"{one}/deliveries": {
            "parameters": [CID, _WEBHOOK_ID],
            "get": listing | {"parameters": _QUERY},
        },
        f"{one}/deliveries/{{delivery}}/resend": {
            "parameters": [CID, _WEBHOOK_ID, number],
            "post": _write(
                "resendDelivery", "Send the event of an attempt again", soon, status=202
            ),
        },
    }
