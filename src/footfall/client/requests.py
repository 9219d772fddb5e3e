"""Requests: what is sent, built by pure functions that both clients share."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import TypedDict
from urllib.parse import quote

import msgspec

from footfall import __version__
from footfall.client.errors import ArgumentInvalid

PAGE_SIZE_MAX = 10_000
RECEIVED_TIME = "receivedTime"
UTC_TIME = "utcTime"
USER_AGENT = f"footfall/{__version__}"
_LOGIN = "/v1/sts/login/services"
Moment = str | date | datetime
Parameters = tuple[tuple[str, str], ...]


class Call(msgspec.Struct, frozen=True):
    """A request to the API.

    Attributes:
        method: The HTTP method.
        path: The path, percent-encoded.
        parameters: The query.
        headers: More headers.
        body: The body.
        repeatable: Whether it may be sent again when its response got lost.
    """

    method: str
    path: str
    parameters: Parameters = ()
    headers: dict[str, str] = {}
    body: bytes | None = None
    repeatable: bool = True

    def with_token(self, token: str) -> "Call":
        """Return it with the token that it needs."""
        headers = self.headers | {"Authorization": f"Bearer {token}"}
        return msgspec.structs.replace(self, headers=headers)


def log_in(client_key: str, client_secret: str) -> Call:
    """Ask for a token."""
    body = {"clientKey": client_key, "clientSecret": client_secret}
    json = {"Content-Type": "application/json"}
    return Call("POST", _LOGIN, headers=json, body=msgspec.json.encode(body))


class ListFilters(TypedDict, total=False):
    """Which events are listed, and in which order.

    Attributes:
        contact: Only this contact's.
        date_start: From this instant on; a date is the whole day.
        date_end: Up to this instant.
        types: Only these types.
        sort_by: `businessTime` (the server's default), `utcTime` or `receivedTime`.
        sort_reverse: Newest first.
        page_size: How many in one request, up to 10,000; by default 1,000.
    """

    contact: str | None
    date_start: Moment | None
    date_end: Moment | None
    types: Iterable[str]
    sort_by: str | None
    sort_reverse: bool
    page_size: int


class StreamFilters(TypedDict, total=False):
    """Which events of a live stream are wanted.

    Attributes:
        types: Only these types.
        locations: Only what happened at these locations.
        contact: Only this contact's.
    """

    types: Iterable[str]
    locations: Iterable[str]
    contact: str | None


class EventsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A query for events; see `ListFilters`."""

    organization: str
    contact: str | None = None
    date_start: Moment | None = None
    date_end: Moment | None = None
    types: Iterable[str] = ()
    sort_by: str | None = None
    sort_reverse: bool = False
    page_size: int = 1_000

    def first(self) -> Call:
        """Ask for the first page of a scroll."""
        if not 1 <= self.page_size <= PAGE_SIZE_MAX:
            raise ArgumentInvalid(
                f"page_size is {self.page_size}; allowed: 1 to {PAGE_SIZE_MAX}."
            )
        asked = {
            "dateStart": _moment("date_start", self.date_start),
            "dateEnd": _moment("date_end", self.date_end),
            "events": _joined(self.types),
            "sortBy": self.sort_by,
            "sortReverse": "true" if self.sort_reverse else None,
        }
        given = tuple((name, value) for name, value in asked.items() if value)
        scroll = (("size", str(self.page_size)), ("enableScroll", "true"))
        return Call("GET", self._path, (*given, *scroll))

    def following(self, scroll_id: str, *, repeatable: bool = True) -> Call:
        """Ask for the page after another one.

        Args:
            scroll_id: The `scrollId` of that page; the query is in it.
            repeatable: Whether the same scrollId gives the same page again.
        """
        scroll = (("scrollId", scroll_id),)
        return Call("GET", self._path, scroll, repeatable=repeatable)

    @property
    def _path(self) -> str:
        if self.contact is None:
            return f"{_organization(self.organization)}/events"
        contact = _segment("contact", self.contact)
        return f"{_organization(self.organization)}/customers/{contact}/events"


def send_lines(organization: str, body: bytes, *, packed: bool) -> Call:
    """Send events as NDJSON, through gzip if it is `packed`."""
    headers = {"Content-Type": "application/x-ndjson"}
    if packed:
        headers["Content-Encoding"] = "gzip"
    path = f"{_organization(organization)}/events"
    return Call("POST", path, headers=headers, body=body)


def follow(organization: str, after: int | None, wanted: StreamFilters) -> Call:
    """Ask for a live stream after a position in the log; None is from now on."""
    asked = {
        "events": _joined(wanted.get("types", ())),
        "locations": _joined(wanted.get("locations", ())),
        "customerId": wanted.get("contact"),
        "after": None if after is None else str(after),
    }
    given = tuple((name, value) for name, value in asked.items() if value)
    path = f"{_organization(organization)}/events/stream"
    return Call("GET", path, given, {"Accept": "text/event-stream"})


def _organization(organization: str) -> str:
    # With two slashes, as the original documents it; for footfall they are one.
    return f"//v1/organizations/{_segment('organization', organization)}"


def _segment(name: str, value: str) -> str:
    if not value:
        raise ArgumentInvalid(f"The id of the {name} is empty.")
    return quote(value, safe="")


def _joined(names: Iterable[str]) -> str:
    if isinstance(names, str):
        return names
    return ",".join(names)


def _moment(name: str, value: Moment | None) -> str | None:
    if isinstance(value, datetime) and value.tzinfo is None:
        message = f"{name} has no time zone; give one, such as tzinfo=datetime.UTC."
        raise ArgumentInvalid(message)
    return value.isoformat() if isinstance(value, date) else value
