"""Presence: what equipment says in, arrivals, logins and visits out.

All that follows from a step of a post happens in one transaction of the organization's
books: the observations are kept, the stays change, the events that no longer hold are
taken back and those that now do are stored. Nothing of it is remembered anywhere else,
so a crash at any point loses nothing, and a post that comes again changes nothing.
"""

from collections.abc import Callable

import msgspec
import structlog
from prometheus_client import Counter

from footfall.core.instants import DAY, MINUTE
from footfall.core.observations import Heard, Unclear
from footfall.core.stays import Rules
from footfall.errors import FootfallError
from footfall.flows import people
from footfall.flows.hearing import Places, Unplaced, check_time, hear
from footfall.flows.settling import Settling
from footfall.store import Store
from footfall.store.books import Books, Recorded

# What the writer takes in one turn: each is some 20 to 50 ms.
# A post of up to so many observations is one step; a larger one comes in smaller steps.
OBSERVATIONS_AT_ONCE = 500
OBSERVATIONS_A_STEP = 250
LOGINS_A_STEP = 200
STAYS_A_STEP = 200
# A stay that cannot be closed is tried again then.
RETRY_AFTER = 10 * MINUTE
PROBLEMS_KEPT = 7 * DAY
_log = structlog.get_logger()
_FAILED = Counter("footfall_stays_failed", "Stays that could not be closed for now.")


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
    """Take in what a source said, in one transaction; a large post comes in `steps`.

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
        try:
            check_time(restart.at, now)
            people.end_sessions(settling, restart)
        except Unplaced as unplaced:
            unclear.append(Unclear((unplaced.error,), b""))
    taken = 0
    for login in sorted(heard.logins, key=lambda login: login.at):
        try:
            check_time(login.at, now)
            seen += people.log_in(settling, login, now)
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


def steps(heard: Heard) -> list[Heard]:
    """Cut what a source said into what the writer takes in one turn, in its order.

    Logins come first, in the order of time: they say whose the observations are.
    """
    is_small = len(heard.observations) <= OBSERVATIONS_AT_ONCE
    if is_small and len(heard.logins) <= LOGINS_A_STEP:
        return [heard]
    logins = sorted(heard.logins, key=lambda login: login.at)
    seen = sorted(heard.observations, key=lambda one: one.at)
    parts = [
        Heard(logins=logins[n : n + LOGINS_A_STEP])
        for n in range(0, len(logins), LOGINS_A_STEP)
    ] + [
        Heard(seen[n : n + OBSERVATIONS_A_STEP])
        for n in range(0, len(seen), OBSERVATIONS_A_STEP)
    ]
    parts[0] = msgspec.structs.replace(
        parts[0], restarts=heard.restarts, unclear=heard.unclear
    )
    return parts


def merged(one: Outcome, other: Outcome) -> Outcome:
    """Put together what came of two steps."""
    return Outcome(
        one.observed + other.observed,
        one.events + other.events,
        one.withdrawn + other.withdrawn,
        one.unclear + other.unclear,
    )


def close_due(store: Store, now: int) -> int:
    """Close the stays that are over; returns how many events were made of them.

    Each organization on its own, a step of each in turn. Where a step fails, its
    stays are closed one by one, and the one that cannot be is tried again later.
    """
    made, waiting = 0, store.stays_due(now)
    failed: FootfallError | None = None
    while waiting:
        more = []
        for organization in waiting:
            try:
                closed = store.change(organization, _closing(now)).result()
            except FootfallError as error:
                failed = error
                _FAILED.inc()
            except Exception as error:  # noqa: BLE001  one bad stay stops no other
                _log.error("bug", error=type(error).__name__, place="close")
                made += _close_singly(store, organization, now)
            else:
                made += closed[1]
                more += [organization] if closed[0] == STAYS_A_STEP else []
        waiting = more
    if failed is not None:
        raise failed
    return made


def _closing(now: int) -> Callable[[Books], tuple[int, int]]:
    def close(books: Books) -> tuple[int, int]:
        due = books.stays_due(now, STAYS_A_STEP)
        return len(due), _close(books, due, now)

    return close


def _close(books: Books, due: list[Recorded], now: int) -> int:
    settling = Settling(books, now, None, closing=True)
    settling.close(due)
    return settling.write()[0]


def _close_singly(store: Store, organization: str, now: int) -> int:
    """Close a step's stays one by one; what cannot be closed is put off."""
    due = store.look(organization, lambda books: books.stays_due(now, STAYS_A_STEP))
    made = 0
    for one in due:

        def close(books: Books, number: int | None = one.number) -> int:
            again = books.stays_due(now, STAYS_A_STEP)
            return _close(books, [s for s in again if s.number == number], now)

        def postpone(books: Books, number: int = one.number or 0) -> None:
            books.postpone_stay(number, now + RETRY_AFTER)

        try:
            made += store.change(organization, close).result()
        except FootfallError:
            _FAILED.inc()
        except Exception as error:  # noqa: BLE001  as above
            _FAILED.inc()
            _log.error("a stay cannot be closed", error=type(error).__name__)
            store.change(organization, postpone).result()
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
