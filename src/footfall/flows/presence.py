"""Presence: what equipment says in, arrivals, logins and visits out.

All that follows from one post happens in one transaction of the organization's books:
the observations are kept, the stays change, the events that no longer hold are taken
back and those that now do are stored. Nothing of it is remembered anywhere else, so a
crash at any point loses nothing, and a post that comes again changes nothing.
"""

import msgspec

from footfall.core.instants import DAY
from footfall.core.observations import Heard, Unclear
from footfall.core.stays import Rules
from footfall.flows import people
from footfall.flows.hearing import Places, Unplaced, check_time, hear
from footfall.flows.settling import Settling
from footfall.store import Store
from footfall.store.books import Books

SWEEP_MAX = 2_000
PROBLEMS_KEPT = 7 * DAY


class Terms(msgspec.Struct, frozen=True):
    """How presence is judged where it is not by the organization's settings.

    Attributes:
        rules: For every location.
        pseudonymous: Whether devices of nobody known get a contact each.
        closing: Whether stays may close meanwhile; history closes them at its end.
    """

    rules: Rules | None = None
    pseudonymous: bool | None = None
    closing: bool = True


class Outcome(msgspec.Struct, frozen=True):
    """What came of something that was heard.

    Attributes:
        observed: How many observations and logins were taken in.
        events: How many events were made.
        withdrawn: How many made events were taken back.
        unclear: What could not be placed, and why.
    """

    observed: int = 0
    events: int = 0
    withdrawn: int = 0
    unclear: tuple[Unclear, ...] = ()


LIVE = Terms()


def observe(books: Books, heard: Heard, now: int, terms: Terms = LIVE) -> Outcome:
    """Take in what a source said.

    Args:
        books: The organization's.
        heard: What was said.
        now: The instant of its arrival here.
        terms: How to judge it.
    """
    settling = Settling(books, now, terms.rules, closing=terms.closing)
    unclear: list[Unclear] = []
    seen = list(heard.observations)
    for restart in heard.restarts:
        people.end_sessions(settling, restart)
    taken = 0
    for login in sorted(heard.logins, key=lambda login: login.at):
        try:
            check_time(login.at, now)
            seen += people.log_in(settling, login)
            taken += 1
        except Unplaced as unplaced:
            unclear.append(Unclear((unplaced.error,), b"", login.index))
    kept = []
    places = Places(settling, now)
    for observation in seen:
        try:
            kept.append(places.place(observation))
        except Unplaced as unplaced:
            unclear.append(Unclear((unplaced.error,), b"", observation.index))
    hear(settling, kept, pseudonymous=terms.pseudonymous)
    if kept:
        books.keep(kept, now)
    made, withdrawn = settling.write()
    observed = len(kept) - (len(seen) - len(heard.observations)) + taken
    return Outcome(observed, made, withdrawn, tuple(unclear))


def close_due(store: Store, now: int) -> int:
    """Close all the stays that are over; returns how many events were made of them."""

    def close(books: Books) -> tuple[int, int]:
        due = books.stays_due(now, SWEEP_MAX)
        settling = Settling(books, now, None, closing=True)
        settling.close(due)
        return len(due), settling.write()[0]

    made = 0
    while organizations := store.stays_due(now):
        futures = [store.change(name, close) for name in organizations]
        made += sum(future.result()[1] for future in futures)
    return made


def forget(store: Store, now: int, observations_kept: int) -> None:
    """Forget the observations and the problems that are old enough.

    Args:
        store: Where they are.
        now: This instant.
        observations_kept: Microseconds that observations are kept.
    """
    while store.forget(now - observations_kept, now - PROBLEMS_KEPT).result():
        pass
