"""`footfall copy`."""

import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING

from footfall import clock, settings
from footfall.cli.output import print_json, say, warn
from footfall.errors import NotFound

if TYPE_CHECKING:
    from footfall.flows.copy_store import CopiedOrganization, Copy
    from footfall.settings import Settings


def copy(
    *,
    from_: str,
    to: str,
    organization: list[str] | None = None,
    to_secret_file: Path | None = None,
    json: bool = False,
) -> None:
    """Copy all that a store holds into another one, so that a server can go on there.

    Stop the servers first: nobody may write to either store meanwhile. You may
    interrupt and repeat it: it goes on from where it was. At the end it compares both
    stores, and only then do the events show in the copy.

    Example: footfall copy --from sqlite:footfall.db --to postgresql://db/footfall

    Args:
        from_: The store to copy: sqlite:PATH or postgresql://...; it stays as it is.
        to: The store that gets the copy: a new file, or a database.
        organization: Copy only this organization; repeatable.
        to_secret_file: The file of the copy's own secret, if it is not to have the same
            one. Tokens and scrollIds of before are then no longer valid.
        json: Print JSON.
    """
    from footfall import service

    source = settings.load(os.environ, store=from_)
    if not source.is_postgres and not source.path.exists():
        raise NotFound(f"There is no {source.path}; name another with --from.")
    target = _target(to, to_secret_file)
    with service.copying(source, target) as run:
        run.prepare(clock.now())
        copied = _copy(run, organization or [])
        run.finish()
    if json:
        print_json(copied)
    else:
        for one in copied:
            say(_sentence(one))
    if run.renews_secret:
        warn("The copy has another secret: clients log in and begin scrolls again.")
    elif target.is_postgres and target.secret is None:
        file = settings.secret_file(source)
        warn(f"Start servers on the copy with FOOTFALL_SECRET_FILE={file}")


def _target(store: str, secret_file: Path | None) -> "Settings":
    if secret_file is None:
        return settings.load(os.environ, store=store)
    environment = {**os.environ, "FOOTFALL_SECRET_FILE": str(secret_file)}
    environment.pop("FOOTFALL_SECRET", None)
    return settings.load(environment, store=store)


def _copy(run: "Copy", organizations: list[str]) -> "list[CopiedOrganization]":
    from footfall.cli.progress import event_bar
    from footfall.flows.copy_store import Progress

    copied = []
    with event_bar("rows") as bar:
        for one, rows in run.choose(organizations):
            copying = bar.add_task(f"copying {one.id}", total=rows)
            comparing = bar.add_task(f"comparing {one.id}", total=2 * rows)
            progress = Progress(
                functools.partial(bar.advance, copying),
                functools.partial(bar.advance, comparing),
            )
            copied.append(run.copy(one, progress))
    return copied


def _sentence(one: "CopiedOrganization") -> str:
    if one.before:
        return f"{one.id}: copied before, and the source has not changed since"
    return (
        f"{one.id}: {one.rows} rows are copied and compared, {one.events} of them "
        f"events of {one.days} days"
    )
