"""Read: a client's parameters in, a page of events out.

Small pages are read at once. Large ones are read in slices, each in a turn of its own,
so that a tenant that reads much gives way to the others between two slices. Slices need
no common snapshot of the store: events never change, the newest arrival of the first
slice bounds the page, and events that are erased meanwhile just disappear.
"""

import asyncio
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import msgspec

from footfall.core import instants
from footfall.core.queries import EventQuery, Position, Request, Sort, parse_request
from footfall.core.scrolls import Scroll, ScrollSeal
from footfall.flows.concurrency import FairLimit
from footfall.store import Page, Store

P = ParamSpec("P")
T = TypeVar("T")
# Reading this many events takes some 3 ms.
SLICE = 2_500
SMALL = 200


class AnyRequest(msgspec.Struct, frozen=True):
    """A page that is needed to answer a request."""

    query: EventQuery
    after: Position | None
    bound: int | None


Steps = Generator[AnyRequest, Page, tuple[Page, Scroll | None]]


class EventReader:
    """Reads pages for the clients of all tenants."""

    def __init__(self, store: Store, seal: ScrollSeal):
        self.store = store
        self.seal = seal
        self._turns = FairLimit(1)
        self._threads = ThreadPoolExecutor(1, "footfall-large-read")

    async def read(
        self,
        organization: str,
        contact: str | None,
        parameters: Mapping[str, list[str]],
        now: int,
    ) -> bytes:
        """Answer a request for events with the response's JSON.

        Args:
            organization: Whose events.
            contact: Only this contact's events, if given.
            parameters: The request's parameters as sent; see `core.queries`.
            now: The instant of the answer.

        Raises:
            ParameterInvalid: A parameter cannot be understood.
            ScrollTampered, ScrollForeign, ScrollMismatch: The scrollId does not fit.
            ContactUnknown: The organization never saw the contact.
        """
        request = parse_request(organization, contact, parameters)
        steps = _steps(self.seal, request)
        asked = next(steps)
        if not is_small(asked.query):
            page, scroll = await self._in_slices(steps, asked)
        elif self.store.is_remote:
            page, scroll = await asyncio.to_thread(_at_once, self.store, steps, asked)
        else:
            page, scroll = _at_once(self.store, steps, asked)
        return _write(page, scroll, self.seal, now)

    async def _in_slices(
        self, steps: Steps, asked: AnyRequest
    ) -> tuple[Page, Scroll | None]:
        while True:
            page = await self._sliced(asked)
            try:
                asked = steps.send(page)
            except StopIteration as end:
                found: tuple[Page, Scroll | None] = end.value
                return found

    async def _sliced(self, asked: AnyRequest) -> Page:
        """Read a page slice by slice."""
        query, after, bound = asked.query, asked.after, asked.bound
        parts: list[Page] = []
        left = query.size
        while left:
            one = msgspec.structs.replace(query, size=min(left, SLICE))
            part = await self.in_turn(
                query.organization, self.store.page, one, after, bound
            )
            parts.append(part)
            left -= part.count
            if not part.has_more:
                break
            after, bound = part.last, part.newest if bound is None else bound
        last = parts[-1]
        return Page(
            sum(part.count for part in parts),
            b",".join(part.body for part in parts if part.count),
            next((part.last for part in reversed(parts) if part.last), None),
            last.has_more,
            parts[0].newest,
        )

    async def in_turn(
        self, organization: str, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Do a slice of large work on its thread, in a turn of the organization."""
        loop = asyncio.get_running_loop()
        async with self._turns.of(organization):
            return await loop.run_in_executor(
                self._threads, lambda: work(*args, **kwargs)
            )


def read_events(
    store: Store,
    seal: ScrollSeal,
    organization: str,
    contact: str | None,
    parameters: Mapping[str, list[str]],
    now: int,
) -> bytes:
    """Answer a request at once, whatever its size; see `EventReader.read`."""
    steps = _steps(seal, parse_request(organization, contact, parameters))
    page, scroll = _at_once(store, steps, next(steps))
    return _write(page, scroll, seal, now)


def _at_once(
    store: Store, steps: Steps, asked: AnyRequest
) -> tuple[Page, Scroll | None]:
    while True:
        page = store.page(asked.query, asked.after, asked.bound)
        try:
            asked = steps.send(page)
        except StopIteration as end:
            found: tuple[Page, Scroll | None] = end.value
            return found


def is_small(query: EventQuery) -> bool:
    """Tell whether a page is short, and an index has its events in its order.

    A contact's events have an index only in the default order without filters; for any
    other query, more of them are looked at than are shown.
    """
    filtered = query.types or query.start_at is not None or query.end_at is not None
    sorted_anew = query.sort is not Sort.BUSINESS_TIME
    looked_through = query.contact is not None and (filtered or sorted_anew)
    return query.size <= SMALL and not looked_through


def _steps(seal: ScrollSeal, request: Request) -> Steps:
    """Ask for pages; return the page to answer with, and the scroll that goes on."""
    if request.scroll_id is None:
        query, position, bound = request.query, None, None
    else:
        scroll = seal.open(request.scroll_id, request)
        query, position, bound = scroll.query, scroll.position, scroll.bound
        if query.endless and position.arrival >= bound:
            bound = (
                None  # The scroll has given all up to its bound: go on to newer events.
            )
    page = yield AnyRequest(query, position, bound)
    if query.endless and bound is not None and not page.count:
        # The rest up to the bound was erased: go on to newer events here too.
        position, bound = Position(bound, bound), None
        page = yield AnyRequest(query, position, bound)
    if not request.scrolling:
        return page, None
    end = page.newest if bound is None else bound
    if query.endless and not page.has_more:
        page = yield from _look_beyond(query, page, end)
        return page, Scroll(query, Position(end, end), end)
    if page.last is None:
        return page, None
    return page, Scroll(query, page.last, end)


def _look_beyond(
    query: EventQuery, page: Page, end: int
) -> Generator[AnyRequest, Page, Page]:
    """Set `has_more` to whether events arrived after what the scroll has seen."""
    if page.newest == end:
        return page
    one = msgspec.structs.replace(query, size=1)
    beyond = yield AnyRequest(one, Position(end, end), None)
    return msgspec.structs.replace(page, has_more=beyond.count > 0)


def _write(page: Page, scroll: Scroll | None, seal: ScrollSeal, now: int) -> bytes:
    head = (
        f'{{"status":"OK","generated":"{instants.format_instant(now)}",'
        f'"count":{page.count},"hasMore":{"true" if page.has_more else "false"},'
    )
    if scroll is not None:
        head += f'"scrollId":"{seal.seal(scroll)}",'
    return b"".join((head.encode(), b'"events":[', page.body, b"]}"))
