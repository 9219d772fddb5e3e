"""Files: read them, packed or not, and keep what is rejected."""

import contextlib
import csv
import fcntl
import gzip
import io
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import msgspec

from footfall.errors import AlreadyExists, Invalid


@contextlib.contextmanager
def unpacked(raw: IO[bytes], path: Path) -> Iterator[IO[bytes]]:
    """Read a file, through gzip if its name ends in `.gz`.

    Raises:
        Invalid: It is not a whole gzip file.
    """
    is_packed = path.suffix == ".gz"
    try:
        yield io.BufferedReader(gzip.GzipFile(fileobj=raw)) if is_packed else raw
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise Invalid(f"{path} is not a whole gzip file: {error}.") from None


@contextlib.contextmanager
def csv_rows(raw: IO[bytes], path: Path) -> Iterator["csv.DictReader[str]"]:
    """Read a CSV file with a header, also `.gz`.

    Raises:
        Invalid: It is not CSV in UTF-8.
    """
    with unpacked(raw, path) as stream:
        text = io.TextIOWrapper(stream, "utf-8-sig", newline="")
        try:
            yield csv.DictReader(text)
        except (csv.Error, UnicodeDecodeError) as error:
            raise Invalid(f"{path} is not CSV in UTF-8: {error}.") from None
        finally:
            text.detach()  # so that `text` does not close the file: its opener does


@contextlib.contextmanager
def part_locked(part: Path) -> Iterator[IO[bytes]]:
    """Open a file that is not whole yet, to read it and to append to it, alone.

    Raises:
        AlreadyExists: Another run writes it now.
    """
    with part.open("ab+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyExists(f"Another run writes {part} now.") from None
        try:
            yield file
        except BaseException:
            if not os.fstat(file.fileno()).st_size:
                part.unlink()  # it failed before it began
            raise


def synced(file: IO[bytes]) -> None:
    """Bring what was written to the disk."""
    file.flush()
    os.fsync(file.fileno())


class RejectsFile:
    """Keeps the rejected items of a file, with reasons: `<path>.rejected.ndjson`."""

    def __init__(self, path: Path, *, goes_on: bool = False):
        """Delete an old file; the new one appears with the first rejection.

        Args:
            path: What is read.
            goes_on: Keep the file of a run that this one goes on with.
        """
        self._path = path.with_name(path.name + ".rejected.ndjson")
        if not goes_on:
            self._path.unlink(missing_ok=True)
        self.count = 0

    @property
    def name(self) -> str | None:
        """The path; None if nothing was rejected."""
        return str(self._path) if self.count else None

    def add(self, *rejections: dict[str, Any]) -> None:
        """Append these rejections."""
        if not rejections:
            return
        self.count += len(rejections)
        with self._path.open("ab") as file:
            file.writelines(msgspec.json.encode(one) + b"\n" for one in rejections)
