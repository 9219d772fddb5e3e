"""`Client`: the API for programs that wait."""

import time
from collections.abc import Generator, Iterable, Iterator
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
    from footfall.client.transports import Transport


class Client:
    """One organization's events, on footfall or on the original.

    ```python
    with Client(url, organization=cid, client_key=key, client_secret=secret) as client:
        for event in client.events.list(types=["visit"]):
            print(event.created_at, event.event.visit.duration)
    ```

    Attributes:
        events: List, send, synchronize, follow.
        webhooks: Check and read webhooks.
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
        """Name the server, and a credential or a token.

        Args:
            base_url: The server's address, such as https://footfall.example.
            organization: The organization's id.
            client_key: The service's key; a token is fetched, and renewed in time.
            client_secret: Its secret.
            token: A token instead, which nobody renews.
            timeout_s: How long to wait for a response.
            policy: How often a request is tried.

        Raises:
            ArgumentInvalid: Something is missing.
        """
        # httpx2 takes most of the time of an import, so it waits until it is needed.
        from footfall.client.transports import Transport

        target, access = connection(
            base_url, (client_key, client_secret, token), timeout_s, policy
        )
        self._transport = Transport(target, access)
        self.events = Events(self._transport, organization)

    def log_in(self) -> None:
        """Fetch a token now; otherwise the first request does.

        Raises:
            CredentialsRefused: The key or the secret is wrong.
        """
        self._transport.log_in()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class EventList:
    """A list of events; each iteration reads it anew, page by page."""

    def __init__(self, transport: "Transport", query: EventsQuery):
        self._transport = transport
        self._query = query

    def __iter__(self) -> Generator[Event, None, None]:
        for page in self.pages():
            yield from page

    def pages(self) -> Iterator[list[Event]]:
        """Yield the events page by page."""
        reader = ListReader(self._query)
        while reader.call is not None:
            page = reader.take(self._transport.send(reader.call))
            if page.events:
                yield page.events

    def to_dicts(self, *, flat: bool = False) -> list[dict[str, Any]]:
        """Return all events as dicts, for pandas and polars.

        Args:
            flat: One level, with names such as `event.type` and `when.createdAt`.
        """
        events = (event.to_dict() for event in self)
        return [flattened(event) if flat else event for event in events]


class EventStream:
    """Events as they arrive, for as long as you iterate over it.

    It connects again by itself and goes on from its position. Only what another attempt
    cannot cure is raised.
    """

    def __init__(self, transport: "Transport", reader: StreamReader):
        self._transport = transport
        self._reader = reader

    @property
    def position(self) -> int | None:
        """Up to where all has been given out: `after` for the next time."""
        return self._reader.position

    def __iter__(self) -> Generator[Event, None, None]:
        reader, policy = self._reader, self._transport.policy
        while True:
            before = reader.position
            with self._transport.stream(reader.call, policy) as messages:
                for message in messages:
                    if (event := reader.take(message)) is not None:
                        yield event
            # It was there, so it will be back.
            policy = FOR_EVER
            if reader.position == before:
                time.sleep(reader.pause_s)


class Events:
    """The events of an organization."""

    def __init__(self, transport: "Transport", organization: str):
        self._transport = transport
        self._organization = organization

    def list(self, **filters: Unpack[ListFilters]) -> EventList:
        """List events: iterate over all of them, over `.pages()`, or `.to_dicts()`.

        Args:
            **filters: See `ListFilters`.
        """
        query = EventsQuery(organization=self._organization, **filters)
        return EventList(self._transport, query)

    def send(self, events: Iterable[Sendable]) -> Receipt:
        """Send events in batches, each event once, however often a batch is tried.

        Args:
            events: Dicts, `Event`s, structs, or JSON.

        Returns:
            How many were stored, and those that were not, with every reason.

        Raises:
            NoResponse, Refused: A batch was not taken; those before it are stored, and
                it is safe to send all of them again, with their ids.
        """
        batcher, receipt = Batcher(self._organization), Receipt()
        for event in events:
            receipt = self._sent(batcher.add(event, clock.now()), receipt)
        return self._sent(batcher.rest(), receipt)

    def _sent(self, batch: Batch | None, receipt: Receipt) -> Receipt:
        if batch is None:
            return receipt
        try:
            part = read_receipt(self._transport.send(batch.call))
        except NothingStored as error:
            part = error.receipt
        return receipt.plus(part, batch.first)

    def sync(self, after: str | None = None) -> Changes:
        """Return what arrived since a token, and the token for the next time.

        Args:
            after: The token of the last time; None for all there is.
        """
        events: list[Event] = []
        for part, token in self.sync_pages(after):
            events += part
            after = token
        return Changes(events, after or "")

    def sync_pages(self, after: str | None = None) -> Iterator[Changes]:
        """Yield what `sync` returns page by page, each with the token after it."""
        reader = SyncReader(self._organization, after, PAGE_SIZE_MAX)
        while reader.call is not None:
            yield reader.take(self._transport.send(reader.call))

    def stream(
        self, *, after: int | None = None, **wanted: Unpack[StreamFilters]
    ) -> EventStream:
        """Follow what arrives: iterate over it for as long as you like.

        Args:
            after: The `position` of before; 0 is the beginning, None is from now on.
            **wanted: See `StreamFilters`.
        """
        reader = StreamReader(self._organization, after, wanted)
        return EventStream(self._transport, reader)

    def history(
        self,
        position: HistoryPosition | None = None,
        *,
        date_start: Moment | None = None,
        page_size: int = PAGE_SIZE_MAX,
    ) -> Iterator[HistoryPart]:
        """Yield all events by date, page by page, whatever becomes of the scrolls.

        A server whose scrolls expire is asked anew from the last date seen: an event
        may come twice then (its id tells), and none is left out.

        Args:
            position: The position that came with the last page of before.
            date_start: From this instant on.
            page_size: How many in one request.

        Yields:
            Events, and the position after them.
        """
        query = EventsQuery(
            organization=self._organization, date_start=date_start, page_size=page_size
        )
        reader = HistoryReader(query, position or HistoryPosition())
        while reader.call is not None:
            try:
                response = self._transport.send(reader.call)
            except ClientError as error:
                reader.fail(error)
                continue
            yield reader.take(response)
