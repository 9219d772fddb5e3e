"""Problems: every error as an RFC 9457 document."""

import http
import logging
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from footfall.errors import FieldError, FootfallError, TokenMissing
from footfall.flows.ingest import NothingStored, Rejected

MEDIA_TYPE = "application/problem+json"
_log = logging.getLogger(__name__)


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong: RFC 9457, with `errors` where single fields are at fault."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: tuple[FieldError, ...] = ()


class BatchProblem(Problem, frozen=True, omit_defaults=True):
    """The problem of a batch of which nothing was stored; the list of a receipt."""

    accepted: int | None = None
    duplicates: int | None = None
    rejected: tuple[Rejected, ...] = ()


def type_of(code: str) -> str:
    """Name a problem's type by its error's stable code."""
    return f"urn:footfall:problem:{code}"


def on_footfall_error(
    request: Request[Any, Any, Any], error: Exception
) -> Response[bytes]:
    """Answer an error that footfall raised on purpose."""
    assert isinstance(error, FootfallError)  # noqa: S101  registered for these
    fields: dict[str, Any] = {
        "type": type_of(error.code),
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "instance": request.url.path,
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
    headers = {}
    if isinstance(error, TokenMissing):
        headers["WWW-Authenticate"] = 'Bearer realm="footfall"'
    return _response(problem, headers)


def on_http_error(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer what the framework refused: an unknown path, a wrong method."""
    assert isinstance(error, HTTPException)  # noqa: S101  registered for these
    return _response(_plain(request, error.status_code), dict(error.headers or {}))


def on_bug(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer what nobody expected, and log where it happened."""
    _log.error(
        "unexpected error in %s", request.route_handler.handler_name, exc_info=error
    )
    return _response(_plain(request, http.HTTPStatus.INTERNAL_SERVER_ERROR), {})


def _plain(request: Request[Any, Any, Any], status: int) -> Problem:
    meaning = http.HTTPStatus(status)
    return Problem(
        type=type_of(meaning.phrase.lower().replace(" ", "-")),
        title=meaning.phrase,
        status=int(status),
        detail=meaning.description or meaning.phrase,
        instance=request.url.path,
    )


def _response(problem: Problem, headers: dict[str, str]) -> Response[bytes]:
    return Response(
        msgspec.json.encode(problem),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=headers,
    )
