"""Routes for operators: health, metrics, and the API's own description."""

import asyncio
import functools
import os
from importlib import resources
from typing import Any

import msgspec
from litestar import MediaType, Request, Response, get
from litestar.static_files import create_static_files_router
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from footfall.web import openapi
from footfall.web.context import context_of
from footfall.web.headers import ASSETS, page_policy

_DOCS = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>footfall API</title>
<link rel="icon" href="/docs/assets/favicon-32x32.png">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
<div id="docs"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</html>
"""
_START = """SwaggerUIBundle({url: "/openapi.json", dom_id: "#docs", deepLinking: true,
                 validatorUrl: null})
"""
_CSP = page_policy(form_action="'none'")


@get("/healthz", media_type=MediaType.TEXT)
async def healthz() -> str:
    """Answer while the process runs."""
    return "ok"


@get("/readyz", media_type=MediaType.TEXT)
async def readyz(request: Request[Any, Any, Any]) -> str:
    """Answer when the store can be used; otherwise its problem says why not."""
    store = context_of(request).store
    await asyncio.to_thread(store.organizations)
    await asyncio.wrap_future(store.check())
    return "ready"


@get("/metrics")
async def metrics() -> Response[bytes]:
    """Return the metrics for Prometheus, of all workers together."""
    text = await asyncio.to_thread(_metrics)
    return Response(text, media_type=CONTENT_TYPE_LATEST)


def _metrics() -> bytes:
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:  # set by `runtime.workers`
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


@get("/openapi.json")
async def description() -> Response[bytes]:
    """Return the API's description."""
    return Response(_description(), media_type=MediaType.JSON)


@functools.cache
def _description() -> bytes:
    return msgspec.json.encode(openapi.document())


@get(["/", "/docs"])
async def docs() -> Response[str]:
    """Show the API's description as a page."""
    headers = {"Content-Security-Policy": _CSP}
    return Response(_DOCS, media_type=MediaType.HTML, headers=headers)


@get("/docs/start.js")
async def start() -> Response[str]:
    """Start Swagger UI on the docs page."""
    return Response(_START, media_type="text/javascript")


def assets() -> Any:
    """Serve Swagger UI from its package: the docs page needs no internet."""
    vendor = resources.files("swagger_ui_bundle").joinpath("vendor")
    folder = next(f for f in vendor.iterdir() if f.name.startswith("swagger-ui-"))
    return create_static_files_router(
        path=ASSETS.rstrip("/"), directories=[str(folder)]
    )
