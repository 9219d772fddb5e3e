"""Copy: all that a store holds into another one, so that a server can go on there.

An organization is copied table by table, in batches. Each is one transaction that also
notes how far the copy is, so one that was killed goes on from there. Then both stores
are read again and compared. Only the last step gives the copied organizations the state
of the originals, and shows their events.

Nobody may write to the source meanwhile: what cannot be noticed at once is found by the
comparison, and the copy is refused.
"""

import functools
import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future

import msgspec

from footfall.core.instants import DAY, format_instant
from footfall.errors import (
    AlreadyExists,
    OrganizationUnknown,
    SourceUnknown,
    StoreError,
    WebhookUnknown,
)
from footfall.flows.accounts.source_secrets import SourceSecrets
from footfall.flows.delivery.secrets import WebhookSecrets
from footfall.store import Organization
from footfall.store.copying import (
    BEFORE,
    CopyableStore,
    OrganizationState,
    Place,
    Row,
    place_of,
)
from footfall.store.transaction import Source
from footfall.store.webhooks import Webhook

BATCH_ROWS = 5_000
BATCH_BYTES = 8 * 1024 * 1024


class Mark(msgspec.Struct, frozen=True):
    """How far the copy of an organization is, as the target notes it.

    Attributes:
        state: The organization in its source when the copy began.
        table: The table that is being copied.
        place: The place of the last row of it that was copied.
        rows: How many rows were copied in all.
        complete: Whether all is copied and compared.
    """

    state: OrganizationState
    table: str
    place: Place
    rows: int = 0
    complete: bool = False


class CopiedOrganization(msgspec.Struct, frozen=True):
    """What became of an organization.

    Attributes:
        id: Its id.
        rows: How many rows it has, in all tables.
        events: How many events, withdrawals too.
        days: On how many days.
        before: Whether it was copied whole before.
    """

    id: str
    rows: int
    events: int = 0
    days: int = 0
    before: bool = False


class Progress:
    """What is told while a copy goes on; both take the number of rows of a step."""

    def __init__(self, copied: Callable[[int], None], compared: Callable[[int], None]):
        self.copied = copied
        self.compared = compared


class Copy:
    """A copy from one store into another."""

    def __init__(
        self,
        source: CopyableStore,
        target: CopyableStore,
        reseal: Mapping[str, Callable[[Row], Row]] | None = None,
    ):
        """Name the stores.

        Args:
            source: What is copied.
            target: Where to.
            reseal: Makes a row of such a table one that opens in the target, where
                that has another secret.
        """
        self._source = source
        self._target = target
        self._reseal = reseal
        # Those that equal their source, and wait for the last step.
        self._compared: list[tuple[str, Mark]] = []

    @property
    def renews_secret(self) -> bool:
        """Whether the target has another secret: tokens and scrolls begin again."""
        return self._reseal is not None

    def prepare(self, now: int) -> None:
        """Make sure that no server works on either store; complete erasures.

        Raises:
            StoreError: One does.
        """
        for name, store in (("source", self._source), ("target", self._target)):
            if store.is_served(now):
                raise StoreError(
                    f"A server works on the {name}: stop it first. One that was killed "
                    "counts for ten more seconds."
                )
        self._source.finish_erasures().result()

    def choose(self, wanted: Iterable[str]) -> list[tuple[Organization, int]]:
        """Return the organizations to copy, with their rows; of none named, all.

        Raises:
            OrganizationUnknown: One that was named is not there.
        """
        there, named = self._source.organizations(), set(wanted)
        for name in sorted(named - {one.id for one in there}):
            raise OrganizationUnknown(f"There is no organization {name} in the source.")
        chosen = [one for one in there if not named or one.id in named]
        return [(one, self._source.count_rows(one.id)) for one in chosen]

    def copy(
        self, organization: Organization, progress: Progress
    ) -> CopiedOrganization:
        """Copy an organization, or what is left of it; `finish` makes it show.

        Raises:
            AlreadyExists: The target has one of its id that is no copy of this one.
            StoreError: The source has changed, or the copy does not equal it.
        """
        own = self._source.copy_mark(organization.id)
        if own is not None and not _read(own).complete:
            raise StoreError(
                f"Organization {organization.id} is itself a copy that is not complete."
            )
        state = self._source.state_of(organization.id)
        mark = self._begin(organization, state)
        if mark.complete:
            return CopiedOrganization(organization.id, mark.rows, before=True)
        progress.copied(mark.rows)
        mark = self._fill(organization.id, mark, progress)
        found = self._compare(organization.id, progress)
        self._compared.append((organization.id, mark))
        return CopiedOrganization(
            organization.id,
            mark.rows,
            sum(count for (table, _), (count, _) in found.items() if table == "log"),
            sum(table == "log" for table, _ in found),
        )

    def finish(self) -> None:
        """Show the organizations that were copied and equal their source.

        Raises:
            StoreError: One has changed in the source meanwhile.
        """
        if not self._compared:
            return
        self._target.settle_copies().result()
        for organization, mark in self._compared:
            if self._source.state_of(organization) != mark.state:
                raise _changed(organization)
            done = msgspec.structs.replace(mark, complete=True)
            self._target.end_copy(organization, mark.state, _written(done)).result()
        self._compared.clear()

    def _begin(self, organization: Organization, state: OrganizationState) -> Mark:
        """Return how far the copy is; of a new one, begin it."""
        try:
            noted = self._target.copy_mark(organization.id)
        except OrganizationUnknown:
            table = next(iter(BEFORE))
            mark = Mark(state, table, BEFORE[table])
            tokens = self._source.revoked_tokens()
            self._target.begin_copy(organization, tokens, _written(mark)).result()
            return mark
        known = None if noted is None else _read(noted)
        if known is None or known.state.store != state.store:
            raise AlreadyExists(
                f"The target has an organization {organization.id} that is no copy of "
                "this one: copy into another store."
            )
        if known.state != state:
            raise _changed(organization.id)
        return known

    def _fill(self, organization: str, mark: Mark, progress: Progress) -> Mark:
        """Copy the rows that are left."""
        tables = list(BEFORE)
        for table in tables[tables.index(mark.table) :]:
            after = mark.place if table == mark.table else BEFORE[table]
            # While the target writes a batch, the next one is read.
            waiting: Future[None] | None = None
            for rows in _batches(self._rows(organization, table, after)):
                mark = msgspec.structs.replace(
                    mark,
                    table=table,
                    place=place_of(table, rows[-1]),
                    rows=mark.rows + len(rows),
                )
                if waiting is not None:
                    waiting.result()
                waiting = self._target.add_rows(
                    organization, table, rows, _written(mark)
                )
                progress.copied(len(rows))
            if waiting is not None:
                waiting.result()
        return mark

    def _rows(self, organization: str, table: str, after: Place) -> Iterator[Row]:
        """Read rows of the source as the target will have them."""
        rows = self._source.rows_of(organization, table, after)
        reseal = None if self._reseal is None else self._reseal.get(table)
        return rows if reseal is None else map(reseal, rows)

    def _compare(
        self, organization: str, progress: Progress
    ) -> dict[tuple[str, int], tuple[int, int]]:
        """Compare all rows; returns the counts and checksums by table and day.

        Raises:
            StoreError: They are not the same.
        """
        wanted = _checksums(
            functools.partial(self._rows, organization), progress.compared
        )
        found = _checksums(
            functools.partial(self._target.rows_of, organization), progress.compared
        )
        for table, day in sorted(wanted.keys() | found.keys()):
            one, other = (some.get((table, day), (0, 0)) for some in (wanted, found))
            if one != other:
                when = f" of {format_instant(day * DAY)[:10]}" if table == "log" else ""
                raise StoreError(
                    f"The copy of organization {organization} is not the same: its "
                    f"{table}{when} has {one[0]} rows in the source, {other[0]} in the "
                    "target. If somebody wrote to either store, stop that, and copy "
                    "into an empty store."
                )
        return wanted


def resealed(row: Row, before: SourceSecrets, after: SourceSecrets) -> Row:
    """Return the row of a source with its secret sealed under another key.

    One that nobody can open stays as it is; `footfall doctor` names it.
    """
    *head, body = row
    source = msgspec.json.decode(body, type=Source)
    try:
        sealed = after.seal(source.id, before.open(source))
    except SourceUnknown:
        return row
    changed = msgspec.structs.replace(source, secret=sealed)
    return *head, msgspec.json.encode(changed)


def resealed_webhook(row: Row, before: WebhookSecrets, after: WebhookSecrets) -> Row:
    """Return the row of a webhook with its secrets sealed under another key.

    One that nobody can open stays as it is.
    """
    number, name, version, body, state = row
    webhook = msgspec.json.decode(body, type=Webhook)
    try:
        body = msgspec.json.encode(after.reseal(webhook, before))
    except WebhookUnknown:
        return row
    return number, name, version, body, state


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """Cut rows into batches that fit into memory."""
    batch: list[Row] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += sum(len(value) for value in row if isinstance(value, bytes))
        if len(batch) == BATCH_ROWS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _checksums(
    read: Callable[[str, Place], Iterator[Row]], progress: Callable[[int], None]
) -> dict[tuple[str, int], tuple[int, int]]:
    """Return the count and the checksum of rows by table, of the log by day too.

    The sum of the rows' digests: engines may order texts differently.
    """
    counts: defaultdict[tuple[str, int], int] = defaultdict(int)
    sums: defaultdict[tuple[str, int], int] = defaultdict(int)
    for table, before in BEFORE.items():
        read_rows = 0
        for read_rows, row in enumerate(read(table, before), 1):
            key = table, row[3] // DAY if table == "log" else 0
            data = msgspec.msgpack.encode(row)
            counts[key] += 1
            sums[key] += int.from_bytes(hashlib.blake2b(data, digest_size=16).digest())
            if read_rows % BATCH_ROWS == 0:
                progress(BATCH_ROWS)
        progress(read_rows % BATCH_ROWS)
    return {key: (counts[key], sums[key]) for key in counts}


def _read(mark: bytes) -> Mark:
    return msgspec.msgpack.decode(mark, type=Mark)


def _written(mark: Mark) -> bytes:
    return msgspec.msgpack.encode(mark)


def _changed(organization: str) -> StoreError:
    return StoreError(
        f"Organization {organization} has changed in the source since its copy began: "
        "stop the servers, and copy into an empty store."
    )
