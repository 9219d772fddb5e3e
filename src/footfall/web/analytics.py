"""Routes of the Analytics API: flat rows, as JSON or CSV."""

import csv
import functools
import io
from collections.abc import Callable
from typing import Any

import msgspec
from litestar import MediaType, Request, Response, get
from litestar.params import FromPath

from footfall.core.access import READ_ANALYTICS
from footfall.core.analytics import parse_question
from footfall.core.flat_events import as_harmless_text
from footfall.flows.analytics import report
from footfall.flows.analytics.report import Report
from footfall.web.context import context_of
from footfall.web.exports import Kind, wanted_kind

AnyRequest = Request[Any, Any, Any]
AS_OF = "Footfall-As-Of"
_PATH = "/v1/organizations/{cid:str}/analytics"
_READS = {"permission": READ_ANALYTICS}


@get(f"{_PATH}/timeseries", opt=_READS)
async def timeseries(request: AnyRequest, cid: FromPath[str]) -> Response[bytes]:
    """Counts by hour, day, week or month."""
    return await _reported(request, cid, report.timeseries)


@get(f"{_PATH}/breakdown", opt=_READS)
async def breakdown(request: AnyRequest, cid: FromPath[str]) -> Response[bytes]:
    """Counts by a property."""
    return await _reported(request, cid, report.breakdown)


@get(f"{_PATH}/occupancy", opt=_READS)
async def occupancy(request: AnyRequest, cid: FromPath[str]) -> Response[bytes]:
    """Who is there now, by location."""
    context = context_of(request)
    only = request.state.grant.service.location_scope
    found = await context.reader.in_turn(
        cid, lambda: report.occupancy(context.store, cid, only)
    )
    return _answer(request, found)


@get(f"{_PATH}/occupancy/history", opt=_READS)
async def occupancy_history(request: AnyRequest, cid: FromPath[str]) -> Response[bytes]:
    """Who was there, by location and quarter of an hour."""
    now = context_of(request).now()
    return await _reported(
        request, cid, functools.partial(report.occupancy_history, now=now)
    )


ROUTES = [timeseries, breakdown, occupancy, occupancy_history]


async def _reported(
    request: AnyRequest, organization: str, ask: Callable[..., Report]
) -> Response[bytes]:
    """Answer a question on the threads of large reads, in the organization's turn."""
    context = context_of(request)
    question = parse_question(request.query_params.dict(), context.now())
    only = request.state.grant.service.location_scope
    found = await context.reader.in_turn(
        organization, lambda: ask(context.store, organization, question, only)
    )
    return _answer(request, found)


def _answer(request: AnyRequest, found: Report) -> Response[bytes]:
    headers = {AS_OF: str(found.as_of), "Vary": "Accept"}
    if wanted_kind(request.headers.get("accept", "")) is Kind.TABLE:
        return Response(_csv(found), headers=headers, media_type="text/csv")
    body = msgspec.json.encode(found.rows)
    return Response(body, headers=headers, media_type=MediaType.JSON)


def _csv(found: Report) -> bytes:
    """Write rows as RFC 4180 has it, safe against formulas."""
    text = io.StringIO()
    columns = list(found.rows[0]) if found.rows else []
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(
        [as_harmless_text(row[column]) for column in columns] for row in found.rows
    )
    return text.getvalue().encode()
