"""`footfall export`."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from footfall.cli.output import opened, print_json, say

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from footfall.flows.events.export_file import Progress


def export(  # noqa: PLR0913  each is a flag
    *,
    organization: str,
    output: Path,
    format_: Literal["ndjson", "csv", "parquet"] = "ndjson",
    partition_by: Literal["date"] | None = None,
    contact: str | None = None,
    date_start: str | None = None,
    date_end: str | None = None,
    events: str | None = None,
    sort_by: str | None = None,
    sort_reverse: bool = False,
    raw: bool = False,
    store: str | None = None,
    json: bool = False,
) -> None:
    """Write events to a file: all that match, however many.

    The file appears once it is whole. You may interrupt and repeat it: it goes on from
    where it was. Parquet needs pip install 'footfall[parquet]'.

    Example: footfall export --organization ID --output events.ndjson

    Example: footfall export --organization ID --output events --format parquet
    --partition-by date --date-start 2026-01-01

    Args:
        organization: The organization's id.
        output: The file; with --partition-by a folder. It must not exist.
        format_: ndjson, csv or parquet.
        partition_by: date: a file for each day, by the venue's clock.
        contact: Only this contact's events.
        date_start: Only events at or after this instant or date.
        date_end: Only events at or before this instant or date.
        events: Only these types, separated by commas.
        sort_by: businessTime, utcTime or receivedTime.
        sort_reverse: Newest first.
        raw: Keep text in CSV as it is, even if a spreadsheet takes it for a formula.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
        json: Print JSON.
    """
    from footfall.cli.progress import event_bar
    from footfall.core.exports import parse_export
    from footfall.flows.events.export_file import Shape, export_file
    from footfall.flows.events.export_tables import Kind

    given = {"dateStart": date_start, "dateEnd": date_end, "events": events}
    given |= {"sortBy": sort_by, "sortReverse": str(sort_reverse)}
    parameters = {name: [value] for name, value in given.items() if value is not None}
    query = parse_export(organization, contact, parameters).query
    shape = Shape(Kind(format_), by_date=partition_by is not None, raw=raw)
    with opened(store) as data, event_bar() as bar:
        count = export_file(data, query, output, shape, _shown_on(bar))
    if json:
        print_json({"file": str(output), "events": count})
    else:
        say(f"{output}: {count} events")


def _shown_on(bar: "Bar") -> "Progress":
    from footfall.flows.events.export_file import Progress

    reading = bar.add_task("reading", total=None)
    writing: list[TaskID] = []

    def read(count: int, total: int | None) -> None:
        bar.update(reading, completed=count, total=total)

    def wrote(count: int) -> None:
        if not writing:
            writing.append(bar.add_task("writing", total=bar.tasks[0].completed))
        bar.update(writing[0], completed=count)

    return Progress(read, wrote)
