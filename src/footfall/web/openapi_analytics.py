"""The description of the Analytics API; see `web.openapi`."""

from typing import Any

import msgspec

from footfall.core import analytics
from footfall.core.access import READ_ANALYTICS
from footfall.web.openapi_parts import (
    CID,
    Document,
    operation,
    parameter,
    problems,
)

_ID = "ff808081803ff92a01821d4cfd856805"


class AnalyticsRow(msgspec.Struct, frozen=True, rename="camel"):
    """A row: figures, and what they are of."""

    time: str | None = None
    location: str | None = None
    name: str | None = None
    visits: int | None = None
    visitors: int | None = None


KINDS: tuple[type, ...] = (AnalyticsRow,)


def _listed(name: str, text: str, allowed: tuple[str, ...], example: str) -> Document:
    kind = {"type": "string", "enum": list(allowed)}
    return parameter(name, text, kind, example)


_FROM = parameter(
    "from",
    "The first day, or an instant in it; 30 days up to `to` by default.",
    {"type": "string"},
    "2022-06-01",
)
_TO = parameter(
    "to",
    "The last day, or an instant in it; today by default.",
    {"type": "string"},
    "2022-06-30",
)
_LOCATIONS = parameter(
    "locations",
    f"Only these locations: ids with commas between them, at most "
    f"{analytics.LOCATIONS_MAX}.",
    {"type": "string"},
    _ID,
)
_ZONE = parameter(
    "timezone",
    "An IANA time zone for all venues, in place of their own.",
    {"type": "string"},
    "Europe/Rome",
)
_RANGE = [_FROM, _TO, _LOCATIONS, _ZONE]


def _rows(example: list[dict[str, Any]]) -> Document:
    schema = {"type": "array", "items": {"$ref": "#/components/schemas/AnalyticsRow"}}
    return {
        "description": "Flat rows; the header Footfall-As-Of has the position in the "
        "log of arrivals up to which they count.",
        "content": {
            "application/json": {"schema": schema, "example": example},
            "text/csv": {
                "schema": {"type": "string"},
                "example": ",".join(example[0]) + "\r\n",
            },
        },
    }


def _path(
    name: str, text: str, parameters: list[Document], example: list[dict[str, Any]]
) -> Document:
    return {
        "parameters": [CID],
        "get": operation(
            name,
            text,
            READ_ANALYTICS,
            parameters=parameters,
            responses={"200": _rows(example), **problems(401, 403, 409, 429, 503)},
        ),
    }


def paths() -> Document:
    """Return the paths of the Analytics API."""
    root = "/v1/organizations/{cid}/analytics"
    metrics = parameter(
        "metrics",
        f"What is counted, with commas between: {', '.join(analytics.METRICS)}.",
        {"type": "string"},
        "visits,visitors",
    )
    interval = _listed(
        "interval", "How long a period is.", tuple(analytics.Interval), "day"
    )
    metric = _listed(
        "metric", "What is counted.", analytics.BREAKDOWN_METRICS, "visits"
    )
    by = _listed("property", "By what it is divided.", analytics.PROPERTIES, "location")
    place = {"location": _ID, "name": "Harbour"}
    return {
        f"{root}/timeseries": _path(
            "timeseries",
            "Counts by hour, day, week or month",
            [metrics, interval, *_RANGE],
            [{"time": "2022-06-01T00:00:00+02:00", "visits": 12, "visitors": 9}],
        ),
        f"{root}/breakdown": _path(
            "breakdown",
            "Counts by a property",
            [metric, by, *_RANGE],
            [place | {"visits": 31}],
        ),
        f"{root}/occupancy": _path(
            "occupancy", "Who is there now, by location", [], [place | {"visitors": 4}]
        ),
        f"{root}/occupancy/history": _path(
            "occupancyHistory",
            "Who was there, by location and quarter of an hour",
            _RANGE,
            [{"time": "2022-06-01T10:15:00Z", "location": _ID, "visitors": 4}],
        ),
    }
