"""Routes of the console: its files, and the sessions of the people who use it.

The console is a client of the API. Its own routes only sign people in and give out API
tokens; nothing else takes the cookie. Requests that change something must come from the
console's own pages (Fetch Metadata, or Origin), so no other site can use the cookie.
"""

import asyncio
import functools
import hashlib
from collections.abc import Mapping
from importlib import resources
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
from litestar import Request, Response, delete, get, post

from footfall.core import identities
from footfall.core.instants import format_instant
from footfall.errors import BodyInvalid, CrossSite
from footfall.flows.accounts.sign_in import NewSession
from footfall.store.users import SignedIn
from footfall.web import cookies, oidc
from footfall.web.compression import BYTES_MIN, accepted_encoding, compress
from footfall.web.context import Context, address_of, context_of
from footfall.web.headers import page_policy
from footfall.web.payload import read_payload
from footfall.web.responses import answer

T = TypeVar("T", bound=msgspec.Struct)
BODY_BYTES_MAX = 16 * 1024
PATH = "/console"
CSP = page_policy(form_action="'self'")
_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
_OWN = frozenset({"same-origin", "none"})


class Attempt(msgspec.Struct, frozen=True):
    """A sign-in: an e-mail and a password, or a link's token."""

    email: str = ""
    password: str = ""
    organization: str | None = None
    link: str = ""


class PasswordChange(msgspec.Struct, frozen=True):
    """A new password, and the one until now, if there is one."""

    password: str
    old: str | None = None


@get([PATH, f"{PATH}/{{path:path}}"])
async def console(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Return a file of the console; any other path is one of its pages."""
    name = str(request.path_params.get("path", "")).strip("/")
    files = _files()
    tag, kind, body = files.get(name, files["index.html"])
    headers = {
        "Content-Security-Policy": CSP,
        "Cache-Control": "no-cache",
        "ETag": tag,
        "Vary": "Accept-Encoding",
    }
    if request.headers.get("if-none-match") == tag:
        return Response(b"", status_code=304, headers=headers, media_type=kind)
    encoding = accepted_encoding(request.headers.get("accept-encoding", ""))
    if encoding is not None and len(body) >= BYTES_MIN:
        headers["Content-Encoding"] = encoding
        body = _packed(name if name in files else "index.html", encoding)
    return Response(body, headers=headers, media_type=kind)


@functools.cache
def _files() -> Mapping[str, tuple[str, str, bytes]]:
    """Return the console's files by their paths: tag, media type, bytes."""
    found = {}
    folders = [("", resources.files("footfall").joinpath("console"))]
    while folders:
        prefix, folder = folders.pop()
        for entry in folder.iterdir():
            name = prefix + entry.name
            kind = _TYPES.get(name.rpartition(".")[2])
            if entry.is_dir():
                folders.append((f"{name}/", entry))
            elif kind is not None:
                body = entry.read_bytes()
                found[name] = (f'"{_digest(body)}"', kind, body)
    return found


@functools.cache
def _packed(name: str, encoding: str) -> bytes:
    return compress(_files()[name][2], encoding)


def _digest(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=12).hexdigest()


@get(f"{PATH}/sign-in-methods")
async def sign_in_methods(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Say in which ways people can sign in."""
    return answer({"password": True, "oidc": oidc.described(context_of(request))})


@post(f"{PATH}/session", status_code=200)
async def sign_in(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Begin a session, with a password or a link."""
    _refuse_other_sites(request)
    context = context_of(request)
    attempt = await _read(request, Attempt)
    who = f"sign-in {identities.sought_email(attempt.email)}"
    if attempt.link:
        # By the link, or one person's mistakes would keep all others out.
        who = f"sign-in link {_digest(attempt.link.encode())}"
    now = context.now()
    async with context.limiter.login(who, address_of(request), now):
        if attempt.link:
            made = await context.sign_in.with_link(attempt.link, now)
        else:
            made = await context.sign_in.with_password(
                attempt.email, attempt.password, attempt.organization, now
            )
    return _with_cookie(request, await _described(context, made.session), made)


@get(f"{PATH}/session")
async def session(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Say who is signed in."""
    return answer(await _described(context_of(request), await _session(request)))


@post(f"{PATH}/session/token", status_code=200)
async def token(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Give out a token for the API; it ends with the session at the latest."""
    _refuse_other_sites(request)
    context = context_of(request)
    signed_in = await _session(request)
    await context.limiter.count_request(signed_in.key, context.now())
    made, lifetime_s = context.sign_in.token(signed_in, context.now())
    return answer({"accessToken": made, "expiresIn": lifetime_s})


@post(f"{PATH}/session/password", status_code=200)
async def change_password(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Set the password of who is signed in; all other sessions of it end."""
    _refuse_other_sites(request)
    context = context_of(request)
    signed_in = await _session(request)
    change = await _read(request, PasswordChange)
    who = f"password {signed_in.user.id}"
    async with context.limiter.login(who, address_of(request), context.now()):
        made = await context.sign_in.change_password(
            signed_in, change.old, change.password, context.now()
        )
    return _with_cookie(request, await _described(context, made.session), made)


@delete(f"{PATH}/session", status_code=204)
async def sign_out(request: Request[Any, Any, Any]) -> Response[None]:
    """End the session, and its tokens with it."""
    _refuse_other_sites(request)
    await context_of(request).sign_in.end(await _session(request))
    done = Response(None, status_code=204)
    cookies.drop(done, oidc.SESSION_COOKIE)
    done.headers["Clear-Site-Data"] = '"storage"'
    return done


ROUTES = [
    console,
    sign_in_methods,
    sign_in,
    session,
    token,
    change_password,
    sign_out,
    *oidc.ROUTES,
]


async def _session(request: Request[Any, Any, Any]) -> SignedIn:
    context = context_of(request)
    secret = cookies.read(request, oidc.SESSION_COOKIE)
    return await context.sign_in.session(secret, context.now())


async def _described(context: Context, session: SignedIn) -> dict[str, Any]:
    user = session.user
    name = await asyncio.to_thread(_name_of, context, user.organization)
    return {
        "user": {
            "id": user.id,
            "email": user.email,
            "name": user.name,
            "role": user.role,
            "scopes": user.scopes,
            "locations": user.locations,
        },
        "organization": {"id": user.organization, "name": name},
        "expiresAt": format_instant(session.expires_at),
    }


def _name_of(context: Context, organization: str) -> str:
    names = {one.id: one.name for one in context.store.organizations()}
    return names.get(organization, organization)


def _with_cookie(
    request: Request[Any, Any, Any], described: dict[str, Any], made: NewSession
) -> Response[bytes]:
    """Answer with the session and its cookie."""
    done = answer(described)
    oidc.keep_session(request, done, made)
    return done


async def _read(request: Request[Any, Any, Any], kind: type[T]) -> T:
    who = f"console {address_of(request)}"
    body = await read_payload(request, who, BODY_BYTES_MAX)
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        names = ", ".join(kind.__struct_fields__)
        raise BodyInvalid(f"Send a JSON object with some of: {names}.") from None


def _refuse_other_sites(request: Request[Any, Any, Any]) -> None:
    """Refuse a request that another site's page made with the cookie.

    Raises:
        CrossSite: The browser says that it comes from elsewhere.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    host = request.headers.get("host", "")
    from_elsewhere = (
        site not in _OWN
        if site is not None
        else origin is not None and urlsplit(origin).netloc != host
    )
    if from_elsewhere:
        raise CrossSite("Only the console's own pages may ask for this.")
