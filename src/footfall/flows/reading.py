"""Reading: a client's parameters in, a page of events out."""

from collections.abc import Mapping

import msgspec

from footfall.core import instants
from footfall.core.queries import EventQuery, Place, Request, parse_request
from footfall.core.scrolls import Scroll, ScrollSeal
from footfall.store import Page, Store


def read_events(
    store: Store,
    seal: ScrollSeal,
    organization: str,
    contact: str | None,
    parameters: Mapping[str, list[str]],
    now: int,
) -> bytes:
    """Answer a request for events with the response's JSON.

    Args:
        store: Where the events are.
        seal: Makes and opens scrollIds.
        organization: Whose events.
        contact: Only this contact's, if given.
        parameters: The request's, as they were sent; see `core.queries`.
        now: The instant of the answer.

    Raises:
        ParameterInvalid: A parameter cannot be understood.
        ScrollTampered, ScrollForeign, ScrollMismatch: The scrollId is not for this.
        ContactUnknown: The organization never saw the contact.
    """
    request = parse_request(organization, contact, parameters)
    page, scroll = _read(store, seal, request)
    scroll_id = None if scroll is None else seal.seal(scroll)
    return _write(page, scroll_id, now)


def _read(
    store: Store, seal: ScrollSeal, request: Request
) -> tuple[Page, Scroll | None]:
    """Return the page, and the scroll that goes on after it."""
    if request.scroll_id is None:
        query, place, bound = request.query, None, None
    else:
        scroll = seal.open(request.scroll_id, request)
        query, place, bound = scroll.query, scroll.place, scroll.bound
        if query.endless and place.arrival >= bound:
            bound = None  # All of its stretch was given: it goes on to what is newest.
    page = store.page(query, place, bound)
    if query.endless and bound is not None and not page.count:
        # What was left of its stretch was erased, so it goes on here too.
        place, bound = Place(bound, bound), None
        page = store.page(query, place, bound)
    if not request.scrolling:
        return page, None
    end = page.newest if bound is None else bound
    if query.endless and not page.has_more:
        page = _look_beyond(store, query, page, end)
        return page, Scroll(query, Place(end, end), end)
    if page.last is None:
        return page, None
    return page, Scroll(query, page.last, end)


def _look_beyond(store: Store, query: EventQuery, page: Page, end: int) -> Page:
    """Say in `has_more` what arrived after the stretch that the scroll had seen."""
    if page.newest == end:
        return page
    one = msgspec.structs.replace(query, size=1)
    beyond = store.page(one, Place(end, end), None).count > 0
    return msgspec.structs.replace(page, has_more=beyond)


def _write(page: Page, scroll_id: str | None, now: int) -> bytes:
    head = (
        f'{{"status":"OK","generated":"{instants.format_instant(now)}",'
        f'"count":{page.count},"hasMore":{"true" if page.has_more else "false"},'
    )
    if scroll_id is not None:
        head += f'"scrollId":"{scroll_id}",'
    return b"".join((head.encode(), b'"events":[', page.body, b"]}"))
