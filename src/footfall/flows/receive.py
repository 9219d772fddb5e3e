"""Receive: observations and logins, from those who send them plainly and from vendors.

Who sends plainly is told what became of each item. A vendor's equipment reads no
answers: what of its posts cannot be understood is kept, and shown to the operator.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from types import ModuleType

import msgspec

from footfall.core import observations
from footfall.core.observations import Heard
from footfall.errors import (
    CredentialsWrong,
    NothingAccepted,
    SourceUnknown,
    StoreError,
)
from footfall.flows import presence
from footfall.flows.ingest import BATCH_MAX, Rejected
from footfall.flows.parsing import on_parser
from footfall.flows.presence import Outcome, Terms, observe
from footfall.flows.sources import SourceDesk
from footfall.sources import freeradius, masking, meraki, mist, plain
from footfall.store import Store
from footfall.store.books import Books, ProblemKept, Source

REASON_LENGTH_MAX = 1000
PROBLEMS_A_POST_MAX = 100
# A vendor's posts are a few hundred kB; nobody's is as large as a batch of events.
POST_BYTES_MAX = 8 * 1024 * 1024
# What speaks over HTTP; RADIUS has a port of its own.
DECODERS: Mapping[str, ModuleType] = {
    "freeradius": freeradius,
    "meraki": meraki,
    "mist": mist,
}


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch of observations or logins."""

    status: str = "OK"
    accepted: int
    rejected: list[Rejected]


class NothingTaken(NothingAccepted):
    """Every item was rejected; the problem lists them."""

    def __init__(self, answer: Taken):
        super().__init__("None of the items could be taken in; see `rejected`.")
        self.answer = answer


async def receive_plain(
    store: Store, organization: str, body: bytes, now: int, read: str, *, lines: bool
) -> Taken:
    """Take in a body of `observations` or `logins`; returns when it is on disk.

    Raises:
        BodyInvalid: It has no items to find.
        TooLarge: It has too many.
        NothingAccepted: Nothing was taken in; with all reasons.
    """
    decode = plain.logins if read == "logins" else plain.observations

    heard = await on_parser(decode, body, now, lines=lines, count_max=BATCH_MAX)
    outcome = await _take_steps(store, organization, heard, now)
    rejected = sorted(
        (
            Rejected(one.index, None, list(one.errors))
            for one in (*heard.unclear, *outcome.unclear)
        ),
        key=lambda item: item.index,
    )
    answer = Taken(accepted=outcome.observed, rejected=rejected)
    if rejected and not outcome.observed:
        raise NothingTaken(answer)
    return answer


def check_head(desk: SourceDesk, source: Source, headers: Mapping[str, str]) -> None:
    """Check what can be checked of a post before any of its body is read.

    Raises:
        SourceUnknown: Nothing is received there.
        CredentialsWrong: Its head does not prove that it has the secret.
    """
    if source.kind not in DECODERS:
        raise SourceUnknown("Nothing is received at this address.")
    if not DECODERS[source.kind].verify_head(desk.open(source), headers):
        raise CredentialsWrong("The post does not have this source's secret.")


async def check_sender(
    desk: SourceDesk, source: Source, headers: Mapping[str, str], body: bytes
) -> None:
    """Check that a vendor's post has its source's secret.

    Raises:
        CredentialsWrong: It does not prove that it has the secret.
    """
    verify = DECODERS[source.kind].verify
    if not await on_parser(verify, desk.open(source), headers, body):
        raise CredentialsWrong("The post does not have this source's secret.")


async def receive_post(store: Store, source: Source, body: bytes, now: int) -> Outcome:
    """Take in a vendor's post; returns when all of it is on disk."""
    heard = await on_parser(DECODERS[source.kind].decode, body, now)
    heard = _at_default(source, heard)

    def keep(books: Books, outcome: Outcome) -> None:
        _keep_problems(books, source, heard, outcome, now)

    return await _take_steps(store, source.organization, heard, now, keep)


async def _take_steps(
    store: Store,
    organization: str,
    heard: Heard,
    now: int,
    then: Callable[[Books, Outcome], None] = lambda *_: None,
) -> Outcome:
    """Take in a post in turns that are short; `then` belongs to the last of them.

    Raises:
        StoreError: The store failed; what was taken in until then stays.
    """
    parts = presence.steps(heard)
    outcome = Outcome()
    # Stays of a large post close once all of it was heard.
    terms = presence.LIVE if len(parts) == 1 else Terms(closing=False)
    for number, part in enumerate(parts, start=1):

        def work(
            books: Books,
            part: Heard = part,
            before: Outcome = outcome,
            is_last: bool = number == len(parts),  # noqa: FBT001  bound here
        ) -> Outcome:
            taken = presence.merged(before, observe(books, part, now, terms))
            if is_last:
                then(books, taken)
            return taken

        try:
            future = await asyncio.to_thread(store.change, organization, work)
            outcome = await asyncio.wrap_future(future)
        except StoreError as error:
            if number == 1:
                raise
            raise type(error)(
                f"{error} A part of this is stored: send all of it again, "
                "nothing is made twice."
            ) from error
    return outcome


def take_in(store: Store, source: Source, heard: Heard, now: int) -> Future[Outcome]:
    """Take in a packet, and keep what of it was not understood."""
    heard = _at_default(source, heard)

    def work(books: Books) -> Outcome:
        outcome = observe(books, heard, now)
        _keep_problems(books, source, heard, outcome, now)
        return outcome

    return store.change(source.organization, work)


def _keep_problems(
    books: Books, source: Source, heard: Heard, outcome: Outcome, now: int
) -> None:
    problems = _decoder_problems(source, heard, now)
    if problems := problems + _place_problems(source, outcome, now):
        books.put_problems(problems)


def _at_default(source: Source, heard: Heard) -> Heard:
    """Put what was heard nowhere that is known to the source's own location."""
    if source.location is None:
        return heard

    def there(one: observations.Observation) -> observations.Observation:
        spot = msgspec.structs.replace(one.spot, location=source.location)
        return msgspec.structs.replace(one, spot=spot)

    return msgspec.structs.replace(
        heard,
        observations=[there(one) for one in heard.observations],
        logins=[
            msgspec.structs.replace(
                one, spot=msgspec.structs.replace(one.spot, location=source.location)
            )
            for one in heard.logins
        ],
    )


def _decoder_problems(source: Source, heard: Heard, now: int) -> list[ProblemKept]:
    """Return what to keep of what was not understood, without anybody in it."""
    found = [
        ProblemKept(
            source.id,
            now,
            masking.mask_reason(one.reason)[:REASON_LENGTH_MAX],
            masking.mask_body(one.raw),
        )
        for one in heard.unclear[:PROBLEMS_A_POST_MAX]
    ]
    surplus = len(heard.unclear) - len(found)
    if surplus > 0:
        more = f"and {surplus} more of the same post"
        found.append(ProblemKept(source.id, now, more, ""))
    return found


def _place_problems(source: Source, outcome: Outcome, now: int) -> list[ProblemKept]:
    """Return a problem for each place that is not registered, however much it heard."""
    reasons = Counter(one.reason for one in outcome.unclear)
    return [
        ProblemKept(
            source.id,
            now,
            masking.mask_place(reason)[:REASON_LENGTH_MAX],
            f"{count} times",
        )
        for reason, count in reasons.most_common(PROBLEMS_A_POST_MAX)
    ]
