"""Cookies of the console: kept from scripts, and behind TLS sent only over it."""

from typing import Any, Literal

from litestar import Request, Response

# A browser takes a name with this prefix only over TLS and for this host alone.
_HOST = "__Host-"


def read(request: Request[Any, Any, Any], name: str) -> str:
    """Return the value of a cookie; empty if there is none."""
    return request.cookies.get(_HOST + name) or request.cookies.get(name) or ""


def keep(
    request: Request[Any, Any, Any],
    answer: Response[Any],
    name: str,
    value: str,
    max_age_s: int,
    *,
    samesite: Literal["lax", "strict"] = "strict",
) -> None:
    """Have the browser keep a cookie for a while."""
    # Behind a proxy that ends TLS, which says so.
    is_secure = request.headers.get("x-forwarded-proto") == "https"
    answer.set_cookie(
        _HOST + name if is_secure else name,
        value,
        max_age=max_age_s,
        path="/",
        secure=is_secure,
        httponly=True,
        samesite=samesite,
    )


def drop(answer: Response[Any], name: str) -> None:
    """Have the browser forget a cookie, however it was kept."""
    for spelt in (name, _HOST + name):
        answer.set_cookie(spelt, "", max_age=0, path="/", secure=spelt != name)
