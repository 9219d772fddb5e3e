"""Readers: which request comes next, and what its response means.

A reader knows no network. A client sends its `call`, hands the response to `take`, and
goes on until there is no call; so both clients read in the same way.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from footfall.client import requests
from footfall.client.errors import (
    ClientError,
    CredentialsRefused,
    Forbidden,
    ListCutOff,
    Refused,
    ResponseUnreadable,
)
from footfall.client.events import Changes, Event
from footfall.client.requests import Call, EventsQuery, StreamFilters
from footfall.client.responses import Page, Response, read_page

if TYPE_CHECKING:
    from httpx2 import ServerSentEvent

# How many scrolls in a row may break off without reaching a later date.
STALLED_SCROLLS_MAX = 5


class ListReader:
    """Reads a list to its end, page by page."""

    def __init__(self, query: EventsQuery):
        self._query = query
        self._page: Page | None = None
        self.call: Call | None = query.first()

    def take(self, response: Response) -> Page:
        """Take a page.

        Raises:
            ListCutOff: There may be more, and no scrollId to get it with.
            ResponseUnreadable: It is the same page as the last one.
        """
        page = self._page = _new_page(response, self._page)
        self.call = None
        if not page.events or page.has_more is False:
            return page
        if page.scroll_id is not None:
            self.call = _after(self._query, page)
        elif len(page.events) >= self._query.page_size:
            raise ListCutOff(
                f"The server gave {len(page.events)} events and no scrollId for more. "
                "Ask for larger pages (page_size), or for shorter spans of dates."
            )
        return page


def _new_page(response: Response, before: Page | None) -> Page:
    """Read a page; the same page twice means that the list would never end."""
    page = read_page(response)
    if before is not None and page.events and page.events == before.events:
        raise ResponseUnreadable(
            "The server gives the same page again: it does not know scrollId."
        )
    return page


def _after(query: EventsQuery, page: Page) -> Call:
    """Ask for what follows a page.

    A scrollId of footfall gives the same page whenever it is asked. Another server may
    have gone on to the next page by itself when the response got lost.
    """
    is_footfall = page.has_more is not None
    return query.following(page.scroll_id or "", repeatable=is_footfall)


class SyncReader:
    """Reads what arrived after a token, up to the newest."""

    def __init__(self, organization: str, after: str | None, size: int):
        self._query = EventsQuery(
            organization=organization, sort_by=requests.RECEIVED_TIME, page_size=size
        )
        first = self._query.first() if after is None else self._query.following(after)
        self.call: Call | None = first

    def take(self, response: Response) -> Changes:
        """Take a page, with the token of the position after it."""
        page = read_page(response)
        if page.scroll_id is None:
            raise ResponseUnreadable(
                "The server keeps no order of arrival (no scrollId): only footfall can "
                "be synchronized with; list the events by date instead."
            )
        more = bool(page.events) and page.has_more is not False
        self.call = self._query.following(page.scroll_id) if more else None
        return Changes(page.events, page.scroll_id)


class HistoryPosition(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far a history is read.

    Attributes:
        since: `createdAt` of the last event; a new scroll begins there.
        scroll_id: The scroll to go on with, if it does not expire.
    """

    since: str | None = None
    scroll_id: str | None = None


class HistoryPart(NamedTuple):
    """A page of a history, and the position after it."""

    events: list[Event]
    position: HistoryPosition


class HistoryReader:
    """Reads an organization's whole history by date, even if its scrolls break off.

    Where a scroll breaks off, a new one begins at the last date seen: some events come
    twice, none is left out. Another server than footfall may end a scroll that expired
    with an empty page, so an end counts only from a scroll that brought no later date
    than the one it began with. If scrolls break off without even an empty page, such a
    scroll must have brought a page that is not full.
    """

    def __init__(self, query: EventsQuery, position: HistoryPosition):
        self._query = msgspec.structs.replace(query, sort_by=requests.UTC_TIME)
        self.position = position
        self._began_at = position.since
        self._page: Page | None = None
        # A full page has as many as the largest one: some servers give less than asked.
        self._full = 0
        self._stalled = 0
        self.call: Call | None = (
            self._begin()
            if position.scroll_id is None
            else self._query.following(position.scroll_id)
        )

    def take(self, response: Response) -> HistoryPart:
        """Take a page, with the position after it."""
        page = self._page = _new_page(response, self._page)
        self._full = max(self._full, len(page.events))
        is_footfall = page.has_more is not None
        self._go_to(_last_date(page.events))
        if page.events and page.scroll_id and page.has_more is not False:
            self.call = _after(self._query, page)
            kept = page.scroll_id if is_footfall else None
            self.position = HistoryPosition(self.position.since, kept)
        elif is_footfall or self.position.since == self._began_at:
            self._end(page)
        else:
            self.call = self._begin()
        return HistoryPart(page.events, self.position)

    def fail(self, error: ClientError) -> None:
        """Go on after an error with a new scroll, or raise it if that cannot help."""
        in_scroll = self.call is not None and self.call.parameters[0][0] == "scrollId"
        hopeless = isinstance(error, CredentialsRefused | Forbidden)
        if hopeless or not in_scroll:
            raise error
        if isinstance(error, Refused) and self._page and self._is_last(self._page):
            self.call = None
            return
        if self._stalled >= STALLED_SCROLLS_MAX:
            raise error
        self._stalled += 1
        self.call = self._begin()

    def _is_last(self, page: Page) -> bool:
        return self.position.since == self._began_at and len(page.events) < self._full

    def _begin(self) -> Call:
        """Begin a scroll at the last date seen."""
        self._page = None
        self._began_at = self.position.since
        self.position = HistoryPosition(self.position.since)
        start = self.position.since or self._query.date_start
        return msgspec.structs.replace(self._query, date_start=start).first()

    def _go_to(self, date: str | None) -> None:
        if date is not None and date != self.position.since:
            self.position = HistoryPosition(date, self.position.scroll_id)
            self._stalled = 0

    def _end(self, page: Page) -> None:
        self.call = None
        if page.scroll_id is None and len(page.events) >= self._query.page_size:
            raise ListCutOff(
                f"{len(page.events)} events or more are of {self.position.since}, and "
                "the server gives no scrollId to get them all with."
            )


def _last_date(events: list[Event]) -> str | None:
    """Return the date of the last event that has a readable one."""
    for event in reversed(events):
        try:
            _ = event.created_at
        except ResponseUnreadable:
            continue
        return event.when.created_at
    return None


class StreamReader:
    """Follows the log of arrivals: where it is, and what comes.

    Attributes:
        position: The position of the newest message.
        pause_s: How long to wait before a new connection, as the server wants it.
    """

    def __init__(self, organization: str, after: int | None, wanted: StreamFilters):
        self._organization = organization
        # Kept, because each connection asks for it again.
        self._wanted = wanted | {
            "types": _kept(wanted.get("types", ())),
            "locations": _kept(wanted.get("locations", ())),
        }
        self.position = after
        self.pause_s = 1.0

    @property
    def call(self) -> Call:
        """The request that goes on after the position."""
        return requests.follow(self._organization, self.position, self._wanted)

    def take(self, message: "ServerSentEvent") -> Event | None:
        """Take a message: an event, or only the position."""
        if message.retry is not None:
            self.pause_s = message.retry / 1000
        if message.id.isascii() and message.id.isdigit():
            self.position = int(message.id)
        if not message.data:
            return None
        return Event(message.data.encode(), self.position)


def _kept(names: Iterable[str]) -> Iterable[str]:
    return names if isinstance(names, str) else tuple(names)
