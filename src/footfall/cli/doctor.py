"""`footfall doctor`."""

import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from footfall import __version__, settings
from footfall.cli.output import opened, print_json, say
from footfall.errors import SecretWrong, SettingInvalid

if TYPE_CHECKING:
    from footfall.store import Store

LIBRARIES = ("apsw", "granian", "litestar", "msgspec")


def doctor(*, store: str | None = None, json: bool = False) -> None:
    """Report versions, settings of the store, sizes, and what is wrong.

    Exits with 1 if something is wrong.

    Example: footfall doctor --store sqlite:footfall.db

    Args:
        store: Where the events are: sqlite:PATH (FOOTFALL_STORE).
        json: Print JSON.
    """
    import importlib.metadata

    from footfall.store import HealthReporting

    chosen = settings.load(os.environ, store=store)
    try:
        with opened(store) as data:
            examined: dict[str, Any] = {"problems": []}
            if isinstance(data, HealthReporting):
                examined = data.check_health()
            if not examined["problems"]:
                examined["problems"] += _sealed_sources(chosen, data)
                examined["problems"] += _sealed_webhooks(chosen, data)
    except (SecretWrong, SettingInvalid) as error:
        from footfall import service

        examined = service.check_health(chosen)
        examined["problems"].append(error.detail)
    else:
        if not chosen.is_postgres:
            examined["problems"] += _secret_problems(chosen.path)
    examined["problems"] += _directory_problems(chosen)
    report: dict[str, object] = {
        "footfall": __version__,
        "python": platform.python_version(),
        "libraries": {name: importlib.metadata.version(name) for name in LIBRARIES},
        "store": examined,
    }
    if json:
        print_json(report)
    else:
        say(_text(report))
    if examined["problems"]:
        sys.exit(1)


def _sealed_sources(chosen: settings.Settings, data: "Store") -> list[str]:
    """Name the sources that receive nothing because their secrets cannot be opened."""
    from footfall import service

    sources = data.sources()
    if not sources:
        return []
    if chosen.secret is None and not (file := _secret_file(chosen.path)).exists():
        return [
            f"{file} is missing: without it, the {len(sources)} sources receive nothing"
        ]
    source_secrets = service.source_secrets(data, settings.signing_secret(chosen))
    return [
        f"source {one.id} ({one.kind}, organization {one.organization}) receives "
        "nothing: its secret was sealed under another FOOTFALL_SECRET; start with that "
        "one, or delete the source and make it again"
        for one in sources
        if not source_secrets.can_open(one)
    ]


def _sealed_webhooks(chosen: settings.Settings, data: "Store") -> list[str]:
    """Name the webhooks that deliver nothing because their secrets cannot be opened."""
    from footfall import service

    organizations = {one.organization for one in data.webhook_versions()}
    if not organizations:
        return []
    if chosen.secret is None and not (file := _secret_file(chosen.path)).exists():
        return [f"{file} is missing: without it, webhooks deliver nothing"]
    hooks = service.webhook_secrets(settings.signing_secret(chosen))
    return [
        f"webhook {one.webhook.id} (organization {organization}) delivers nothing: its "
        "secret was sealed under another FOOTFALL_SECRET; start with that one, or "
        "rotate its secret"
        for organization in sorted(organizations)
        for one in data.read(organization, lambda found: found.webhooks.all())
        if not hooks.can_open(one.webhook)
    ]


def _secret_file(database: Path) -> Path:
    return database.with_name(database.name + ".secret")


def _secret_problems(database: Path) -> list[str]:
    secret = _secret_file(database)
    if secret.exists() and secret.stat().st_mode & 0o077:
        return [f"{secret} can be read by others: chmod 600 {secret}"]
    return []


def _directory_problems(chosen: settings.Settings) -> list[str]:
    """Say why nobody can sign in at the directory."""
    import asyncio

    from footfall import clock, service
    from footfall.flows.accounts.oidc import DirectoryUnreachable

    directory = service.directory(chosen)
    if directory is None:
        return []
    try:
        asyncio.run(directory.check(clock.now()))
    except DirectoryUnreachable as error:
        return [error.detail]
    return []


def _text(report: dict[str, object]) -> str:
    lines = []

    def add(value: object, name: str, depth: int) -> None:
        pad = "  " * depth
        if isinstance(value, dict):
            lines.append(f"{pad}{name}")
            for key, inner in value.items():
                add(inner, key, depth + 1)
        elif isinstance(value, list):
            lines.append(f"{pad}{name}: {'none' if not value else ''}".rstrip())
            lines.extend(f"{pad}  - {item}" for item in value)
        else:
            lines.append(f"{pad}{name}: {value}")

    for name, value in report.items():
        add(value, name, 0)
    return "\n".join(lines)
