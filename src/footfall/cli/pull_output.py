"""`footfall pull --output`: a history into a file, without a store."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from footfall.cli.private_files import read_private, state_file, write_private

if TYPE_CHECKING:
    from footfall.client import Client
    from footfall.client.events import Event
    from footfall.client.readers import HistoryPosition
    from footfall.flows.events.pull_file import HistoryItem

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Show = Callable[["HistoryPosition", int], None]


class OutputState(msgspec.Struct):
    """How far a history is in a file.

    Attributes:
        file: A `FilePosition`.
        since: The date of the last event.
        scroll_id: The scroll to go on with.
    """

    file: msgspec.Raw
    since: str | None = None
    scroll_id: str | None = None


def pull_output(
    client: "Client",
    about: tuple[str, str],
    target: Path,
    asked: tuple[str | None, int],
    show: Show,
) -> int:
    """Write an account's history to a file; return how many events it has.

    Args:
        client: Of the account.
        about: The other server's address, and the organization.
        target: The file.
        asked: From which date on, and how many events in a request.
        show: Told how far it is.
    """
    from footfall.client.readers import HistoryPosition
    from footfall.flows.events.pull_file import FilePosition, pull_file

    date_start, page_size = asked
    state = state_file("pull", *about, "to", str(target.resolve()), date_start or "")
    kept = read_private(state, OutputState)
    start, known = None, FilePosition()
    if kept is not None:
        start = HistoryPosition(kept.since, kept.scroll_id)
        known = msgspec.json.decode(kept.file, type=FilePosition)

    def pages(
        position: FilePosition,
    ) -> Iterable[tuple[list["HistoryItem"], HistoryPosition]]:
        goes_on = start if position == known else None  # else what was there is gone
        for part in client.events.history(
            goes_on, date_start=date_start, page_size=page_size
        ):
            yield [_item(event) for event in part.events], part.position

    def note(at: HistoryPosition, position: FilePosition) -> None:
        raw = msgspec.Raw(msgspec.json.encode(position))
        write_private(state, OutputState(raw, at.since, at.scroll_id))
        show(at, position.count)

    done = pull_file(target, known, pages, note)
    state.unlink(missing_ok=True)
    return done.count


def _item(event: "Event") -> "HistoryItem":
    from footfall.client.errors import EventUnreadable
    from footfall.flows.events.pull_file import HistoryItem

    try:
        name, at = event.id, (event.created_at - _EPOCH) // timedelta(microseconds=1)
    except EventUnreadable:
        return HistoryItem(event.raw, "", None)
    return HistoryItem(event.raw, name, at)
