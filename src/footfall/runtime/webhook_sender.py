"""The sender of webhooks: one POST, to an address that is checked when connecting.

aiohttp, because it asks for each socket that it is about to connect (`socket_factory`),
with the address that it resolved: so what is checked is what is connected to, whatever
the name said before. It also takes a fifth of the time of httpx2 for a request, which
1,000 messages a second on one core need.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from typing import Any
from weakref import WeakValueDictionary

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override

from footfall import __version__, clock
from footfall.core.targets import Network, may_connect
from footfall.core.webhooks import ANSWER_BYTES_MAX, Answer, parse_retry_after

# From the first look-up to the last byte that is read of the answer.
TIMEOUT_S = 15.0
# Looking a name up may take longer than the request that needs it. An organization with
# slow names uses up its own share of the threads, not those of others.
RESOLVERS, RESOLVERS_EACH = 256, 16
_sending_for: ContextVar[str] = ContextVar("sending_for", default="")
_HEADERS = {"user-agent": f"footfall/{__version__}", "accept-encoding": "identity"}


class TargetForbidden(OSError):
    """The name leads to an address that webhooks may not reach."""


class Sender:
    """Sends to HTTPS endpoints on the internet, and to what the operator allows."""

    def __init__(
        self,
        allowed: Iterable[Network] = (),
        trusted: ssl.SSLContext | None = None,
        timeout_s: float = TIMEOUT_S,
    ):
        """Prepare; use it on one event loop, inside `open`.

        Args:
            allowed: Networks that may be reached, and without TLS.
            trusted: Whose certificates hold; those of the system by default.
            timeout_s: How long all of a request may take.
        """
        self.allowed = tuple(allowed)
        self._trusted = trusted
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._secure: aiohttp.ClientSession | None = None
        self._plain: aiohttp.ClientSession | None = None

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["Sender"]:
        """Keep connections alive meanwhile."""
        resolver = _Resolver()
        async with (
            self._session(resolver, public=True) as self._secure,
            self._session(resolver, public=False) as self._plain,
        ):
            yield self
        await resolver.close()

    def forget_names(self) -> None:
        """Look names up anew, which is done after some seconds anyway."""
        for session in (self._secure, self._plain):
            if session is not None and isinstance(
                session.connector, aiohttp.TCPConnector
            ):
                session.connector.clear_dns_cache()

    def _session(self, resolver: "_Resolver", *, public: bool) -> aiohttp.ClientSession:
        def checked(info: tuple[Any, ...]) -> socket.socket:
            family, kind, protocol, _, address = info
            if not may_connect(address[0], self.allowed, public=public):
                raise TargetForbidden("The address is not one that webhooks may reach.")
            return socket.socket(family, kind, protocol)

        connector = aiohttp.TCPConnector(
            limit=0,  # each endpoint has a limit of its own
            resolver=resolver,
            socket_factory=checked,
            ssl=self._trusted or True,
        )
        return aiohttp.ClientSession(
            connector=connector,
            timeout=self._timeout,
            headers=_HEADERS,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
        )

    async def __call__(
        self, url: str, body: bytes, headers: dict[str, str], organization: str
    ) -> Answer:
        """Send a body of an organization's; whatever goes wrong is an answer too.

        Such an answer has no status.
        """
        # aiohttp looks the name up in a task of its own, which inherits this.
        _sending_for.set(organization)
        session = self._secure if url.startswith("https:") else self._plain
        assert session is not None  # noqa: S101  `open` was entered
        started = asyncio.get_running_loop().time()

        def answer(**found: Any) -> Answer:
            took = asyncio.get_running_loop().time() - started
            return Answer(int(took * 1000), **found)

        try:
            async with session.post(
                url, data=body, headers=headers, allow_redirects=False
            ) as response:
                start = await _start_of(response)
                sent = response.headers.get("retry-after")
                return answer(
                    status=response.status,
                    body=start,
                    retry_after=parse_retry_after(sent, clock.now()),
                )
        except TimeoutError:
            return answer(reason=f"no answer within {self._timeout.total:.0f} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return answer(reason=_reason(error))


async def _start_of(response: aiohttp.ClientResponse) -> bytes:
    """Read as much of an answer as is kept; a longer one ends the connection."""
    start = bytearray()
    while len(start) < ANSWER_BYTES_MAX:
        part = await response.content.read(ANSWER_BYTES_MAX - len(start))
        if not part:
            return bytes(start)
        start += part
    if not response.content.at_eof():
        response.close()
    return bytes(start)


def _reason(error: Exception) -> str:
    """Say what went wrong in fixed words: an error may quote the URL or the answer."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    reasons: tuple[tuple[type[Exception], str], ...] = (
        (TargetForbidden, "the address is not one that webhooks may reach"),
        (aiohttp.InvalidURL, "the URL cannot be used"),
        (socket.gaierror, "the name is not known"),
        (aiohttp.ClientConnectorCertificateError, "the certificate does not hold"),
        (aiohttp.ClientSSLError, "no TLS connection"),
        (ssl.SSLError, "no TLS connection"),
        (ConnectionRefusedError, "the connection was refused"),
        (aiohttp.ServerDisconnectedError, "the connection was closed"),
        (ConnectionError, "the connection was closed"),
        (aiohttp.ClientResponseError, "the answer is not HTTP"),
        (aiohttp.ClientPayloadError, "the answer was cut off"),
    )
    for kind, reason in reasons:
        if isinstance(cause, kind) or isinstance(error, kind):
            return reason
    return "no connection"


class _Resolver(AbstractResolver):
    """Looks names up on threads of its own, of which each organization has a share."""

    def __init__(self) -> None:
        self._shares: WeakValueDictionary[str, asyncio.Semaphore] = (
            WeakValueDictionary()
        )
        self._threads = ThreadPoolExecutor(RESOLVERS, "footfall-resolve")

    @override
    async def resolve(
        self, host: str, port: int = 0, family: int = socket.AF_INET
    ) -> list[ResolveResult]:
        def look() -> list[ResolveResult]:
            return [
                ResolveResult(
                    hostname=host,
                    host=str(address[0]),
                    port=int(address[1]),
                    family=kind,
                    proto=protocol,
                    flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
                )
                for kind, _, protocol, _, address in socket.getaddrinfo(
                    host, port, type=socket.SOCK_STREAM, family=family
                )
            ]

        share = self._shares.setdefault(
            _sending_for.get(), asyncio.Semaphore(RESOLVERS_EACH)
        )
        # aiohttp does not cancel this when a request ends: a share is held for as long
        # as its thread.
        async with share:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, look)

    @override
    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
