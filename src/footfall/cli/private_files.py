"""A user's private files: logins, and where interrupted commands go on."""

import hashlib
import os
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from footfall.errors import Invalid

T = TypeVar("T")


def configuration_file(name: str) -> Path:
    """Return a file of the user's configuration.

    Source: XDG Base Directory Specification
    """
    return _folder("XDG_CONFIG_HOME", ".config") / name


def state_file(command: str, *about: str) -> Path:
    """Return the file in which a command keeps its progress with something."""
    digest = hashlib.blake2b("\0".join(about).encode(), digest_size=8).hexdigest()
    return _folder("XDG_STATE_HOME", ".local/state") / f"{command}-{digest}.json"


def _folder(variable: str, default: str) -> Path:
    named = os.environ.get(variable)
    return (Path(named) if named else Path.home() / default) / "footfall"


def read_private(file: Path, kind: type[T]) -> T | None:
    """Read a file; None if it is not there.

    Raises:
        Invalid: It holds something else.
    """
    try:
        return msgspec.json.decode(file.read_bytes(), type=kind)
    except FileNotFoundError:
        return None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Invalid(f"{file} cannot be used: {error}.") from None


def write_private(file: Path, value: Any) -> None:
    """Write a file whole or not at all; only its owner may read it."""
    import tempfile

    file.parent.mkdir(parents=True, exist_ok=True)
    # mkstemp makes files of mode 0600 with a unique name.
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    written = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(msgspec.json.encode(value) + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        written.replace(file)
    except BaseException:
        written.unlink(missing_ok=True)
        raise
