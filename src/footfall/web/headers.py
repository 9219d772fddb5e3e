"""Headers that every answer carries, so that a browser keeps and runs nothing of it.

Answers hold people's data: no cache may keep them. Only the docs page's own files, the
same for everybody, may be kept.
"""

from litestar.types import ASGIApp, Message, Receive, Scope, Send

ASSETS = "/docs/assets/"
# Of the API: whoever opens an answer in a browser sees text and no more.
_NOTHING = b"default-src 'none'; frame-ancestors 'none'"
_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


def guarded(app: ASGIApp) -> ASGIApp:
    """Add the headers that an answer does not have itself."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        kept = str(scope.get("path", "")).startswith(ASSETS)
        wanted = [*_ALWAYS, (b"content-security-policy", _NOTHING)]
        if not kept:
            wanted.append((b"cache-control", b"no-store"))

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = list(message.get("headers", []))
                names = {name.lower() for name, _ in own}
                more = [header for header in wanted if header[0] not in names]
                message["headers"] = own + more
            await send(message)

        await app(scope, receive, answer)

    return wrapped
