"""Import: files of events into the store.

You may run it again after an interruption: stored events are duplicates then. An event
without an id gets one computed from its content and its position in the file, so that
it too is stored once.
"""

import functools
import hashlib
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import msgspec

from footfall.core import bodies, exports
from footfall.errors import BodyInvalid, Invalid
from footfall.flows.events import ingest
from footfall.flows.events.ingest import Batch
from footfall.flows.files import RejectsFile, unpacked
from footfall.flows.write_window import WriteWindow
from footfall.store import Appended, Store

_BATCH = 5_000
_WRITES_MAX = 2
_LINE_BYTES_MAX = 256 * 1024 * 1024


class ImportedEvents(msgspec.Struct, frozen=True):
    """What happened to a file's events."""

    file: str
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0
    rejected_file: str | None = None


def import_file(
    store: Store,
    organization: str,
    path: Path,
    now: int,
    progress: Callable[[int, int], None],
) -> ImportedEvents:
    """Store the events of a file: a whole response, an array or NDJSON, also `.gz`.

    Args:
        store: Where the events go.
        organization: The organization that gets the events.
        path: The file. Rejected events go to `<path>.rejected.ndjson`.
        now: The instant of this import.
        progress: Called with the bytes read and the events done so far.

    Raises:
        Invalid: Nothing in the file can be understood.
        OSError: The file cannot be read.
    """
    rejects = RejectsFile(path)
    done = ImportedEvents(str(path))

    def note(part: _Part, appended: Appended) -> None:
        nonlocal done
        receipt = ingest.receipt(part.batch, appended)
        rejects.add(*(_rejection(one, part) for one in receipt.rejected))
        done = ImportedEvents(
            str(path),
            done.accepted + receipt.accepted,
            done.duplicates + receipt.duplicates,
            rejects.count,
            rejects.name,
        )
        progress(part.read, done.accepted + done.duplicates + done.rejected)

    zone_at = ingest.zones(store, organization)
    window = WriteWindow[Appended](_WRITES_MAX)
    with path.open("rb") as raw:
        first = 0
        for items in _batches(items_of(raw, path)):
            new_id = _ids_from(first)
            known = ingest.find_stored(store, organization, items)
            batch = ingest.read(items, organization, now, new_id, zone_at, known)
            part = _Part(batch, items, first, raw.tell())
            write = store.append(organization, batch.events)
            window.add(write, functools.partial(note, part))
            first += len(items)
        window.drain()
    return done


class _Part(msgspec.Struct, frozen=True):
    """A batch of a file: its items, the position of the first, and the bytes read."""

    batch: Batch
    items: list[bytes]
    first: int
    read: int


def _rejection(rejected: ingest.RejectedItem, part: _Part) -> dict[str, Any]:
    return {
        "index": part.first + rejected.index,
        "id": rejected.id,
        "errors": rejected.errors,
        "event": part.items[rejected.index].decode(errors="replace"),
    }


def items_of(raw: IO[bytes], path: Path) -> Iterator[bytes]:
    """Yield the events of a file: a whole response, an array or NDJSON, also `.gz`.

    Raises:
        Invalid: Nothing in the file can be understood.
    """
    try:
        with unpacked(raw, path) as stream:
            yield from (one for one in _split(stream) if not exports.is_own(one))
    except BodyInvalid as error:
        raise Invalid(f"{path}: {error.detail}") from None


def _split(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the items: line by line if the first line is a JSON value by itself."""
    head = b""
    while not head.strip():
        head = stream.readline(_LINE_BYTES_MAX)
        if not head:
            raise BodyInvalid("The file is empty.")
    try:
        msgspec.json.decode(head)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        if head.strip()[:1] not in b"[{" or _spans_lines(head):
            yield from _whole_or_lines(head + stream.read())
            return
    for line in itertools.chain([head], stream):
        if not line.strip():
            continue
        try:
            yield from bodies.split(line)
        except BodyInvalid:
            yield line.strip()


def _whole_or_lines(body: bytes) -> Iterator[bytes]:
    """Cut a file whose first line is not JSON: one value, or NDJSON with a bad line.

    Raises:
        BodyInvalid: It is neither.
    """
    try:
        yield from bodies.split(body)
    except BodyInvalid:
        lines = bodies.split(body, lines=True)
        if not any(map(_is_object, lines[1:10])):
            raise
        yield from lines


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(line), dict)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False


def _spans_lines(head: bytes) -> bool:
    """Tell whether the first line only begins a value that later lines end."""
    try:
        bodies.split(head)
    except BodyInvalid:
        return True
    return False


def _batches(items: Iterator[bytes]) -> Iterator[list[bytes]]:
    while batch := list(itertools.islice(items, _BATCH)):
        yield batch


def _ids_from(first: int) -> Callable[[bytes, int], str]:
    def new_id(item: bytes, index: int) -> str:
        position = (first + index).to_bytes(8, "big")
        return hashlib.blake2b(item, digest_size=16, key=position).hexdigest()

    return new_id
