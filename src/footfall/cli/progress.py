"""How far a long run is."""

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class _RateColumn(ProgressColumn):
    """Events a second, over the whole run."""

    def render(self, task: Task) -> Text:
        events = task.fields.get("events", task.completed)
        rate = events / task.elapsed if task.elapsed else 0
        return Text(f"{rate:,.0f} events/s")


def file_bar() -> Progress:
    """Show bytes read, events a second, time left."""
    return _bar(DownloadColumn())


def event_bar() -> Progress:
    """Show events done, events a second, time left."""
    return _bar(MofNCompleteColumn())


def _bar(done: ProgressColumn) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        done,
        _RateColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
