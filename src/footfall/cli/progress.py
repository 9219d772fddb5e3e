"""Progress bars of long runs."""

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class _RateColumn(ProgressColumn):
    """Items a second, over the whole run."""

    def __init__(self, items: str):
        super().__init__()
        self._items = items

    def render(self, task: Task) -> Text:
        events = task.fields.get("events", task.completed)
        rate = events / task.elapsed if task.elapsed else 0
        return Text(f"{rate:,.0f} {self._items}/s")


def file_bar(items: str = "events") -> Progress:
    """Show bytes read, items a second, time left."""
    return _bar(DownloadColumn(), items)


def span_bar() -> Progress:
    """Show how much of a span is done, and the time left."""
    return _bar(TaskProgressColumn(), None)


def history_bar() -> Progress:
    """Show how much of a span of dates is done, events a second, time left."""
    return _bar(TaskProgressColumn(), "events")


def event_bar(items: str = "events") -> Progress:
    """Show items done, items a second, time left."""
    return _bar(MofNCompleteColumn(), items)


def _bar(done: ProgressColumn, items: str | None) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        done,
        *([] if items is None else [_RateColumn(items)]),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
