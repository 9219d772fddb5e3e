"""Private files of a person's: logins, and places to go on from."""

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
    """Return the file in which a command keeps how far it is with something."""
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
    """Write a file that only its owner may read; it is there whole or not at all."""
    import tempfile

    file.parent.mkdir(parents=True, exist_ok=True)
    # mkstemp's files have the mode 0600, and a name that nobody else has.
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
