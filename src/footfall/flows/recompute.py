"""Recompute: visits made anew from what was heard, as if it were heard again."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future

import msgspec

from footfall.core.instants import DAY
from footfall.core.stays import Point
from footfall.errors import Invalid, LocationUnknown
from footfall.flows.hearing import attribute, gathered
from footfall.flows.settling import Key, Settling
from footfall.store import Store
from footfall.store.books import Books, Near, Recorded

_STEP = DAY


class Recomputed(msgspec.Struct, frozen=True):
    """How many events were made anew, and how many no longer hold."""

    events: int = 0
    withdrawn: int = 0


def recompute_span(
    settling: Settling,
    since: int,
    until: int,
    *,
    location: int | None = None,
    contacts: frozenset[int] | None = None,
) -> None:
    """Make the stays of a span anew from the observations that are kept.

    A stay that began before the first observation that is kept whole stays as it is.

    Args:
        settling: Where the changes go.
        since: The first instant.
        until: The last.
        location: Only the stays at this one.
        contacts: Only the stays of these.
    """
    books = settling.books
    floor = books.kept_since()
    since = since if floor is None else max(since, floor)
    asked = Asked(settling, location, contacts)
    keys = asked.points(since, until, {}).keys()
    old: list[Recorded] = []
    spans: dict[Key, tuple[int, int]] = {}
    for one in asked.stays(keys, since, until):
        key = (one.contact, one.location)
        first, last = spans.get(key, (since, until))
        if floor is not None and one.stay.first_at < floor:
            # What came before is forgotten: it is kept, and what is in it is in it.
            spans[key] = max(first, one.stay.last_at + 1), last
            continue
        old.append(one)
        spans[key] = min(first, one.stay.first_at), max(last, one.stay.last_at)
    first = min((span[0] for span in spans.values()), default=since)
    last = max((span[1] for span in spans.values()), default=until)
    points = asked.points(min(first, since), max(last, until), spans, (since, until))
    settling.drop(old)
    settling.absorb(gathered(settling, points))


class Asked:
    """Whose stays, and where, are to be made anew."""

    def __init__(
        self, settling: Settling, location: int | None, contacts: frozenset[int] | None
    ):
        self._settling = settling
        self._location = location
        self._contacts = contacts

    def points(
        self,
        since: int,
        until: int,
        spans: dict[Key, tuple[int, int]],
        else_span: tuple[int, int] | None = None,
    ) -> dict[Key, list[Point]]:
        """Return what was heard of each, within its span or else in the one for all."""
        heard = [
            one
            for one in self._settling.books.kept(since, until)
            if self._location in (None, one.location)
        ]
        found: dict[Key, list[Point]] = {}
        for one, contact in zip(heard, attribute(self._settling, heard), strict=True):
            if contact is None:
                continue
            if self._contacts is not None and contact not in self._contacts:
                continue
            key = (contact, one.location)
            first, last = spans.get(key, else_span or (since, until))
            if first <= one.at <= last:
                point = Point(one.at, one.rssi, one.hotspot)
                found.setdefault(key, []).append(point)
        return found

    def stays(self, keys: Iterable[Key], since: int, until: int) -> list[Recorded]:
        """Return the stays that reach into a span: of these, and of the contacts."""
        books = self._settling.books
        found = books.stays([Near(*key, since, until, 0) for key in keys])
        for contact in self._contacts or ():
            found += [
                one
                for one in books.stays_of(contact)
                if self._location in (None, one.location)
                and one.stay.first_at <= until
                and one.stay.last_at >= since
            ]
        return list({one.number: one for one in found}.values())


def recompute(  # noqa: PLR0913  the command has as many
    store: Store,
    organization: str,
    location: str | None,
    *,
    since: int,
    until: int,
    now: int,
    progress: Callable[[int, int], None],
) -> Recomputed:
    """Make visits anew after a change of settings, a day in a transaction.

    Safe to interrupt and to repeat.

    Raises:
        Invalid: The span is none.
        LocationUnknown: There is no such location.
    """
    if since > until:
        raise Invalid("--since must not be after --until.")
    total = Recomputed()
    for first in range(since, until + 1, _STEP):
        last = min(first + _STEP - 1, until)

        def work(books: Books, first: int = first, last: int = last) -> Recomputed:
            settling = Settling(books, now, None, closing=True)
            site = None if location is None else _number_of(settling, location)
            recompute_span(settling, first, last, location=site)
            return Recomputed(*settling.write())

        done: Future[Recomputed] = store.change(organization, work)
        part = done.result()
        total = Recomputed(total.events + part.events, total.withdrawn + part.withdrawn)
        progress(last + 1 - since, until + 1 - since)
    return total


def _number_of(settling: Settling, location: str) -> int:
    for site in settling.estate.sites.values():
        if site.location.id == location:
            return site.number
    raise LocationUnknown(f"There is no location {location}.")
