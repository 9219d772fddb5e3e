"""`footfall events …`: an organization's events over the API, one JSON a line."""

import contextlib
import itertools
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter

from footfall.cli.login import connected
from footfall.cli.output import print_json, say, warn
from footfall.cli.private_files import read_private, write_private
from footfall.errors import NothingAccepted

if TYPE_CHECKING:
    from footfall.client import Event

_STDIN = "-"


class SyncState(msgspec.Struct):
    """Where `footfall events sync` continues; `after` is the token of the API."""

    after: str


def list_events(  # noqa: PLR0913  each is a flag
    *,
    organization: str | None = None,
    date_start: str | None = None,
    date_end: str | None = None,
    events: str = "",
    customer_id: str | None = None,
    sort_by: str | None = None,
    sort_reverse: bool = False,
    limit: int | None = None,
) -> None:
    """Print events, all that match, as one JSON a line.

    Example: footfall events list --events visit --date-start 2026-11-01 > visits.ndjson

    Args:
        organization: The organization's id; by default that of the newest login.
        date_start: From this instant or date on.
        date_end: Up to this instant or date.
        events: Only these types, separated by commas.
        customer_id: Only this contact's.
        sort_by: businessTime (default), utcTime or receivedTime.
        sort_reverse: Newest first.
        limit: At most so many.
    """
    with connected(organization) as client:
        found = client.events.list(
            date_start=date_start,
            date_end=date_end,
            types=events,
            contact=customer_id,
            sort_by=sort_by,
            sort_reverse=sort_reverse,
        )
        _write(itertools.islice(found, limit))


def tail(
    *,
    organization: str | None = None,
    events: str = "",
    locations: str = "",
    customer_id: str | None = None,
    after: int | None = None,
) -> None:
    """Print events as they arrive, as one JSON a line, until Ctrl-C.

    Example: footfall events tail --events arriving,visit

    Args:
        organization: The organization's id; by default that of the newest login.
        events: Only these types, separated by commas.
        locations: Only of these locations, by their ids, separated by commas.
        customer_id: Only this contact's.
        after: From this position in the log of arrivals on; 0 is the beginning.
    """
    with connected(organization) as client:
        stream = client.events.stream(
            after=after, types=events, locations=locations, contact=customer_id
        )
        for event in stream:
            _write([event])


def sync(*, state: Path, organization: str | None = None) -> None:
    """Print what arrived since the last time, and keep the position.

    The first time that is all there is. The position moves on when the output is
    written: after a crash some events come again, and none is missing. An event with
    "withdrawn": true takes back the one with its id.

    Example: footfall events sync --state harbour.state >> harbour.ndjson

    Args:
        state: The file that keeps the position.
        organization: The organization's id; by default that of the newest login.
    """
    kept = read_private(state, SyncState)
    with connected(organization) as client:
        for part in client.events.sync_pages(None if kept is None else kept.after):
            _write(part.events)
            # This syncs a file to disk; a pipe cannot be synced.
            with contextlib.suppress(OSError):
                os.fsync(sys.stdout.fileno())
            write_private(state, SyncState(part.token))


def send(
    file: Annotated[Path, Parameter(allow_leading_hyphen=True)],
    *,
    organization: str | None = None,
    json: bool = False,
) -> None:
    """Send events: NDJSON, an array, or a response of the API, also .gz.

    You may repeat it: each event with an id is stored once. Rejected events are printed
    to stderr with the reasons.

    Example: footfall events send history.ndjson.gz

    Args:
        file: The file; - is standard input.
        organization: The organization's id; by default that of the newest login.
        json: Print JSON.
    """
    from footfall.client.errors import ArgumentInvalid
    from footfall.flows.events.import_file import items_of

    with connected(organization) as client, _opened(file) as stream:
        name = Path("standard input") if str(file) == _STDIN else file
        receipt = client.events.send(items_of(stream, name))
    for one in receipt.rejected:
        warn(msgspec.json.encode(one).decode())
    if json:
        print_json(receipt)
    else:
        say(
            f"{receipt.accepted} stored, {receipt.duplicates} already there, "
            f"{len(receipt.rejected)} rejected"
        )
    if receipt.rejected and not receipt.accepted + receipt.duplicates:
        raise NothingAccepted("Nothing was stored; the reasons are above.")
    if receipt.rejected:
        raise ArgumentInvalid("Some events were rejected; the reasons are above.")


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[IO[bytes]]:
    if str(file) == _STDIN:
        yield sys.stdin.buffer
    else:
        with file.open("rb") as stream:
            yield stream


def _write(events: Iterable["Event"]) -> None:
    """Write events to stdout, each on a line, and hand them over."""
    if sys.stdout.isatty():
        for event in events:
            say(event.raw.decode())
    else:
        sys.stdout.buffer.writelines(event.raw + b"\n" for event in events)
    sys.stdout.flush()
