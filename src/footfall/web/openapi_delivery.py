"""OpenAPI: what is delivered as it arrives."""

from footfall.core import access
from footfall.core.events.types import TYPES
from footfall.core.subscriptions import LOCATIONS_MAX
from footfall.web.openapi_parts import (
    CID,
    Document,
    operation,
    parameter,
    problems,
)

_MESSAGE = """retry: 1000
id: 41

id: 42
event: login
data: {"customerId":"…","event":{"type":"login","id":"…"},"where":{…},"when":{…}}

"""


def paths() -> Document:
    """Describe the live stream."""
    return {
        "/v1/organizations/{cid}/events/stream": {
            "parameters": [CID],
            "get": operation(
                "streamEvents",
                "Events as they arrive",
                access.READ_EVENTS,
                parameters=_PARAMETERS,
                responses={
                    "200": {
                        "description": "Server-sent events, for as long as the token "
                        "holds. The id of each is its position in the log of arrivals.",
                        "content": {
                            "text/event-stream": {
                                "schema": {"type": "string"},
                                "example": _MESSAGE,
                            }
                        },
                    },
                    **problems(401, 403, 409, 429, 503),
                },
            ),
        }
    }


_PARAMETERS = [
    parameter(
        "events",
        f"Only these types, separated by commas: {', '.join(TYPES)}.",
        {"type": "string"},
        "visit,login",
    ),
    parameter(
        "locations",
        f"Only events at these locations: up to {LOCATIONS_MAX} ids, separated by "
        "commas.",
        {"type": "string"},
        "ff808081803ff92a01821d4cfd856805",
    ),
    parameter(
        "customerId",
        "Only events of this contact.",
        {"type": "string"},
        "f4c6be2cebc56bf4b8a16a2d463d5b60",
    ),
    parameter(
        "after",
        "The id of the last message that you have; 0 is the beginning. Without it the "
        "stream begins now.",
        {"type": "integer", "minimum": 0},
        42,
    ),
    parameter(
        "Last-Event-ID",
        "The same, as browsers send it when they connect again; it wins over `after`.",
        {"type": "string"},
        "42",
        where="header",
    ),
]
