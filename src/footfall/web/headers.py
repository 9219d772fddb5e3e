"""Headers of every answer, so that no browser stores or runs anything of it.

Answers hold personal data, so no cache may keep them. Only the docs page's own files,
which are the same for everybody, may be cached.
"""

from litestar.types import ASGIApp, Message, Receive, Scope, Send

ASSETS = "/docs/assets/"
# For the API: an answer that is opened in a browser is shown as text and nothing runs.
_NOTHING = b"default-src 'none'; frame-ancestors 'none'"
_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
_UNCACHED = (b"cache-control", b"no-store")
# Of answers of the API.
GUARDING = (*_ALWAYS, (b"content-security-policy", _NOTHING), _UNCACHED)


def page_policy(form_action: str) -> str:
    """Return the Content-Security-Policy of a page of ours: only its own files.

    Images may be data URLs, as Swagger UI embeds its icons so.
    """
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; "
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; "
        f"form-action {form_action}; frame-ancestors 'none'"
    )


def guarded(app: ASGIApp) -> ASGIApp:
    """Add the headers that an answer does not set itself."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        kept = str(scope.get("path", "")).startswith(ASSETS)
        wanted = [one for one in GUARDING if not kept or one is not _UNCACHED]

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = list(message.get("headers", []))
                names = {name.lower() for name, _ in own}
                more = [header for header in wanted if header[0] not in names]
                message["headers"] = own + more
            await send(message)

        await app(scope, receive, answer)

    return wrapped
