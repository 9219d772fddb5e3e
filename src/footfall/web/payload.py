"""Payloads: the bytes of a request, within their limits."""

import asyncio
import zlib
from collections.abc import Iterator
from typing import Any

import zstandard
from litestar import Request
from litestar.exceptions import InternalServerException

from footfall.errors import BodyBrokenOff, BodyInvalid, BodyTooSlow, TooLarge

LINES = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl"})
BODY_BYTES_MAX = 32 * 1024 * 1024
BODY_WITHIN_S = 60
_ZSTD_WINDOW_MAX = 32 * 1024 * 1024
# A block of 4 bytes can unpack to 128 KiB; so little input keeps each step small.
_ZSTD_STEP = 1024


def is_lines(request: Request[Any, Any, Any]) -> bool:
    """Tell whether the body is NDJSON."""
    kind = request.headers.get("content-type", "").partition(";")[0]
    return kind.strip().lower() in LINES


async def read_payload(
    request: Request[Any, Any, Any], size_max: int = BODY_BYTES_MAX
) -> bytes:
    """Read and unpack the body.

    Raises:
        TooLarge: It is over `size_max`, packed or unpacked.
        BodyTooSlow: It did not arrive in time.
        BodyBrokenOff: The client hung up, or sent malformed chunks.
        BodyInvalid: It is packed in an unknown way, or cut off.
    """
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > size_max:
        raise _too_large(size_max)
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            body = await _read_all(request, size_max)
    except TimeoutError:
        raise BodyTooSlow(
            f"The body did not arrive within {BODY_WITHIN_S} s."
        ) from None
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("", "identity"):
        return bytes(body)
    if encoding not in ("gzip", "x-gzip", "zstd"):
        raise BodyInvalid(
            f"The Content-Encoding {encoding[:64]!r} is not known; "
            "allowed: gzip, zstd, identity."
        )
    unpack = _zstd if encoding == "zstd" else _gzip
    return await asyncio.to_thread(_unpacked, unpack(bytes(body), size_max), size_max)


async def _read_all(request: Request[Any, Any, Any], size_max: int) -> bytearray:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > size_max:
                raise _too_large(size_max)
    except InternalServerException:
        # So the framework calls a client that hung up or sent malformed chunks.
        raise BodyBrokenOff(
            "The body broke off, or its chunks are malformed."
        ) from None
    return body


def _unpacked(parts: Iterator[bytes], size_max: int) -> bytes:
    body = bytearray()
    for part in parts:
        body += part
        if len(body) > size_max:
            raise _too_large(size_max)
    return bytes(body)


def _gzip(data: bytes, size_max: int) -> Iterator[bytes]:
    """Unpack one gzip member after another."""
    while data:
        member = zlib.decompressobj(wbits=31)
        try:
            yield member.decompress(data, size_max + 1)
        except zlib.error as error:
            raise BodyInvalid(f"The body is not gzip: {error}.") from None
        if not member.eof:
            raise (
                _cut_off("gzip") if not member.unconsumed_tail else _too_large(size_max)
            )
        data = member.unused_data


def _zstd(data: bytes, _size_max: int) -> Iterator[bytes]:
    """Unpack one zstd frame after another."""
    packed = memoryview(data)
    frame = None
    for start in range(0, len(packed), _ZSTD_STEP):
        step = bytes(packed[start : start + _ZSTD_STEP])
        while step:
            if frame is None:
                decompressor = zstandard.ZstdDecompressor(
                    max_window_size=_ZSTD_WINDOW_MAX
                )
                frame = decompressor.decompressobj()
            try:
                yield frame.decompress(step)
            except zstandard.ZstdError as error:
                raise BodyInvalid(f"The body is not zstd: {error}.") from None
            step = frame.unused_data if frame.eof else b""
            if frame.eof:
                frame = None
    if frame is not None:
        raise _cut_off("zstd")


def _cut_off(kind: str) -> BodyInvalid:
    return BodyInvalid(f"The body is {kind} that was cut off; send it again in whole.")


def _too_large(size_max: int) -> TooLarge:
    return TooLarge(f"The body is over {size_max} bytes; send it in parts.")
