import gzip
import json
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from tests.conftest import event


def post(tenant, body, **headers):
    headers = {k.replace("_", "-"): v for k, v in headers.items()}
    return tenant.client.post(tenant.events_path, content=body, headers=headers)


FORMS: dict[str, Callable[[list[Any]], str]] = {
    "one": lambda made: json.dumps(made[0]),
    "array": json.dumps,
    "envelope": lambda made: json.dumps({"events": made}),
    "lines": lambda made: "\n".join(map(json.dumps, made)),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("encoding", ["identity", "gzip", "zstd"])
def test_every_form_is_taken_plain_and_packed(tenant, form, encoding):
    made = [event(f"id-{n}") for n in range(1 if form == "one" else 3)]
    body = FORMS[form](made).encode()
    packed = {
        "identity": body,
        "gzip": gzip.compress(body),
        "zstd": zstandard.compress(body),
    }[encoding]
    kind = "application/x-ndjson" if form == "lines" else "application/json"
    answer = post(tenant, packed, content_type=kind, content_encoding=encoding)
    assert answer.status_code == 201
    assert answer.json() == {
        "status": "OK",
        "accepted": len(made),
        "duplicates": 0,
        "rejected": [],
    }
    assert tenant.ids() == [e["event"]["id"] for e in made]


# A body of an unknown length, in chunks, goes through the framework.
SENT = {
    "stored": ("events", json.dumps(event("a")), {}),
    "lines": (
        "events",
        json.dumps(event("a")),
        {"content-type": "application/x-ndjson"},
    ),
    "nothing stored": ("events", '{"event": {"type": "no such"}}', {}),
    "not JSON": ("events", "{", {}),
    "no token": ("events", "{}", {"authorization": ""}),
    "another encoding": ("events", "{}", {"content-encoding": "br"}),
    "observations": ("observations", '{"device": "0c8ddb0000aa", "hotspot": "h"}', {}),
    "logins": ("logins", '{"email": "ann@example.com", "hotspot": "h"}', {}),
}


@pytest.mark.parametrize("case", SENT)
def test_a_small_body_is_answered_on_the_fast_path_as_in_the_framework(tenant, case):
    resource, body, headers = SENT[case]
    url = f"/v1/organizations/{tenant.id}/{resource}"
    answers = []
    for content in (body.encode(), iter([body.encode()])):
        answer = tenant.client.post(
            url, content=content, headers={"x-request-id": "same", **headers}
        )
        again = re.sub(rb'"(accepted|duplicates)":[01]', b"", answer.content)
        varying = ("content-length", "date", "connection")
        kept = {n: v for n, v in answer.headers.items() if n not in varying}
        answers.append((answer.status_code, kept, again))
    assert answers[0] == answers[1]


def test_two_gzip_members_and_two_zstd_frames_are_one_body(tenant):
    halves = [json.dumps([event("a")])[:30], json.dumps([event("a")])[30:]]
    for name, pack in (("gzip", gzip.compress), ("zstd", zstandard.compress)):
        body = b"".join(pack(half.encode()) for half in halves)
        assert post(tenant, body, content_encoding=name).status_code == 201


def test_sending_again_is_a_duplicate_for_good(tenant):
    made = [event() for _ in range(3)]
    assert tenant.send(made).json()["accepted"] == 3
    again = tenant.send(made)
    assert again.status_code == 201
    assert (again.json()["accepted"], again.json()["duplicates"]) == (0, 3)
    assert len(tenant.ids()) == 3


def test_other_content_under_an_id_is_rejected_as_a_conflict(tenant):
    tenant.send(event("id", extra=1))
    answer = tenant.send([event(), event("id", extra=2)])
    assert answer.status_code == 201
    [rejected] = answer.json()["rejected"]
    assert (rejected["index"], rejected["id"]) == (1, "id")
    assert rejected["errors"][0]["field"] == "event.id"


def test_a_batch_with_rejections_and_nothing_accepted_is_a_409(tenant):
    answer = tenant.send([event(customerId=""), {"event": 1}])
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    rejected = answer.json()["rejected"]
    assert [r["index"] for r in rejected] == [0, 1]
    assert all(r["errors"] for r in rejected)


BAD_ITEMS = {
    "not JSON": b"{nope}",
    "wrong types": b'{"customerId":1,"event":[]}',
    "unknown type": b'{"customerId":"c","event":{"type":"arived"}}',
    "year 0": b'{"customerId":"c","event":{"type":"login"},'
    b'"when":{"createdAt":"0000-01-01T00:00:00Z"}}',
    "year 10000": b'{"customerId":"c","event":{"type":"login"},'
    b'"when":{"createdAt":"10000-01-01T00:00:00Z"}}',
    "local without zone": b'{"customerId":"c","event":{"type":"login"},'
    b'"when":{"createdAtLocal":"2026-01-01T00:00:00Z"}}',
    "lone surrogate": b'{"customerId":"\\ud800","event":{"type":"login"}}',
    "not UTF-8": b'{"customerId":"\xff","event":{"type":"login"}}',
    "id of another form": b'{"customerId":"c","event":{"type":"login","id":7}}',
    "nested 10,000 deep": b"[" * 10_000 + b"]" * 10_000,
    "null": b"null",
}


# Without a whole array, its other items cannot be cut out.
NO_JSON = ("not JSON", "nested 10,000 deep")


@pytest.mark.parametrize("name", NO_JSON)
def test_an_array_that_is_not_json_as_a_whole_is_refused(tenant, name):
    body = b"[%s,%s]" % (json.dumps(event()).encode(), BAD_ITEMS[name])
    answer = tenant.client.post(tenant.events_path, content=body)
    assert answer.status_code == 409
    assert "not JSON" in answer.json()["detail"]
    assert tenant.ids() == []


@pytest.mark.parametrize(
    ("name", "lines"),
    [(name, True) for name in BAD_ITEMS]
    + [(name, False) for name in BAD_ITEMS if name not in NO_JSON],
)
def test_a_bad_item_is_rejected_alone_and_the_rest_is_stored(tenant, name, lines):
    good = [json.dumps(event(f"id-{n}")).encode() for n in range(2)]
    items = [good[0], BAD_ITEMS[name], good[1]]
    if lines:
        answer = post(tenant, b"\n".join(items), content_type="application/x-ndjson")
    else:
        answer = post(tenant, b"[" + b",".join(items) + b"]")
    assert answer.status_code == 201, answer.text
    [rejected] = answer.json()["rejected"]
    assert rejected["index"] == 1
    assert rejected["errors"][0]["message"]
    assert tenant.ids() == ["id-0", "id-1"]


@pytest.mark.parametrize(
    ("body", "headers", "status", "detail"),
    [
        (b"", {}, 409, "send one JSON object"),
        (b"[]", {}, 409, "no events"),
        (b'{"events":[]}', {}, 409, "no events"),
        (b"hello", {}, 409, "send one JSON object"),
        (b"[{}", {}, 409, "not JSON"),
        (b"\x1f\x8bnope", {"content_encoding": "gzip"}, 409, "not gzip"),
        (
            gzip.compress(b"[{}]" * 100, mtime=0)[:20],
            {"content_encoding": "gzip"},
            409,
            "cut off",
        ),
        (
            zstandard.compress(b"[{}]" * 100)[:15],
            {"content_encoding": "zstd"},
            409,
            "cut off",
        ),
        (b"nope", {"content_encoding": "zstd"}, 409, "not zstd"),
        (b"[{}]", {"content_encoding": "br"}, 409, "allowed: gzip, zstd"),
        (b"[" + b" " * (32 << 20) + b"]", {}, 413, "over 33554432 bytes"),
        (b"[" + b"1," * 10_000 + b"1]", {}, 413, "at most 10000"),
    ],
)
def test_a_bad_body_is_refused_with_a_reason(tenant, body, headers, status, detail):
    answer = post(tenant, body, **headers)
    assert answer.status_code == status
    assert detail in answer.json()["detail"]


def bomb_gzip():
    packer = zlib.compressobj(1, wbits=31)
    zeros = b" " * (1 << 20)
    parts = [packer.compress(zeros) for _ in range(1_000)]
    return b"".join(parts) + packer.flush()


def bomb_zstd():
    return zstandard.ZstdCompressor(3).compress(b" " * (1 << 30))


@pytest.mark.parametrize(("name", "make"), [("gzip", bomb_gzip), ("zstd", bomb_zstd)])
def test_a_bomb_is_stopped_at_the_limit(tenant, name, make):
    pid = tenant.server.process.pid

    def resident_peak():
        status = Path(f"/proc/{pid}/status").read_text()
        return int(re.findall(r"VmHWM:\s+(\d+)", status)[0])

    before = resident_peak()
    assert post(tenant, make(), content_encoding=name).status_code == 413
    assert resident_peak() - before < 200_000


def test_an_event_of_another_organization_is_rejected(tenant, other_tenant):
    answer = tenant.send([event(organizationId=other_tenant.id), event("ok")])
    assert answer.json()["rejected"][0]["errors"][0]["field"] == "organizationId"
    assert other_tenant.ids() == []


def test_unknown_types_name_the_nearest(tenant):
    answer = tenant.send({"customerId": "c", "event": {"type": "open_mail"}})
    assert "'open_email'" in answer.json()["rejected"][0]["errors"][0]["message"]


def test_missing_fields_are_filled_in(tenant):
    tenant.send({"customerId": "c", "event": {"type": "login"}})
    [stored] = tenant.read().json()["events"]
    assert stored["organizationId"] == tenant.id
    assert re.fullmatch(r"[0-9a-f]{32}l", stored["event"]["id"])
    filled = {"createdAt", "createdAtLocal", "timezone", "utcOffset"}
    assert set(stored["when"]) == filled


def test_an_erased_contact_is_gone_at_once_and_counted_by_type(tenant):
    tenant.send([event(), event(), event(customerId="stays", event={"type": "promo"})])
    path = f"/v1/organizations/{tenant.id}/customers/guest"
    answer = tenant.client.delete(path)
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "OK",
        "customerId": "guest",
        "count": 2,
        "events": {"login": 2},
        "bytesPending": False,
    }
    assert tenant.client.get(f"{path}/events").status_code == 404
    assert tenant.client.delete(path).status_code == 404
    assert len(tenant.ids()) == 1
