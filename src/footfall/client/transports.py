"""Transports: a call over HTTP, with a token, tried again where that may help.

httpx2 carries it. The two classes differ in `await` alone; whatever decides anything is
in `access`, `retries`, `requests` and `responses`.
"""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import TypeVar

import httpx2
from httpx2 import EventSource, ServerSentEvent

from footfall import clock
from footfall.client.access import Access
from footfall.client.configuration import Target
from footfall.client.errors import (
    ArgumentInvalid,
    NoResponse,
    Refused,
    ResponseTooLarge,
    ResponseUnreadable,
)
from footfall.client.requests import USER_AGENT, Call
from footfall.client.responses import Response, check
from footfall.client.retries import RetryPolicy

T = TypeVar("T")
# A live stream says at least every 15 s that it is there.
SILENT_MAX_S = 45
# Far beyond a page of 10,000 usual events (5 MB), and still no harm to a small machine.
RESPONSE_BYTES_MAX = 256 * 1024 * 1024
_HOPELESS = (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError)


class Transport:
    """Sends calls, and waits for their responses."""

    def __init__(self, target: Target, access: Access):
        self._target = target
        self._access = access
        self._http = httpx2.Client(timeout=target.timeout_s)

    @property
    def policy(self) -> RetryPolicy:
        """How often a call is tried."""
        return self._target.policy

    def log_in(self) -> None:
        """Fetch a token, if there is none that holds."""
        for attempt in self.policy.tries():
            with attempt:
                self._token()

    def send(self, call: Call) -> Response:
        """Send a call until there is a response.

        Raises:
            NoResponse, Refused: All attempts failed, or more of them cannot help.
        """
        return self._try(self._exchange, call, self.policy)

    @contextlib.contextmanager
    def stream(
        self, call: Call, policy: RetryPolicy
    ) -> Iterator[Iterator[ServerSentEvent]]:
        """Send a call, and give the messages of its response until the connection ends.

        However it ends: whoever follows connects again.

        Raises:
            ResponseUnreadable: It is no stream.
        """
        response = self._try(self._open, call, policy)
        try:
            yield _messages(response)
        finally:
            response.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _try(self, send: Callable[[Call], T], call: Call, policy: RetryPolicy) -> T:
        for attempt in policy.tries(repeatable=call.repeatable):
            with attempt:
                token = self._token()
                try:
                    return send(call.with_token(token))
                except Refused as error:
                    if not self._access.drops(token, error):
                        raise
                return send(call.with_token(self._token()))
        raise AssertionError  # the last attempt raises

    def _token(self) -> str:
        if self._access.is_stale(clock.now()):
            self._access.take(self._exchange(self._access.log_in()))
        return self._access.token

    def _exchange(self, call: Call) -> Response:
        with _explained(self._target):
            request = _request(self._http, self._target, call)
            response = self._read(self._http.send(request, stream=True))
        check(response, clock.now())
        return response

    def _open(self, call: Call) -> httpx2.Response:
        with _explained(self._target):
            request = _request(self._http, self._target, call, SILENT_MAX_S)
            response = self._http.send(request, stream=True)
            if not response.is_success:
                check(self._read(response), clock.now())
            return response

    def _read(self, response: httpx2.Response) -> Response:
        body = _Body()
        with contextlib.closing(response):
            for part in response.iter_bytes():
                body.add(part)
        return _whole_response(response, body)


class AsyncTransport:
    """Sends calls, on an event loop; see `Transport`."""

    def __init__(self, target: Target, access: Access):
        self._target = target
        self._access = access
        self._http = httpx2.AsyncClient(timeout=target.timeout_s)

    @property
    def policy(self) -> RetryPolicy:
        """How often a call is tried."""
        return self._target.policy

    async def log_in(self) -> None:
        """Fetch a token, if there is none that holds."""
        async for attempt in self.policy.tries():
            with attempt:
                await self._token()

    async def send(self, call: Call) -> Response:
        """Send a call until there is a response."""
        return await self._try(self._exchange, call, self.policy)

    @contextlib.asynccontextmanager
    async def stream(
        self, call: Call, policy: RetryPolicy
    ) -> AsyncIterator[AsyncIterator[ServerSentEvent]]:
        """Send a call; give the messages of its response until the connection ends."""
        response = await self._try(self._open, call, policy)
        try:
            yield _async_messages(response)
        finally:
            await response.aclose()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _try(
        self, send: Callable[[Call], Awaitable[T]], call: Call, policy: RetryPolicy
    ) -> T:
        async for attempt in policy.tries(repeatable=call.repeatable):
            with attempt:
                token = await self._token()
                try:
                    return await send(call.with_token(token))
                except Refused as error:
                    if not self._access.drops(token, error):
                        raise
                return await send(call.with_token(await self._token()))
        raise AssertionError  # the last attempt raises

    async def _token(self) -> str:
        if self._access.is_stale(clock.now()):
            self._access.take(await self._exchange(self._access.log_in()))
        return self._access.token

    async def _exchange(self, call: Call) -> Response:
        with _explained(self._target):
            request = _request(self._http, self._target, call)
            response = await self._read(await self._http.send(request, stream=True))
        check(response, clock.now())
        return response

    async def _open(self, call: Call) -> httpx2.Response:
        with _explained(self._target):
            request = _request(self._http, self._target, call, SILENT_MAX_S)
            response = await self._http.send(request, stream=True)
            if not response.is_success:
                check(await self._read(response), clock.now())
            return response

    async def _read(self, response: httpx2.Response) -> Response:
        body = _Body()
        async with _closing(response):
            async for part in response.aiter_bytes():
                body.add(part)
        return _whole_response(response, body)


@contextlib.asynccontextmanager
async def _closing(response: httpx2.Response) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await response.aclose()


class _Body:
    """The body of a response, unpacked, up to the most that is read of one."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, part: bytes) -> None:
        """Take in what follows.

        Raises:
            ResponseTooLarge: It is more than is read of a response.
        """
        self._size += len(part)
        if self._size > RESPONSE_BYTES_MAX:
            raise ResponseTooLarge(
                f"The response has over {RESPONSE_BYTES_MAX // 2**20} MiB; if it is a "
                "page of events, ask for fewer at once (page_size)."
            )
        self._parts.append(part)

    def whole(self) -> bytes:
        """Return all that was taken in."""
        return b"".join(self._parts)


def _request(
    http: httpx2.Client | httpx2.AsyncClient,
    target: Target,
    call: Call,
    read_s: float | None = None,
) -> httpx2.Request:
    read = {} if read_s is None else {"read": read_s}
    return http.build_request(
        call.method,
        # Not httpx2's base_url: it would make one of the path's two slashes.
        target.base_url + call.path,
        params=call.parameters or None,
        headers=call.headers | {"User-Agent": USER_AGENT},
        content=call.body,
        timeout=httpx2.Timeout(target.timeout_s, **read),
    )


def _whole_response(response: httpx2.Response, body: _Body) -> Response:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Response(response.status_code, headers, body.whole())


@contextlib.contextmanager
def _explained(target: Target) -> Iterator[None]:
    """Say what went wrong on the way in the client's own errors."""
    try:
        yield
    except httpx2.InvalidURL as error:
        message = f"{target.base_url!r} is not an address: {error}."
        raise ArgumentInvalid(message) from None
    except httpx2.HTTPError as error:
        reason = str(error) or type(error).__name__
        raise NoResponse(
            f"No response from {target.base_url}: {reason}.",
            repeatable=not isinstance(error, _HOPELESS),
        ) from error


def _messages(response: httpx2.Response) -> Iterator[ServerSentEvent]:
    with _while_connected():
        yield from EventSource(response)


async def _async_messages(response: httpx2.Response) -> AsyncIterator[ServerSentEvent]:
    with _while_connected():
        async for message in EventSource(response):
            yield message


@contextlib.contextmanager
def _while_connected() -> Iterator[None]:
    try:
        yield
    except httpx2.SSEError as error:
        raise ResponseUnreadable(
            f"The response is not a live stream: {error}"
        ) from None
    except httpx2.TransportError:
        return
