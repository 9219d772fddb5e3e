"""Routes of sign-in at a directory: to it, and back from it.

A browser opens them, not a script, so they answer with redirects: onwards, or back to
the sign-in page with the name of a problem. An address has no more than its name, as
anybody can make up addresses.
"""

import hashlib
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get

from footfall.core.oidc import own_path
from footfall.errors import NotFound, TooManyRequests
from footfall.flows.accounts.oidc import (
    PROBLEMS,
    WITHIN_S,
    Attempt,
    DirectoryUnreachable,
    OIDCSignIn,
    SignInRefused,
)
from footfall.flows.accounts.rate_limits import network_of
from footfall.flows.accounts.sign_in import SESSION_S, NewSession, SeveralOrganizations
from footfall.web import cookies
from footfall.web.context import Context, address_of, context_of

PATH = "/console/oidc"
CALLBACK = f"{PATH}/callback"
SIGN_IN_PAGE = "/console/sign-in"
SESSION_COOKIE = "footfall"
ATTEMPT_COOKIE = "footfall-oidc"
CHOICES_MAX = 20


def described(context: Context) -> dict[str, Any] | None:
    """Say how people sign in at a directory; None if they do not."""
    oidc = context.oidc
    if oidc is None:
        return None
    # The attempt's cookie must be of the address to which the directory sends back.
    start = f"{oidc.address}{PATH}/start"
    return {"name": oidc.name, "start": start, "problems": PROBLEMS}


@get(f"{PATH}/start")
async def start(request: Request[Any, Any, Any]) -> Response[None]:
    """Send the browser to the directory."""
    context = context_of(request)
    oidc = _oidc(context)
    then = own_path(request.query_params.get("then", ""))
    organization = request.query_params.get("organization")
    try:
        url, cookie = await oidc.begin(then, organization, context.now())
    except DirectoryUnreachable:
        return _back("unreachable", then)
    answer = _redirect(url)
    # Lax: the directory's site sends the browser back.
    cookies.keep(request, answer, ATTEMPT_COOKIE, cookie, WITHIN_S, samesite="lax")
    return answer


@get(CALLBACK)
async def callback(request: Request[Any, Any, Any]) -> Response[None]:
    """Take the browser back from the directory, and begin its session."""
    context = context_of(request)
    oidc = _oidc(context)
    attempt = oidc.attempt(cookies.read(request, ATTEMPT_COOKIE), context.now())
    if attempt is None:
        answer = _back("not-begun")
    else:
        answer = await _finished(request, context, oidc, attempt)
    cookies.drop(answer, ATTEMPT_COOKIE)
    return answer


ROUTES = [start, callback]


async def _finished(
    request: Request[Any, Any, Any],
    context: Context,
    oidc: OIDCSignIn,
    attempt: Attempt,
) -> Response[None]:
    """Sign the person of an attempt in, or say why not."""
    # By the attempt, or one person's mistakes would keep all others out.
    digest = hashlib.blake2b(attempt.state.encode(), digest_size=12).hexdigest()
    # Apart from passwords, which must not wait for a directory that does not answer.
    address = f"directory {network_of(address_of(request))}"
    now, then = context.now(), attempt.then
    try:
        async with context.limiter.login(f"sign-in oidc {digest}", address, now):
            made = await oidc.finish(attempt, dict(request.query_params), now)
    except SignInRefused as refused:
        return _back(refused.reason, then)
    except SeveralOrganizations as several:
        return _back("several", then, several.organizations)
    except DirectoryUnreachable:
        return _back("unreachable", then)
    except TooManyRequests:
        return _back("too-many", then)
    answer = _redirect(then)
    keep_session(request, answer, made)
    return answer


def keep_session(
    request: Request[Any, Any, Any], answer: Response[Any], made: NewSession
) -> None:
    """Have the browser keep a session."""
    cookies.keep(request, answer, SESSION_COOKIE, made.secret, SESSION_S)


def _oidc(context: Context) -> OIDCSignIn:
    if context.oidc is None:
        raise NotFound("People do not sign in at a directory here.")
    return context.oidc


def _back(
    problem: str, then: str = "", organizations: tuple[str, ...] = ()
) -> Response[None]:
    """Send the browser back to the sign-in page."""
    query = [("problem", problem)]
    if then:
        query.append(("then", then))
    query += [("organization", one) for one in organizations[:CHOICES_MAX]]
    return _redirect(f"{SIGN_IN_PAGE}?{urlencode(query)}")


def _redirect(url: str) -> Response[None]:
    return Response(None, status_code=303, headers={"Location": url})
