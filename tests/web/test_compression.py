"""Pages come packed where the client accepts it, and are the same."""

import gzip
import json

import httpx2
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from footfall.web.compression import ENCODINGS, accepted_encoding
from tests.conftest import event


@pytest.mark.parametrize(
    ("accept", "encoding"),
    [
        ("", None),
        ("identity", None),
        ("br", None),
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("GZIP;Q=1.0", "gzip"),
        ("zstd;q=0.5, gzip;q=0.8", "gzip"),
        ("zstd;q=0, gzip;q=0", None),
        ("*", "zstd"),
        ("*;q=0.1, zstd;q=0", "gzip"),
        ("gzip;q=nonsense", None),
    ],
)
def test_the_best_encoding_that_the_client_accepts_is_chosen(accept, encoding):
    assert accepted_encoding(accept) == encoding


@given(st.text(max_size=60))
def test_any_header_has_an_answer(accept):
    assert accepted_encoding(accept) in (None, *ENCODINGS)


def unpacked(answer: httpx2.Response) -> bytes:
    sent = b"".join(answer.iter_raw())
    encoding = answer.headers.get("Content-Encoding")
    if encoding == "gzip":
        return gzip.decompress(sent)
    if encoding == "zstd":
        return zstandard.ZstdDecompressor().decompress(sent)
    return sent


@pytest.mark.parametrize("size", [20, 2_000])
def test_a_page_is_the_same_in_every_encoding(tenant, size):
    tenant.send([event() for _ in range(2_000)])
    events = {}
    for encoding in ("identity", *ENCODINGS):
        headers = {"Accept-Encoding": encoding}
        with tenant.client.stream(
            "GET", tenant.events_path, params={"size": size}, headers=headers
        ) as answer:
            body = unpacked(answer)
            assert answer.headers.get("Content-Encoding", "identity") == encoding
            assert answer.headers["Vary"] == "Accept, Accept-Encoding"
            assert int(answer.headers["Content-Length"]) <= len(body)
        events[encoding] = json.loads(body)["events"]
    assert len(events["identity"]) == size
    assert events["gzip"] == events["zstd"] == events["identity"]


def test_a_page_of_few_bytes_stays_as_it_is(tenant):
    answer = tenant.client.get(
        tenant.events_path, headers={"Accept-Encoding": "gzip, zstd"}
    )
    assert "Content-Encoding" not in answer.headers
