"""What comes back, read without a network."""

import base64
import json

import pytest

from footfall.client import errors, responses
from footfall.client.access import Access, expiry_of
from footfall.client.responses import Response
from footfall.client.retries import RETRY_AFTER_MAX_S, wait_before_retry

NOW = 1_793_000_000_000_000


def refused(status, body=b"", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with pytest.raises(errors.Refused) as raised:
        responses.check(Response(status, named, body), NOW)
    return raised.value


STATUSES = {
    302: errors.Refused,
    400: errors.RequestInvalid,
    401: errors.CredentialsRefused,
    403: errors.Forbidden,
    404: errors.ResourceUnknown,
    409: errors.RequestInvalid,
    413: errors.RequestTooLarge,
    418: errors.Refused,
    429: errors.RateLimited,
    500: errors.ServerFailed,
    507: errors.ServerFailed,
}


@pytest.mark.parametrize(("status", "kind"), STATUSES.items())
def test_a_status_has_its_error(status, kind):
    assert type(refused(status)) is kind


SAID = {
    "plain text": (b"gone\n fishing", "The server answered 404: gone fishing"),
    "nothing": (b"", "The server answered 404: no text"),
    "a message": (b'{"message":"Not here"}', "Not here"),
    "an error": (b'{"error":"Not here","detail":7}', "Not here"),
    "other errors": (b'{"title":"Not here","errors":["x"]}', "Not here"),
    "a list": (b"[1]", "The server answered 404: [1]"),
    "a long text": (b"x" * 9999, "The server answered 404: " + "x" * 300),
}


@pytest.mark.parametrize(("body", "detail"), SAID.values(), ids=SAID)
def test_what_another_server_says_of_an_error_is_passed_on(body, detail):
    error = refused(404, body)
    assert (error.detail, error.code, error.errors) == (detail, "refused", ())


def test_a_redirect_names_the_address_to_use():
    error = refused(301, location="https://new.example/")
    assert "redirects to https://new.example/" in error.detail


WAITS = {
    "120": 120.0,
    "Sun, 25 Oct 2026 03:33:30 GMT": None,
    "soon": None,
    "": None,
    "-1": None,
    "²": None,
}


@pytest.mark.parametrize("value", WAITS)
def test_retry_after_is_seconds_or_a_date(value):
    found = refused(429, retry_after=value).retry_after_s
    if value.startswith("Sun"):
        assert found is not None
        assert found >= 0
    else:
        assert found == WAITS[value]


def problem(status, code="refused", wait=None):
    return errors.refusal(errors.Problem(status, code, "", retry_after_s=wait))


def test_only_what_may_help_is_tried_again():
    for status in (408, 429, 500, 502, 503, 504):
        assert wait_before_retry(problem(status)) is True
    for status in (400, 401, 403, 404, 409, 413, 501, 507):
        assert wait_before_retry(problem(status)) is False
    assert wait_before_retry(problem(400, "body-broken-off")) is True
    assert wait_before_retry(problem(429, wait=7.0)) == 7
    assert wait_before_retry(problem(429, wait=RETRY_AFTER_MAX_S + 1.0)) is False
    assert wait_before_retry(errors.NoResponse("x")) is True
    assert wait_before_retry(errors.NoResponse("x", repeatable=False)) is False
    assert wait_before_retry(ValueError()) is False


def jwt(claims):
    middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
    return f"a.{middle.decode()}.c"


TOKENS = [
    (jwt({"exp": 12}), 12_000_000),
    (jwt({"exp": 1.5}), 1_500_000),
    (jwt({}), None),
    (jwt([]), None),
    ("a.%%.c", None),
    ("opaque", None),
]


@pytest.mark.parametrize(("token", "expires_at"), TOKENS)
def test_a_tokens_expiry_is_read_where_it_says_one(token, expires_at):
    assert expiry_of(token) == expires_at


def test_a_token_is_renewed_only_by_who_has_the_key():
    token = jwt({"exp": 0})
    assert not Access(None, None, token).is_stale(NOW)
    assert Access("k", "s", token).is_stale(NOW)
    assert not Access("k", "s", jwt({"exp": NOW // 10**6 + 3600})).is_stale(NOW)
    error = problem(403, "token-refused")
    assert not Access(None, None, token).drops(token, error)
    assert Access("k", "s", token).drops(token, error)
    # Another request may have fetched a new one meanwhile.
    access = Access("k", "s", "newer")
    assert access.drops(token, error)
    assert access.token == "newer"
    assert not access.drops("newer", problem(403, "not-allowed"))
