"""Problems: every error as an RFC 9457 document."""

import http
import traceback
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from footfall.errors import (
    FieldError,
    FootfallError,
    Overloaded,
    TokenMissing,
    TooManyRequests,
)
from footfall.flows.events.ingest import NothingStored, RejectedItem
from footfall.flows.presence.receive import NothingTaken

MEDIA_TYPE = "application/problem+json"
_log = structlog.get_logger()


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong: RFC 9457, with `errors` where single fields are wrong."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str = msgspec.field(name="requestId", default="")
    errors: tuple[FieldError, ...] = ()


class BatchProblem(Problem, frozen=True, omit_defaults=True):
    """The problem of a batch of which nothing was stored, with a receipt's list."""

    accepted: int | None = None
    duplicates: int | None = None
    rejected: tuple[RejectedItem, ...] = ()


def type_of(code: str) -> str:
    """Name a problem's type by its error's stable code."""
    return f"urn:footfall:problem:{code}"


def request_id() -> str:
    """Return the id under which this request is in the log."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


def problem_of(error: FootfallError, path: str) -> tuple[Problem, dict[str, str]]:
    """Describe an error that footfall raised on purpose, with the headers it needs."""
    fields: dict[str, Any] = {
        "type": type_of(error.code),
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "instance": path,
        "request_id": request_id(),
        "errors": error.errors,
    }
    problem = Problem(**fields)
    if isinstance(error, NothingStored):
        problem = BatchProblem(
            **fields,
            accepted=0,
            duplicates=error.answer.duplicates,
            rejected=tuple(error.answer.rejected),
        )
    if isinstance(error, NothingTaken):
        rejected = tuple(error.answer.rejected)
        problem = BatchProblem(**fields, accepted=0, rejected=rejected)
    return problem, _headers_of(error)


def _headers_of(error: FootfallError) -> dict[str, str]:
    if isinstance(error, TokenMissing):
        return {"WWW-Authenticate": 'Bearer realm="footfall"'}
    if isinstance(error, Overloaded):
        return {"Retry-After": str(error.retry_after_s)}
    if isinstance(error, TooManyRequests):
        return {
            "Retry-After": str(error.retry_after_s),
            "RateLimit-Limit": str(error.limit),
            "RateLimit-Remaining": "0",
            "RateLimit-Reset": str(error.retry_after_s),
            "RateLimit-Policy": error.policy,
        }
    return {}


def problem_of_bug(error: Exception, path: str) -> Problem:
    """Describe an unexpected error, and log where it happened."""
    # Only the type and the place: an error's message may hold data that was sent.
    frames = traceback.extract_tb(error.__traceback__)
    place = " < ".join(f"{f.name}:{f.lineno}" for f in reversed(frames[-5:]))
    _log.error("bug", error=type(error).__name__, place=place)
    return _plain(path, http.HTTPStatus.INTERNAL_SERVER_ERROR)


def on_footfall_error(
    request: Request[Any, Any, Any], error: Exception
) -> Response[bytes]:
    """Answer an error that footfall raised on purpose."""
    assert isinstance(error, FootfallError)  # noqa: S101  registered for these
    return _response(*problem_of(error, request.url.path))


def on_http_error(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer a request that Litestar refused: an unknown path, a wrong method."""
    assert isinstance(error, HTTPException)  # noqa: S101  registered for these
    headers = dict(error.headers or {})
    if "GET" in headers.get("allow", ""):
        headers["allow"] += ", HEAD"
    return _response(_plain(request.url.path, error.status_code), headers)


def on_bug(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer an unexpected error."""
    return _response(problem_of_bug(error, request.url.path), {})


def _plain(path: str, status: int) -> Problem:
    meaning = http.HTTPStatus(status)
    return Problem(
        type=type_of(meaning.phrase.lower().replace(" ", "-")),
        title=meaning.phrase,
        status=int(status),
        detail=meaning.description or meaning.phrase,
        instance=path,
        request_id=request_id(),
    )


def _response(problem: Problem, headers: dict[str, str]) -> Response[bytes]:
    return Response(
        msgspec.json.encode(problem),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=headers,
    )
