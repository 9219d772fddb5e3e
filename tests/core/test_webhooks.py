"""What is sent, when it is tried again, and how an endpoint stands."""

import base64
import datetime as dt
import json
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from footfall import clock
from footfall.core.instants import DAY, HOUR, MINUTE, SECOND
from footfall.core.subscriptions import heading_of
from footfall.core.webhooks import (
    FAILING_MAX,
    JITTER,
    SCHEDULE_S,
    Answer,
    EndpointState,
    Reason,
    Replay,
    batch_of,
    headers,
    message_of,
    parse_retry_after,
    retry_at,
)
from tests.conftest import event

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()


def message(event_id="e1", webhook="w1", arrival=1, **more):
    made = event(event_id, **more)
    raw = json.dumps(made).encode()
    return message_of(webhook, arrival, heading_of(raw), raw)


def withdrawn(event_id="e1"):
    detail = {"type": "visit", "id": event_id, "withdrawn": True}
    return message(event_id, arrival=2, event=detail)


# -- messages ------------------------------------------------------------------------


def test_a_message_holds_the_event_as_it_is_stored():
    made = message(customerId="\u00e4")
    assert json.loads(made.body) == {
        "type": "login",
        "timestamp": "2026-05-01T10:00:00Z",
        "data": event("e1", customerId="\u00e4"),
    }


def test_an_id_is_of_one_endpoint_and_one_event_and_of_its_withdrawal():
    made = [message(), message("e2"), message(webhook="w2"), withdrawn()]
    assert len({one.id for one in made}) == len(made)
    assert message().id == made[0].id
    assert json.loads(withdrawn().body)["type"] == "visit.withdrawn"


def test_a_batch_holds_the_messages_with_their_ids_and_has_an_id_of_them():
    some = [message(), message("e2"), withdrawn()]
    name, body = batch_of(some)
    value = json.loads(body)
    assert value["type"] == "batch"
    assert [one["id"] for one in value["data"]] == [one.id for one in some]
    assert [one["type"] for one in value["data"]] == [
        "login",
        "login",
        "visit.withdrawn",
    ]
    assert value["data"][1]["data"] == event("e2")
    assert batch_of(some)[0] == name
    assert batch_of(some[:2])[0] != name


def signed(made=None, secrets=(SECRET,), now=None):
    made = made or message(customerId="\u00e4\u20ac")
    return made.body, headers(made.id, made.body, now or clock.now(), secrets)


def test_the_official_library_verifies_a_signature():
    body, sent = signed()
    assert Webhook(SECRET).verify(body, sent)["type"] == "login"


def test_during_a_rotation_either_secret_verifies():
    body, sent = signed(secrets=(SECRET, OTHER))
    for secret in (SECRET, OTHER):
        Webhook(secret).verify(body, sent)


@pytest.mark.parametrize("part", ["webhook-id", "webhook-timestamp", "body", "secret"])
def test_what_was_changed_does_not_verify(part):
    body, sent = signed()
    if part == "body":
        body += b" "
    elif part != "secret":
        sent[part] = str(int(sent[part]) - 1) if part.endswith("stamp") else "msg_x"
    secret = OTHER if part == "secret" else SECRET
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, sent)


NODE = """
const { Webhook } = require("standardwebhooks");
const { secret, cases } = JSON.parse(require("fs").readFileSync(0));
for (const one of cases) new Webhook(secret).verify(one.body, one.headers);
try { new Webhook(secret).verify(cases[0].body + " ", cases[0].headers); }
catch { console.log("verified"); }
"""


def test_the_package_of_npm_verifies_signatures(tmp_path):
    if shutil.which("npm") is None:
        pytest.skip("npm not installed: apt-get install npm")
    command = ["npm", "install", "--no-audit", "--no-fund", "--fetch-retries=0"]
    try:
        subprocess.run(
            [*command, "standardwebhooks@1.0.0"],
            cwd=tmp_path,
            capture_output=True,
            timeout=30,
            check=True,
        )
    except subprocess.SubprocessError:
        pytest.skip("npm cannot install standardwebhooks here")
    cases = [signed(), signed(withdrawn()), signed(secrets=(OTHER, SECRET))]
    asked = {
        "secret": SECRET,
        "cases": [{"body": body.decode(), "headers": sent} for body, sent in cases],
    }
    done = subprocess.run(
        ["node", "-e", NODE],
        cwd=tmp_path,
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "verified\n", done.stderr


# -- the schedule --------------------------------------------------------------------


@given(st.integers(1, 9), st.floats(0, 1), st.integers(0, 2**52))
def test_a_retry_comes_at_its_time_or_a_little_later(attempts, chance, now):
    at = retry_at(attempts, now, chance)
    assert at is not None
    delay = SCHEDULE_S[attempts] * SECOND
    assert delay <= at - now <= delay * (1 + JITTER)


def test_after_the_last_attempt_a_message_is_given_up():
    assert retry_at(len(SCHEDULE_S) - 1, 0, 0) == 24 * HOUR
    assert retry_at(len(SCHEDULE_S), 0, 0) is None


def test_an_endpoint_that_asks_for_time_gets_it():
    assert retry_at(1, 0, 0, pause=HOUR) == HOUR
    assert retry_at(5, 0, 0, pause=SECOND) == 5 * HOUR


NOW = 1_445_412_480 * SECOND  # Wed, 21 Oct 2015 07:28:00 GMT


@pytest.mark.parametrize(
    ("value", "pause"),
    [
        ("120", 2 * MINUTE),
        ("0", 0),
        ("99999999", DAY),
        ("Wed, 21 Oct 2015 07:29:00 GMT", MINUTE),
        ("Wed, 21 Oct 2015 07:27:00 GMT", 0),
        ("Wed, 21 Oct 2099 07:27:00 GMT", DAY),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("\u0661", None),
        ("9" * 5_000, None),
        (None, None),
    ],
)
def test_retry_after_is_read_in_both_forms_and_up_to_a_day(value, pause):
    assert parse_retry_after(value, NOW) == pause


@given(st.text(max_size=40))
def test_any_retry_after_is_read_or_ignored(value):
    pause = parse_retry_after(value, NOW)
    assert pause is None or 0 <= pause <= DAY


def test_only_429_and_503_may_ask_for_time():
    for status, pause in ((429, HOUR), (503, HOUR), (500, 0), (200, 0)):
        assert Answer(1, status, retry_after=HOUR).pause == pause


# -- how an endpoint stands ----------------------------------------------------------


def test_an_endpoint_that_only_fails_for_five_days_is_disabled():
    state, now = EndpointState(), 0
    while state.enabled:
        state, now = state.failed(now), now + HOUR
    assert now - HOUR == FAILING_MAX
    assert state.disabled_because == Reason.FAILING


def test_one_success_begins_the_five_days_anew():
    state = EndpointState()
    for now in range(0, 4 * DAY, HOUR):
        state = state.failed(now)
    state = state.succeeded()
    for now in range(4 * DAY, 9 * DAY, HOUR):
        state = state.failed(now)
    assert state.enabled


def test_two_failures_a_week_apart_do_not_disable():
    assert EndpointState().failed(0).failed(7 * DAY).enabled


def test_a_410_disables_at_once():
    state = EndpointState().failed(5, gone=True)
    assert (state.disabled_at, state.disabled_because) == (5, Reason.GONE)
    assert state.reenabled() == EndpointState()


@given(st.lists(st.tuples(st.integers(0, 3 * DAY), st.booleans()), max_size=50))
def test_an_endpoint_with_a_success_in_each_five_days_stays_enabled(steps):
    state, now, good_at = EndpointState(), 0, 0
    for pause, succeeds in steps:
        now += pause
        if succeeds or now - good_at >= FAILING_MAX:
            state, good_at = state.succeeded(), now
        else:
            state = state.failed(now)
        assert state.enabled


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99))))
def test_a_position_only_grows(positions):
    state = EndpointState(replay=Replay(5, 0, 200))
    highest = 0
    for position, further in positions:
        state = state.advanced(position, Replay(5, further, 200))
        highest = max(highest, position)
        assert state.position == highest
    assert state.replay is not None


def test_a_replay_ends_at_its_end_and_is_not_moved_by_one_of_before():
    state = EndpointState(replay=Replay(5, 0, 10))
    assert state.advanced(0, Replay(4, 9, 10)).replay == Replay(5, 0, 10)
    assert state.advanced(0, None).replay == Replay(5, 0, 10)
    assert state.advanced(0, Replay(5, 10, 10)).replay is None


def test_the_time_of_a_header_is_that_of_the_attempt():
    made = message()
    sent = headers(made.id, made.body, NOW + 999_999, [SECRET])
    at = dt.datetime.fromtimestamp(int(sent["webhook-timestamp"]), dt.UTC)
    assert at.isoformat() == "2015-10-21T07:28:00+00:00"


def test_an_event_that_holds_again_after_its_withdrawal_is_another_message():
    assert message(arrival=1).id != message(arrival=3).id
    assert message(arrival=3).id == message(arrival=3).id
