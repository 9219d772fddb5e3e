"""Webhooks: only what has the right signature is read."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook

from footfall import Client, clock
from footfall.client import errors
from tests.conftest import event

SECRET = "whsec_" + base64.b64encode(b"s" * 24).decode()
unwrap = Client.webhooks.unwrap


def signed(
    value: Any, *, at: int | None = None, secret: str = SECRET
) -> tuple[bytes, dict[str, str]]:
    body = json.dumps(value)
    seconds = clock.now() // 1_000_000 if at is None else at
    moment = datetime.fromtimestamp(seconds, UTC)
    return body.encode(), {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(seconds),
        "Webhook-Signature": Webhook(secret).sign("msg_1", moment, body),
    }


def message(**more: Any) -> dict[str, Any]:
    time = "2026-05-01T10:00:00Z"
    return {"type": "login", "timestamp": time, "data": event("id")} | more


def test_a_message_is_verified_and_typed():
    body, headers = signed(message(data=event("id", extra=1)))
    found = unwrap(body, headers, SECRET)
    assert (found.id, found.type) == ("msg_1", "login")
    assert found.timestamp == "2026-05-01T10:00:00Z"
    assert (found.event.id, found.event.to_dict()["extra"]) == ("id", 1)
    assert unwrap(body.decode(), headers, SECRET) == found


def test_a_batch_has_several_events():
    data = [message(id="a"), message(id="b", data=event("other"))]
    found = unwrap(*signed(message(type="batch", data=data)), SECRET)
    assert [one.id for one in found.events] == ["id", "other"]
    with pytest.raises(errors.ResponseUnreadable, match="2 events"):
        _ = found.event


def test_a_message_about_something_else_has_no_event():
    assert unwrap(*signed(message(type="test", data={})), SECRET).events == []


def broken() -> Iterator[tuple[str, bytes, dict[str, str]]]:
    body, headers = signed(message())
    yield "another body", body + b" ", headers
    yield "no headers", body, {}
    other = "whsec_" + base64.b64encode(b"x" * 24).decode()
    yield "another secret", *signed(message(), secret=other)
    yield "too old", *signed(message(), at=1_700_000_000)
    for value in ("v1", "v1,%%%", "v2,abcd", "v1,a,b", "ü"):
        yield value, body, headers | {"Webhook-Signature": value}
    yield "a time that is none", body, headers | {"Webhook-Timestamp": "now"}
    yield "no text", b"\xff", headers


@pytest.mark.parametrize(
    ("body", "headers"), [pytest.param(*rest, id=name) for name, *rest in broken()]
)
def test_what_is_not_authentic_is_refused(body, headers):
    with pytest.raises(errors.SignatureWrong):
        unwrap(body, headers, SECRET)


@pytest.mark.parametrize("value", [[], {"type": "x"}, message(type="batch")])
def test_what_is_signed_but_no_message_is_an_error(value):
    with pytest.raises(errors.ResponseUnreadable):
        unwrap(*signed(value), SECRET)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_%", "ü"])
def test_a_secret_that_is_none_is_an_error(secret):
    with pytest.raises(errors.ArgumentInvalid):
        unwrap(*signed(message()), secret)
