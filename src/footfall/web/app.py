"""The application: routes, guard, problems, metrics."""

from litestar import Litestar
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp

from footfall.errors import FootfallError
from footfall.web import (
    analytics,
    console,
    contacts,
    events,
    operations,
    places,
    presence,
    problems,
    services,
    sources,
    streams,
    sts,
    webhooks,
)
from footfall.web.concurrency import ConcurrencyLimit, limited
from footfall.web.context import Context
from footfall.web.fast_path import FastPath
from footfall.web.guard import guard
from footfall.web.headers import guarded
from footfall.web.intake import Intake
from footfall.web.logs import logged
from footfall.web.paths import decoded, exactly_routed

ROUTES = [
    sts.login,
    sts.logout,
    events.organization_events,
    events.contact_events,
    events.send_events,
    streams.stream_events,
    *contacts.ROUTES,
    *places.ROUTES,
    *presence.ROUTES,
    *webhooks.ROUTES,
    *analytics.ROUTES,
    *console.ROUTES,
    *services.ROUTES,
    *sources.ROUTES,
    operations.healthz,
    operations.readyz,
    operations.metrics,
    operations.description,
    operations.docs,
    operations.start,
]


def build(context: Context, workers: int = 1) -> ASGIApp:
    """Return the ASGI application of one of the workers, for a context."""
    turns, intake = ConcurrencyLimit(workers), Intake()
    app = Litestar(
        [*ROUTES, operations.assets()],
        guards=[guard],
        middleware=[decoded],
        exception_handlers={
            FootfallError: problems.on_footfall_error,
            HTTPException: problems.on_http_error,
            Exception: problems.on_bug,
        },
        state=State({"context": context, "turns": turns, "intake": intake}),
        openapi_config=None,
        logging_config=None,
        request_max_body_size=None,  # web.payload counts, unpacked bytes too
    )
    general = logged(exactly_routed(guarded(limited(app))))
    return FastPath(context, turns, intake, general)
