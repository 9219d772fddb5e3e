"""`footfall backup` and `footfall restore`."""

import os
from pathlib import Path

from footfall import settings
from footfall.cli.output import say


def backup(file: Path, *, store: str | None = None) -> None:
    """Copy the store to a new file, even while a server uses it.

    The copy is one state of the store: all that arrived up to some moment. It does not
    hold the secret (footfall.db.secret): keep that too, or the copy does not open.

    Example: footfall backup /backups/footfall-2026-11-23.db

    Args:
        file: The new file.
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
    """
    from footfall import service
    from footfall.errors import NotFound

    chosen = settings.load(os.environ, store=store)
    if not chosen.path.exists():
        raise NotFound(f"There is no {chosen.path}; name another with --store.")
    service.backup(chosen, file)
    say(f"{file}: {file.stat().st_size} bytes")


def restore(
    file: Path, *, store: str | None = None, without_journal: bool = False
) -> None:
    """Put a backup in the store's place; the old store is kept.

    Stop the server first. Contacts that were erased since the backup stay erased, and
    services and tokens that were revoked stay revoked: the journal beside the store
    (footfall.db.erasures) lists them.

    Example: footfall restore /backups/footfall-2026-11-23.db

    Args:
        file: The backup.
        store: The store to replace: sqlite:PATH (FOOTFALL_STORE).
        without_journal: Restore even if the journal is lost. Contacts, services and
            tokens that were erased or revoked since the backup then come back.
    """
    from footfall import service

    chosen = settings.load(os.environ, store=store)
    kept = service.restore(chosen, file, without_journal=without_journal)
    say(f"{chosen.path} is restored from {file}.")
    if kept is not None:
        say(f"The old store is kept as {kept}.")
