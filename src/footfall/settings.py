"""Settings: command line over environment over defaults.

| setting | environment | default |
|---|---|---|
| store | FOOTFALL_STORE | sqlite:footfall.db; or postgresql://… |
| host | FOOTFALL_HOST | 127.0.0.1 |
| port | FOOTFALL_PORT | 8000 |
| secret | FOOTFALL_SECRET | made on first start, in a file beside the database |
| rate | FOOTFALL_RATE | 200 requests a second for each service |
| burst | FOOTFALL_BURST | 2000 requests at once for each service |
| log | FOOTFALL_LOG | json (or console) |
| radius_port | FOOTFALL_RADIUS_PORT | 1813, once there is a RADIUS source |
| observations_days | FOOTFALL_OBSERVATIONS_DAYS | 30, how long observations are kept |
| webhook_allow | FOOTFALL_WEBHOOK_ALLOW | none; networks such as 10.0.0.0/8 |
| limits | FOOTFALL_LIMITS | each server's own; or redis://…, shared |
| workers | FOOTFALL_WORKERS | 1 server process |
| address | FOOTFALL_ADDRESS | none; what people's browsers open, https://HOST |
| oidc_issuer | FOOTFALL_OIDC_ISSUER | none; a directory at which people sign in |
| oidc_client_id | FOOTFALL_OIDC_CLIENT_ID | how that directory knows this footfall |
| oidc_client_secret | FOOTFALL_OIDC_CLIENT_SECRET | none, for a public client |
| oidc_name | FOOTFALL_OIDC_NAME | single sign-on; what the button says |

Each variable also exists with `_FILE` at its end: it names a file with the value.
"""

import contextlib
import ipaddress
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import msgspec

from footfall.errors import SettingInvalid

SECRET_LENGTH_MIN = 32
SECRET_FILE_BYTES_MAX = 4096
PORT_MAX = 65_535
RADIUS_PORT = 1813
RATE_MAX = 1_000_000
DAYS_MAX = 3_650
WORKERS_MAX = 64
LOGS = ("json", "console")
LOOPBACK = ("127.0.0.1", "::1", "localhost")


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Settings(msgspec.Struct, frozen=True):
    """The settings of a footfall process."""

    store: str = "sqlite:footfall.db"
    host: str = "127.0.0.1"
    port: int = 8000
    secret: str | None = None
    rate: int = 200
    burst: int = 2000
    log: str = "json"
    radius_port: int | None = None
    observations_days: int = 30
    limits: str | None = None
    webhook_allow: tuple[Network, ...] = ()
    workers: int = 1
    address: str | None = None
    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: str | None = None
    oidc_name: str = "single sign-on"

    @property
    def is_postgres(self) -> bool:
        """Whether the store is a PostgreSQL database."""
        return self.store.startswith(("postgresql://", "postgres://"))

    @property
    def path(self) -> Path:
        """The database file of an `sqlite:` store."""
        kind, _, path = self.store.partition(":")
        if kind != "sqlite" or not path:
            # What is before the colon only: a database's address may hold a password.
            raise SettingInvalid(
                f"The store {kind[:32]!r} is not known here; give sqlite:PATH"
                " or postgresql://HOST/DATABASE."
            )
        return Path(path)


def load(
    environment: Mapping[str, str],
    *,
    store: str | None = None,
    host: str | None = None,
    port: int | None = None,
    workers: int | None = None,
) -> Settings:
    """Put the settings together; the arguments win over the environment.

    Raises:
        SettingInvalid: A value cannot be used.
    """
    default = Settings()
    numbers = {
        name: _number(name, _read(environment, name), at_most)
        for name, at_most in (
            ("port", PORT_MAX),
            ("rate", RATE_MAX),
            ("burst", RATE_MAX),
            ("radius_port", PORT_MAX),
            ("observations_days", DAYS_MAX),
            ("workers", WORKERS_MAX),
        )
    }
    if port is not None:
        numbers["port"] = _number("port", str(port), PORT_MAX)
    if workers is not None:
        numbers["workers"] = _number("workers", str(workers), WORKERS_MAX)
    log = _read(environment, "log") or default.log
    if log not in LOGS:
        raise SettingInvalid(
            f"The log {log!r} is not known; allowed: {', '.join(LOGS)}."
        )
    given: dict[str, Any] = {
        name: number for name, number in numbers.items() if number is not None
    }
    given |= _oidc(environment)
    settings = Settings(
        store=store or _read(environment, "store") or default.store,
        host=host or _read(environment, "host") or default.host,
        secret=_read(environment, "secret"),
        log=log,
        limits=_limits(_read(environment, "limits")),
        webhook_allow=_networks(_read(environment, "webhook_allow")),
        address=_address(_read(environment, "address")),
        **given,
    )
    if settings.secret is not None and len(settings.secret) < SECRET_LENGTH_MIN:
        raise SettingInvalid(
            f"FOOTFALL_SECRET is too short; at least {SECRET_LENGTH_MIN} characters "
            "are needed."
        )
    if settings.oidc_issuer and not (settings.oidc_client_id and settings.address):
        raise SettingInvalid(
            "FOOTFALL_OIDC_ISSUER needs FOOTFALL_OIDC_CLIENT_ID, and FOOTFALL_ADDRESS: "
            "the directory sends people back to there."
        )
    return settings


def _read(environment: Mapping[str, str], name: str) -> str | None:
    variable = f"FOOTFALL_{name.upper()}"
    file = environment.get(f"{variable}_FILE")
    if file is None:
        return environment.get(variable)
    if variable in environment:
        raise SettingInvalid(f"Both {variable} and {variable}_FILE are set; keep one.")
    try:
        return Path(file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingInvalid(f"{variable}_FILE cannot be read: {error}.") from None


def _limits(address: str | None) -> str | None:
    """Check the address of a Redis; it may hold a password, so no message quotes it."""
    if address and not address.startswith(("redis://", "rediss://")):
        raise SettingInvalid(
            "FOOTFALL_LIMITS is not the address of a Redis: give "
            "redis://HOST:PORT/DATABASE, or rediss:// for TLS."
        )
    return address or None


def _networks(text: str | None) -> tuple[Network, ...]:
    """Read the networks that webhooks may reach beside the internet."""
    names = [name.strip() for name in (text or "").split(",") if name.strip()]
    try:
        return tuple(ipaddress.ip_network(name) for name in names)
    except ValueError as error:
        raise SettingInvalid(
            f"FOOTFALL_WEBHOOK_ALLOW has a wrong network: {error}. Give networks "
            "separated by commas, such as 10.0.0.0/8,fd00::/8."
        ) from None


def _address(text: str | None) -> str | None:
    """Check the address that people's browsers open."""
    if not text:
        return None
    parts = _http_url("address", text)
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise SettingInvalid(
            f"The address {text!r} has a path; the console is at /console of a host: "
            "give https://HOST or https://HOST:PORT."
        )
    return f"{parts.scheme}://{parts.netloc}"


def _oidc(environment: Mapping[str, str]) -> dict[str, str]:
    """Read how people sign in at a directory."""
    names = ("oidc_issuer", "oidc_client_id", "oidc_client_secret", "oidc_name")
    found = {name: _read(environment, name) for name in names}
    issuer = found["oidc_issuer"]
    if issuer:
        parts = _http_url("oidc_issuer", issuer)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise SettingInvalid(
                f"The oidc_issuer {issuer!r} is not https://, which all but this "
                "machine's own need."
            )
    return {name: value for name, value in found.items() if value}


def _http_url(name: str, text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        parts = SplitResult("", "", "", "", "")
    is_wrong = parts.scheme not in ("http", "https") or not parts.hostname
    if is_wrong or parts.username is not None or not text.isprintable():
        shown = "" if "@" in text else f" {text[:64]!r}"  # it may hold a password
        raise SettingInvalid(f"The {name}{shown} is not an https:// URL of a host.")
    return parts


def _number(name: str, text: str | None, at_most: int) -> int | None:
    at_least = 0 if name.endswith("port") else 1
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or not at_least <= int(text) <= at_most:
        raise SettingInvalid(
            f"The {name} {text!r} is not a number from {at_least} to {at_most}."
        )
    return int(text)


def secret_file(settings: Settings) -> Path:
    """Return the file of the secret, used if no secret is set."""
    return settings.path.with_name(settings.path.name + ".secret")


def signing_secret(settings: Settings, first: str | None = None) -> str:
    """Return the secret that signs tokens; the first start makes it and its file.

    The file appears whole or not at all, and only once: of two first starts at the same
    time, the slower reads the file of the faster.

    Args:
        settings: Where it is.
        first: What a first start takes as the secret; by default a random one.

    Raises:
        SettingInvalid: The file cannot be read, written or trusted.
    """
    if settings.secret is not None:
        return settings.secret
    if settings.is_postgres:
        raise SettingInvalid(
            "Set FOOTFALL_SECRET: all servers on a PostgreSQL database sign tokens and "
            "scrolls, and seal keys, with the same secret."
        )
    path = secret_file(settings)
    try:
        if not path.is_symlink() and not path.exists():
            _keep_secret(path, first or secrets.token_urlsafe(48))
        return _read_secret(path)
    except OSError as error:
        raise SettingInvalid(
            f"The signing secret {path} cannot be read or written: {error.strerror}."
        ) from None


def _keep_secret(path: Path, secret: str) -> None:
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}.new")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(f"{secret}\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        temporary.unlink()


def _read_secret(path: Path) -> str:
    """Read a secret's file; refuse one that others could read or guess."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        text = file.read(SECRET_FILE_BYTES_MAX).decode("ascii", "replace").strip()
    if not stat.S_ISREG(status.st_mode) or status.st_mode & 0o077:
        raise SettingInvalid(
            f"The signing secret {path} can be read or changed by others: "
            f"chmod 600 {path}"
        )
    if len(text) < SECRET_LENGTH_MIN or not text.isprintable() or not text.isascii():
        raise SettingInvalid(
            f"The signing secret {path} is damaged: it has {len(text)} characters, at "
            f"least {SECRET_LENGTH_MIN} are needed. Bring it back from a backup: the "
            "keys in the database do not open without it."
        )
    return text
