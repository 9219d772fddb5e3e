"""The application: routes, guard, problems, metrics, and the paths of the original."""

from typing import Any

from litestar import Litestar
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, Receive, Scope, Send

from footfall.errors import FootfallError
from footfall.web import (
    contacts,
    events,
    operations,
    places,
    presence,
    problems,
    sts,
)
from footfall.web.context import Context
from footfall.web.guard import guard
from footfall.web.logs import logged
from footfall.web.pacing import Turns, paced

ROUTES = [
    sts.login,
    sts.logout,
    events.organization_events,
    events.contact_events,
    events.send_events,
    *contacts.ROUTES,
    *places.ROUTES,
    *presence.ROUTES,
    operations.healthz,
    operations.readyz,
    operations.metrics,
    operations.description,
    operations.docs,
]


def build(context: Context) -> ASGIApp:
    """Return the ASGI application for a context."""
    app = Litestar(
        [*ROUTES, operations.assets()],
        guards=[guard],
        exception_handlers={
            FootfallError: problems.on_footfall_error,
            HTTPException: problems.on_http_error,
            Exception: problems.on_bug,
        },
        state=State({"context": context, "turns": Turns()}),
        openapi_config=None,
        logging_config=None,
        request_max_body_size=None,  # web.payload counts, also what it unpacks to
    )
    return single_slashed(logged(paced(app)))


def single_slashed(app: ASGIApp) -> ASGIApp:
    """Take repeated leading slashes as one: the original's clients send `//v1/…`."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        changed: dict[str, Any] = dict(scope)
        if changed.get("path", "").startswith("//"):
            changed["path"] = "/" + changed["path"].lstrip("/")
            changed["raw_path"] = b"/" + changed.get("raw_path", b"").lstrip(b"/")
        await app(changed, receive, send)  # type: ignore[arg-type]

    return wrapped
