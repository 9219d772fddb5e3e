"""Receive: observations and logins, in footfall's own form and from vendors.

A sender of footfall's own form gets an answer for each item. Vendors' equipment does
not read answers: items that cannot be understood are kept and shown to the operator.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from types import ModuleType

import msgspec

from footfall.core import observations
from footfall.core.observations import SourceBatch
from footfall.errors import CredentialsWrong, NothingAccepted, SourceUnknown, StoreError
from footfall.flows.accounts.source_secrets import SourceSecrets
from footfall.flows.events.ingest import BATCH_MAX, RejectedItem
from footfall.flows.parsing import on_parser
from footfall.flows.presence.observe import (
    LIVE,
    Outcome,
    PresenceOptions,
    merged,
    observe,
    pace_of_steps,
    steps,
)
from footfall.sources import freeradius, masking, meraki, mist, plain
from footfall.store import Store
from footfall.store.transaction import HeardKind, Source, StoredRejection, Transaction

REASON_LENGTH_MAX = 1000
REJECTIONS_A_POST_MAX = 100
# Vendors' posts have a few hundred kB, never as much as a batch of events.
POST_BYTES_MAX = 8 * 1024 * 1024
# The stays of a large post may close only when all of it is taken in.
_IN_STEPS = PresenceOptions(closing=False)
# The vendors that post over HTTP; RADIUS has a port of its own.
DECODERS: Mapping[str, ModuleType] = {
    "freeradius": freeradius,
    "meraki": meraki,
    "mist": mist,
}


class PresenceReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to a batch of observations or logins."""

    status: str = "OK"
    accepted: int
    rejected: list[RejectedItem]


class NothingTaken(NothingAccepted):
    """Every item was rejected; the problem lists them."""

    def __init__(self, answer: PresenceReceipt):
        super().__init__("None of the items could be taken in; see `rejected`.")
        self.answer = answer


async def receive_plain(
    store: Store, organization: str, body: bytes, now: int, read: str, *, lines: bool
) -> PresenceReceipt:
    """Take in a body of `observations` or `logins`; return when it is on disk.

    Raises:
        BodyInvalid: No items can be found in it.
        TooLarge: It has too many items.
        NothingAccepted: Nothing was taken in; has all reasons.
    """
    decode = plain.logins if read == "logins" else plain.observations

    heard = await on_parser(decode, body, now, lines=lines, count_max=BATCH_MAX)
    outcome = await _take_steps(store, organization, heard, now)
    rejected = sorted(
        (
            RejectedItem(one.index, None, list(one.errors))
            for one in (*heard.rejections, *outcome.rejections)
        ),
        key=lambda item: item.index,
    )
    answer = PresenceReceipt(accepted=outcome.observed, rejected=rejected)
    if rejected and not outcome.observed:
        raise NothingTaken(answer)
    return answer


def check_head(
    source_secrets: SourceSecrets, source: Source, headers: Mapping[str, str]
) -> None:
    """Check the head of a post before any of its body is read.

    Raises:
        SourceUnknown: Sources of this kind do not receive posts.
        CredentialsWrong: The head shows that the sender lacks the secret.
    """
    if source.kind not in DECODERS:
        raise SourceUnknown("There is no source at this address.")
    if not DECODERS[source.kind].verify_head(source_secrets.open(source), headers):
        raise CredentialsWrong("The post does not have this source's secret.")


async def check_sender(
    source_secrets: SourceSecrets,
    source: Source,
    headers: Mapping[str, str],
    body: bytes,
) -> None:
    """Check that a vendor's post has its source's secret.

    Raises:
        CredentialsWrong: It does not.
    """
    verify = DECODERS[source.kind].verify
    if not await on_parser(verify, source_secrets.open(source), headers, body):
        raise CredentialsWrong("The post does not have this source's secret.")


async def receive_post(store: Store, source: Source, body: bytes, now: int) -> Outcome:
    """Take in a vendor's post; return when all of it is on disk."""
    heard = await on_parser(DECODERS[source.kind].decode, body, now)
    heard = at_default(source, heard)

    def keep(transaction: Transaction, outcome: Outcome) -> None:
        _conclude(transaction, source, heard, outcome, now)

    return await _take_steps(store, source.organization, heard, now, keep)


async def _take_steps(
    store: Store,
    organization: str,
    heard: SourceBatch,
    now: int,
    then: Callable[[Transaction, Outcome], None] = lambda *_: None,
) -> Outcome:
    """Take in a post in short transactions; `then` runs in the last of them.

    Raises:
        StoreError: The store failed; the steps before stay stored.
    """
    pace = pace_of_steps()
    outcome = Outcome()
    for number, (part, is_last) in enumerate(steps(heard, pace), start=1):

        def work(
            transaction: Transaction,
            part: SourceBatch = part,
            before: Outcome = outcome,
            is_last: bool = is_last,  # noqa: FBT001  bound here
            options: PresenceOptions = LIVE if number == 1 and is_last else _IN_STEPS,
        ) -> Outcome:
            began = time.perf_counter()
            taken = merged(before, observe(transaction, part, now, options))
            if is_last:
                then(transaction, taken)
            pace.take_in(time.perf_counter() - began)
            return taken

        try:
            future = await asyncio.to_thread(store.transaction, organization, work)
            outcome = await asyncio.wrap_future(future)
        except StoreError as error:
            if number == 1:
                raise
            raise type(error)(
                f"{error} A part of the body is stored. Send all of it again; "
                "nothing is stored twice."
            ) from error
    return outcome


def take_in(
    store: Store, source: Source, heard: SourceBatch, now: int
) -> Future[Outcome]:
    """Take in a packet, and keep what was not understood as rejections."""
    heard = at_default(source, heard)

    def work(transaction: Transaction) -> Outcome:
        outcome = observe(transaction, heard, now)
        _conclude(transaction, source, heard, outcome, now)
        return outcome

    return store.transaction(source.organization, work)


def _conclude(
    transaction: Transaction,
    source: Source,
    heard: SourceBatch,
    outcome: Outcome,
    now: int,
) -> None:
    """Keep what was not understood, and note that the source was heard."""
    transaction.last_heard.note({(HeardKind.SOURCE, source.id): now})
    rejections = _undecoded(source, heard, now)
    if rejections := rejections + _unplaced(source, outcome, now):
        transaction.sources.add_rejections(rejections)


def at_default(source: Source, heard: SourceBatch) -> SourceBatch:
    """Add the source's own location, which counts if no other place is known."""
    if source.location is None:
        return heard

    def there(one: observations.Observation) -> observations.Observation:
        reference = msgspec.structs.replace(one.reference, location=source.location)
        return msgspec.structs.replace(one, reference=reference)

    return msgspec.structs.replace(
        heard,
        observations=[there(one) for one in heard.observations],
        logins=[
            msgspec.structs.replace(
                one,
                reference=msgspec.structs.replace(
                    one.reference, location=source.location
                ),
            )
            for one in heard.logins
        ],
    )


def _undecoded(source: Source, heard: SourceBatch, now: int) -> list[StoredRejection]:
    """Return the rejections of items that were not understood, personal data masked."""
    found = [
        StoredRejection(
            source.id,
            now,
            masking.mask_reason(one.reason)[:REASON_LENGTH_MAX],
            masking.mask_body(one.raw),
        )
        for one in heard.rejections[:REJECTIONS_A_POST_MAX]
    ]
    surplus = len(heard.rejections) - len(found)
    if surplus > 0:
        more = f"and {surplus} more in the same post"
        found.append(StoredRejection(source.id, now, more, ""))
    return found


def _unplaced(source: Source, outcome: Outcome, now: int) -> list[StoredRejection]:
    """Return one rejection for each place that is not registered, with a count."""
    reasons = Counter(one.reason for one in outcome.rejections)
    return [
        StoredRejection(
            source.id,
            now,
            masking.mask_place(reason)[:REASON_LENGTH_MAX],
            f"{count} times",
        )
        for reason, count in reasons.most_common(REJECTIONS_A_POST_MAX)
    ]
