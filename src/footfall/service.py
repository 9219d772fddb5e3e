"""The composition root: settings in, what a command works with out.

This is the only module that names a store engine or the keys. `server` puts the
running service together; it is apart, as most commands need no web server.
"""

import contextlib
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from footfall import settings
from footfall.errors import SecretWrong, SettingInvalid, StoreError
from footfall.flows.accounts.source_secrets import SourceSecrets
from footfall.flows.copy_store import Copy, resealed, resealed_webhook
from footfall.flows.delivery.manage import Webhooks
from footfall.flows.delivery.secrets import WebhookSecrets
from footfall.runtime.keys import derive_key
from footfall.settings import Settings
from footfall.store import Store
from footfall.store.copying import CopyableStore
from footfall.store.sqlite import SQLiteStore, backups
from footfall.store.sqlite.health import check_file_health
from footfall.store.sqlite.keys import is_sealed

if TYPE_CHECKING:
    from footfall.runtime.oidc import Directory


def open_store(chosen: Settings, *, serving: bool = False) -> Store:
    """Open the store that the settings name; `serving` is for the server itself.

    Raises:
        StoreError: The store cannot be used; see `errors`.
    """
    if chosen.is_postgres:
        # Loaded where it is used: its driver takes as long as all else together.
        from footfall.store.postgres import PostgresStore  # noqa: PLC0415

        key = derive_key(settings.signing_secret(chosen), "store", 64)
        return PostgresStore(chosen.store, key)
    return SQLiteStore(chosen.path, _store_key(chosen, chosen.path), serving=serving)


def _store_key(chosen: Settings, database: Path) -> bytes:
    """Return the key under which the keys in a database are sealed.

    Raises:
        SecretWrong: The keys are sealed, but the secret is missing.
    """
    file = settings.secret_file(chosen)
    if chosen.secret is None and not file.exists() and is_sealed(database):
        raise SecretWrong(
            f"The keys in {database} are sealed under a secret that is missing: bring "
            f"{file} back, or set FOOTFALL_SECRET."
        )
    return derive_key(settings.signing_secret(chosen), "store", 64)


def check_health(chosen: Settings) -> dict[str, Any]:
    """Say how the store is that cannot be opened with the secret that is here."""
    if chosen.is_postgres:
        return {"problems": []}
    return check_file_health(chosen.path)


def backup(chosen: Settings, target: Path) -> None:
    """Copy the store to a new file, also while it is served; see `store.sqlite`."""
    _refuse_postgres(chosen, "back it up with pg_dump or pg_basebackup")
    backups.backup(chosen.path, target)


def restore(
    chosen: Settings, source: Path, *, without_journal: bool = False
) -> Path | None:
    """Put a backup in the store's place; returns where the old one is kept."""
    _refuse_postgres(chosen, "put its backup back with pg_restore")
    return backups.restore(
        source,
        chosen.path,
        _store_key(chosen, source),
        without_journal=without_journal,
    )


def _refuse_postgres(chosen: Settings, instead: str) -> None:
    if chosen.is_postgres:
        raise SettingInvalid(f"The store is a PostgreSQL database: {instead}.")


def source_secrets(store: Store, secret: str) -> SourceSecrets:
    """Return the object that makes sources and opens their secrets."""
    return SourceSecrets(store, derive_key(secret, "source", 64))


def webhook_secrets(secret: str) -> WebhookSecrets:
    """Return the object that makes and opens the secrets of webhooks."""
    return WebhookSecrets(derive_key(secret, "webhook", 64))


def webhooks(store: Store, chosen: Settings) -> Webhooks:
    """Return the object that manages webhooks."""
    secrets = webhook_secrets(settings.signing_secret(chosen))
    return Webhooks(store, secrets, chosen.webhook_allow)


def directory(chosen: Settings) -> "Directory | None":
    """Return the directory at which people sign in, if the settings name one."""
    if not (chosen.oidc_issuer and chosen.oidc_client_id and chosen.address):
        return None
    # Loaded where it is used: most commands need neither HTTP nor OpenID Connect.
    from footfall.runtime.oidc import Directory  # noqa: PLC0415
    from footfall.web.oidc import CALLBACK  # noqa: PLC0415

    return Directory(
        chosen.oidc_issuer,
        chosen.oidc_client_id,
        chosen.oidc_client_secret,
        chosen.address + CALLBACK,
    )


@contextlib.contextmanager
def copying(source: Settings, target: Settings) -> Iterator[Copy]:
    """Open two stores, to copy the first into the second.

    A target that has no secret yet takes that of the source: then tokens and scrolls of
    before hold on.
    """
    with _copyable(source) as original:
        secret = settings.signing_secret(source)
        if target.is_postgres and target.secret is None:
            target = msgspec.structs.replace(target, secret=secret)
        its_secret = settings.signing_secret(target, secret)
        with _copyable(target) as copy:
            reseal = {
                "source": functools.partial(
                    resealed,
                    before=source_secrets(original, secret),
                    after=source_secrets(copy, its_secret),
                ),
                "webhook": functools.partial(
                    resealed_webhook,
                    before=webhook_secrets(secret),
                    after=webhook_secrets(its_secret),
                ),
            }
            yield Copy(original, copy, None if its_secret == secret else reseal)


@contextlib.contextmanager
def _copyable(chosen: Settings) -> Iterator[CopyableStore]:
    store = open_store(chosen)
    try:
        if not isinstance(store, CopyableStore):
            raise StoreError("This store cannot be copied.")
        yield store
    finally:
        store.close()
