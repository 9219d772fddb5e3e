import json
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core.events import acceptance
from footfall.core.events.duplicates import is_duplicate
from footfall.core.events.ids import key_of, make_id
from footfall.core.events.structs import Event
from footfall.errors import ItemRejected
from tests.conftest import EXAMPLE, SEED_ORGANIZATION, event

NOW = 1_800_000_000_123_456
DIGITS = "0123456789abcdef" * 2


def accept(value, organization="org"):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return acceptance.accept(raw, organization, NOW, lambda: DIGITS)


def reasons(value, organization="org"):
    with pytest.raises(ItemRejected) as caught:
        accept(value, organization)
    return {error.field: error.message for error in caught.value.errors}


@pytest.mark.parametrize("sent", EXAMPLE, ids=lambda e: e["event"]["id"][:8])
def test_an_event_sent_in_whole_is_kept_as_the_same_value(sent):
    assert json.loads(accept(sent, SEED_ORGANIZATION).body) == sent


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), JSON, max_size=3))
def test_unknown_fields_are_kept(extra):
    known = {"organizationId", "customerId", "event", "where", "when"}
    sent = {k: v for k, v in extra.items() if k not in known}
    sent |= event(organizationId="org")
    assert json.loads(accept(sent).body) == sent


def test_numbers_keep_their_spelling():
    sent = event(organizationId="org", extra=1)
    raw = json.dumps(sent).replace('"extra": 1', '"extra": 1.10e40')
    assert b'"extra":1.10e40' in accept(raw.encode()).body


def test_missing_fields_are_filled_in():
    body = json.loads(accept({"customerId": "c", "event": {"type": "login"}}).body)
    assert body == {
        "customerId": "c",
        "organizationId": "org",
        "event": {"type": "login", "id": DIGITS + "l"},
        "when": {
            "createdAt": "2027-01-15T08:00:00Z",
            "createdAtLocal": "2027-01-15T08:00:00Z",
            "utcOffset": "+00:00",
            "timezone": "UTC",
        },
    }


def test_local_time_is_filled_in_from_the_zone():
    when = {"createdAt": "2026-07-01T10:00:00Z", "timezone": "Asia/Kolkata"}
    body = json.loads(accept(event(when=when)).body)
    filled = {"createdAtLocal": "2026-07-01T15:30:00Z", "utcOffset": "+05:30"}
    assert body["when"] == when | filled


def test_the_instant_is_found_from_a_local_time_and_its_zone():
    when = {"createdAtLocal": "2026-07-01T15:30:00Z", "timezone": "Asia/Kolkata"}
    body = json.loads(accept(event(when=when)).body)
    assert body["when"] == when | {"createdAt": "2026-07-01T10:00:00Z"}


def test_geofence_events_stay_without_organization_and_their_ids_end_in_g():
    sent = {"customerId": "c", "event": {"type": "geo_arriving"}}
    body = json.loads(accept(sent).body)
    assert "organizationId" not in body
    assert body["event"]["id"] == DIGITS + "g"


def test_a_fraction_and_an_offset_count_in_the_order_and_are_kept():
    when = event()["when"] | {"createdAt": "2026-05-01T12:00:00.5+02:00"}
    accepted = accept(event(organizationId="org", when=when))
    assert accepted.created_at % 1_000_000 == 500_000
    assert json.loads(accepted.body)["when"] == when


@pytest.mark.parametrize(
    ("sent", "field", "message"),
    [
        (b"", "", "not JSON"),
        (b"[1]", "", "not a JSON object"),
        (b'{"customerId":"\xff"}', "", "UTF-8"),
        (b'{"customerId":"\\ud800","event":{"type":"login"}}', "", "lone surrogate"),
        (b"[" * 10_000 + b"]" * 10_000, "", "not a JSON object|recursion|deep"),
        (b'{"a":' * 80 + b"1" + b"}" * 80, "customerId|", "deep|missing"),
        ({"event": {"type": "login"}}, "customerId", "missing"),
        (event(customerId=7), "customerId", "Expected `str`"),
        (event(customerId=""), "customerId", "empty"),
        (event(customerId="a\0b"), "customerId", "control"),
        (event(customerId="x" * 129), "customerId", "at most 128"),
        (event("x" * 129), "event.id", "at most 128"),
        (event(event={"type": "login", "id": 5}), "event.id", "Expected `str"),
        (event(event={"type": "logn"}), "event.type", "nearest is 'login'"),
        (event(event={"type": 1}), "event.type", "Expected `str`"),
        (event(event="login"), "event", "Expected `object`"),
        (event(where=[]), "where", "Expected `object"),
        (event(organizationId="other"), "organizationId", "another"),
        (event(when={"createdAt": "0000-01-01T00:00:00Z"}), "when.createdAt", "years"),
        (event(when={"createdAt": "10000-01-01T00:00:00Z"}), "when.createdAt", "years"),
        (event(when={"createdAt": "2026-05-01T10:00:00"}), "when.createdAt", "offset"),
        (
            event(when={"createdAtLocal": "2026-05-01T10:00:00Z"}),
            "when.createdAtLocal",
            "zone",
        ),
        (event(when={"timezone": "Mars/Phobos"}), "when.timezone", "IANA"),
        (
            event(when={"createdAt": "9999-12-31T23:00:00Z", "timezone": "Asia/Tokyo"}),
            "",
            "",
        ),
        (event(event={"type": "visit", "visit": {"duration": "x"}}),)
        + ("event.visit.duration", "Expected `int"),
        (event(event={"type": "visit", "visit": {"startAt": "x"}}),)
        + ("event.visit.startAt", "ISO 8601"),
        (event(extra="x" * 65_536), "", "at most 65536"),
    ],
)
def test_a_bad_event_is_rejected_with_the_field_and_what_is_allowed(
    sent, field, message
):
    found = reasons(sent)
    assert any(re.fullmatch(field, name) for name in found), found
    assert re.search(message, " ".join(found.values())), found


def test_every_reason_is_named():
    wrong = {
        "customerId": 1,
        "organizationId": "other",
        "event": {"type": "nope", "id": 2, "visit": {"duration": "x"}},
        "when": {"createdAt": 3},
    }
    fields = {"customerId", "organizationId", "event.type", "event.id"}
    fields |= {"event.visit.duration", "when.createdAt"}
    assert set(reasons(wrong)) == fields


def test_depth_is_limited_so_that_every_reader_can_read_it_back():
    deep: object = "x"
    for _ in range(70):
        deep = {"a": deep}
    assert "nested too deep" in reasons(event(extra=deep))[""]


@given(st.text(alphabet="0123456789abcdefgl", max_size=40), st.text(max_size=40))
def test_keys_are_equal_only_for_equal_ids(one, two):
    ids = {one, two, one + "l", two + "g", DIGITS + "l", DIGITS + "g", DIGITS.upper()}
    assert len({key_of(id_) for id_ in ids}) == len(ids)


def test_keys_of_made_ids_are_in_the_order_of_time():
    keys = [key_of(make_id(t * 1000, 0) + "l") for t in range(5)]
    assert keys == sorted(keys)


def test_an_event_written_differently_is_a_duplicate():
    sent = event(organizationId="org")
    stored = accept(sent).body
    spaced = json.dumps(dict(reversed(sent.items())), indent=4).encode()
    assert is_duplicate(spaced, stored)


@pytest.mark.parametrize(
    "change", [{"customerId": "x"}, {"extra": 1}, {"where": {}}, {"when": {}}]
)
def test_other_content_is_no_duplicate(change):
    stored = accept(event("id", organizationId="org")).body
    sent = event("id", organizationId="org") | change
    assert is_duplicate(json.dumps(sent).encode(), stored) == ("when" in change)


def test_true_is_not_one():
    stored = accept(event("id", flag=True)).body
    assert not is_duplicate(json.dumps(event("id", flag=1)).encode(), stored)


@pytest.mark.parametrize("when", [{}, {"when": None}, {"when": {"createdAt": None}}])
def test_an_incomplete_event_is_a_duplicate_of_its_completed_form(when):
    sent = {"customerId": "c", "event": {"type": "login", "id": "i"}} | when
    raw = json.dumps(sent).encode()
    later = acceptance.accept(raw, "org", NOW + 10**9, lambda: DIGITS)
    assert is_duplicate(later.sent, accept(raw).body)


def test_the_struct_holds_every_field_of_the_example():
    for sent in EXAMPLE:
        read = msgspec.convert(sent, Event)
        again = msgspec.to_builtins(read)

        def bare(value):
            if isinstance(value, dict):
                return {k: bare(v) for k, v in value.items() if v is not None}
            return value

        assert bare(again) == bare(sent)


def test_an_offset_that_was_sent_is_kept():
    when = {"createdAt": "2026-07-01T10:00:00Z", "utcOffset": "sent"}
    body = json.loads(accept(event(when=when)).body)
    assert body["when"]["utcOffset"] == "sent"


def test_an_event_whose_offset_was_filled_in_is_a_duplicate_when_sent_again():
    sent = event(when={"createdAt": "2026-07-01T10:00:00Z"})
    assert is_duplicate(json.dumps(sent).encode(), accept(sent).body)
