"""`AsyncClient`: the API for programs on an event loop; `blocking` describes it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable
from typing import TYPE_CHECKING, Any, Self, Unpack

from footfall import clock
from footfall.client.batches import Batch, Batcher, Sendable
from footfall.client.configuration import connection
from footfall.client.errors import ClientError, NothingStored
from footfall.client.events import Changes, Event, flattened
from footfall.client.readers import (
    HistoryPart,
    HistoryPosition,
    HistoryReader,
    ListReader,
    StreamReader,
    SyncReader,
)
from footfall.client.receipts import Receipt
from footfall.client.requests import (
    PAGE_SIZE_MAX,
    EventsQuery,
    ListFilters,
    Moment,
    StreamFilters,
)
from footfall.client.responses import read_receipt
from footfall.client.retries import FOR_EVER, RetryPolicy
from footfall.client.webhooks import Webhooks

if TYPE_CHECKING:
    from footfall.client.transports import AsyncTransport


class AsyncClient:
    """One organization's events, on footfall or on the original.

    ```python
    async with AsyncClient(
        url, organization=cid, client_key=key, client_secret=secret
    ) as client:
        async for event in client.events.stream():
            print(event.type)
    ```
    """

    webhooks = Webhooks

    def __init__(  # noqa: PLR0913  each is something to choose
        self,
        base_url: str,
        *,
        organization: str,
        client_key: str | None = None,
        client_secret: str | None = None,
        token: str | None = None,
        timeout_s: float = 60,
        policy: RetryPolicy | None = None,
    ):
        """Name the server, and a credential or a token; see `Client`."""
        from footfall.client.transports import AsyncTransport

        target, access = connection(
            base_url, (client_key, client_secret, token), timeout_s, policy
        )
        self._transport = AsyncTransport(target, access)
        self.events = AsyncEvents(self._transport, organization)

    async def log_in(self) -> None:
        """Fetch a token now; see `Client.log_in`."""
        await self._transport.log_in()

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class AsyncEventList:
    """A list of events; each iteration reads it anew, page by page."""

    def __init__(self, transport: "AsyncTransport", query: EventsQuery):
        self._transport = transport
        self._query = query

    async def __aiter__(self) -> AsyncGenerator[Event, None]:
        async for page in self.pages():
            for event in page:
                yield event

    async def pages(self) -> AsyncIterator[list[Event]]:
        """Yield the events page by page."""
        reader = ListReader(self._query)
        while reader.call is not None:
            page = reader.take(await self._transport.send(reader.call))
            if page.events:
                yield page.events

    async def to_dicts(self, *, flat: bool = False) -> list[dict[str, Any]]:
        """Return all events as dicts; see `blocking.EventList.to_dicts`."""
        events = [event.to_dict() async for event in self]
        return [flattened(event) for event in events] if flat else events


class AsyncEventStream:
    """Events as they arrive; see `blocking.EventStream`."""

    def __init__(self, transport: "AsyncTransport", reader: StreamReader):
        self._transport = transport
        self._reader = reader

    @property
    def position(self) -> int | None:
        """Up to where all has been given out: `after` for the next time."""
        return self._reader.position

    async def __aiter__(self) -> AsyncGenerator[Event, None]:
        reader, policy = self._reader, self._transport.policy
        while True:
            before = reader.position
            async with self._transport.stream(reader.call, policy) as messages:
                async for message in messages:
                    if (event := reader.take(message)) is not None:
                        yield event
            policy = FOR_EVER
            if reader.position == before:
                await asyncio.sleep(reader.pause_s)


class AsyncEvents:
    """The events of an organization; see `blocking.Events`."""

    def __init__(self, transport: "AsyncTransport", organization: str):
        self._transport = transport
        self._organization = organization

    def list(self, **filters: Unpack[ListFilters]) -> AsyncEventList:
        """List events: iterate over all of them, over `.pages()`, or `.to_dicts()`.

        Args:
            **filters: See `ListFilters`.
        """
        query = EventsQuery(organization=self._organization, **filters)
        return AsyncEventList(self._transport, query)

    async def send(
        self, events: Iterable[Sendable] | AsyncIterable[Sendable]
    ) -> Receipt:
        """Send events in batches; see `blocking.Events.send`."""
        batcher, receipt = Batcher(self._organization), Receipt()
        async for event in _each(events):
            receipt = await self._sent(batcher.add(event, clock.now()), receipt)
        return await self._sent(batcher.rest(), receipt)

    async def _sent(self, batch: Batch | None, receipt: Receipt) -> Receipt:
        if batch is None:
            return receipt
        try:
            part = read_receipt(await self._transport.send(batch.call))
        except NothingStored as error:
            part = error.receipt
        return receipt.plus(part, batch.first)

    async def sync(self, after: str | None = None) -> Changes:
        """Return what arrived since a token; see `blocking.Events.sync`."""
        events: list[Event] = []
        async for part, token in self.sync_pages(after):
            events += part
            after = token
        return Changes(events, after or "")

    async def sync_pages(self, after: str | None = None) -> AsyncIterator[Changes]:
        """Yield what `sync` returns page by page, each with the token after it."""
        reader = SyncReader(self._organization, after, PAGE_SIZE_MAX)
        while reader.call is not None:
            yield reader.take(await self._transport.send(reader.call))

    def stream(
        self, *, after: int | None = None, **wanted: Unpack[StreamFilters]
    ) -> AsyncEventStream:
        """Follow what arrives; see `blocking.Events.stream`."""
        reader = StreamReader(self._organization, after, wanted)
        return AsyncEventStream(self._transport, reader)

    async def history(
        self,
        position: HistoryPosition | None = None,
        *,
        date_start: Moment | None = None,
        page_size: int = PAGE_SIZE_MAX,
    ) -> AsyncIterator[HistoryPart]:
        """Yield all events by date; see `blocking.Events.history`."""
        query = EventsQuery(
            organization=self._organization, date_start=date_start, page_size=page_size
        )
        reader = HistoryReader(query, position or HistoryPosition())
        while reader.call is not None:
            try:
                response = await self._transport.send(reader.call)
            except ClientError as error:
                reader.fail(error)
                continue
            yield reader.take(response)


async def _each(
    events: Iterable[Sendable] | AsyncIterable[Sendable],
) -> AsyncIterator[Sendable]:
    if isinstance(events, AsyncIterable):
        async for event in events:
            yield event
    else:
        for event in events:
            yield event
