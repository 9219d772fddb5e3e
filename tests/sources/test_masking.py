"""A kept rejection tells an operator what is wrong, and nothing about a person."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from footfall import service, settings
from footfall.core.instants import SECOND
from footfall.core.observations import parse_mac
from footfall.flows.accounts import tenants
from footfall.flows.presence import receive
from footfall.sources.masking import mask_body, mask_place, mask_reason
from footfall.store.transaction import Source

NOW = 1_700_000_000 * SECOND
MAC, NAME, MAIL, PHONE = "a1b2c3d4e5f6", "Canaryname", "cana@rymail.org", "3475550199"


@st.composite
def macs(draw):
    """The canary's address in any spelling that the parser accepts."""
    between = st.text(":-.", max_size=2)
    digits = [draw(st.sampled_from([d, d.upper()])) for d in MAC]
    text = draw(between) + "".join(digit + draw(between) for digit in digits)
    assert parse_mac(text).hex() == MAC
    return text


ADDRESSES = macs() | st.sampled_from(
    [MAIL, MAIL.upper(), f"{NAME} <{MAIL}>", f"+39{PHONE}", "347 555 0199", f"x {MAIL}"]
)
CANARIES = (
    ADDRESSES
    | st.sampled_from([NAME, f"'{NAME}\"", f"\"{NAME}'", f"{NAME} 1", int(PHONE)])
    | st.builds(lambda text: f"{text} {NAME}", macs())
)
JUNK = st.sampled_from(
    [None, True, 5, -60, "Start", "3.0", "WiFi", "x", "", "2020-03-09T17:54:42Z", 1e15]
)
VALUES = CANARIES | JUNK


def objects(values, **known):
    """Objects of some known fields, and of fields that are named for the canary."""
    more = st.dictionaries(st.sampled_from([NAME, MAIL, MAC, "email", "x"]), values)
    fields = st.fixed_dictionaries({}, optional=known)
    return st.builds(lambda one, other: {**other, **one}, fields, more)


ANYTHING = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=4) | objects(inner), max_leaves=5
)

# Equipment may have any name; people's addresses are hidden there too.
ATTRIBUTE = st.builds(
    lambda value, kind: {"type": kind, "value": [value]},
    VALUES,
    st.sampled_from(["string", "date", "octets", NAME]),
)
FREERADIUS = objects(
    ATTRIBUTE | ANYTHING,
    **{
        "Acct-Status-Type": ATTRIBUTE,
        "User-Name": ATTRIBUTE,
        "Calling-Station-Id": ATTRIBUTE,
        "Event-Timestamp": ATTRIBUTE,
        "Acct-Delay-Time": ATTRIBUTE,
        "NAS-Identifier": st.just("n9") | ADDRESSES,
    },
)
ITEM = objects(
    ANYTHING,
    clientMac=VALUES,
    mac=VALUES,
    client=VALUES,
    email=VALUES,
    name=VALUES,
    seenTime=VALUES,
    timestamp=VALUES,
    site_id=ADDRESSES,
    rssi=VALUES,
    latestRecord=objects(ANYTHING, time=VALUES, nearestApRssi=VALUES),
)
MERAKI = objects(
    ANYTHING,
    version=VALUES,
    type=VALUES,
    secret=VALUES,
    data=objects(ANYTHING, observations=st.lists(ITEM | VALUES), networkId=ADDRESSES),
)
MIST = objects(
    ANYTHING,
    topic=st.sampled_from(["zone", "client-sessions", "guest-authorizations"]) | VALUES,
    events=st.lists(ITEM | VALUES) | ANYTHING,
)


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    path = tmp_path_factory.mktemp("masking") / "footfall.db"
    store = service.open_store(settings.Settings(store=f"sqlite:{path}"))
    yield store
    store.close()


def kept_of(store, kind, body):
    """Take in a post, and return all that is kept of it."""
    made = tenants.create_organization(store, "Test", None, NOW)
    source = Source("s1", made.id, kind, NOW, b"")
    heard = receive.DECODERS[kind].decode(body, NOW)
    receive.take_in(store, source, heard, NOW).result()
    kept = store.read(made.id, lambda transaction: transaction.sources.rejections(100))
    return "\n".join(f"{one.reason}\n{one.body}" for one in kept)


def assert_nobody_in(text):
    bare = text.lower()
    assert NAME.lower() not in bare
    assert "@" not in bare
    assert "rymail" not in bare
    for separator in ":-. ":
        bare = bare.replace(separator, "")
    assert MAC not in bare
    assert PHONE not in bare


@pytest.mark.parametrize(
    ("kind", "posts"),
    [("freeradius", FREERADIUS), ("meraki", MERAKI), ("mist", MIST)],
    ids=["freeradius", "meraki", "mist"],
)
def test_a_kept_rejection_holds_no_personal_data_wherever_the_post_had_it(
    opened, kind, posts
):
    @given(post=posts | ANYTHING, cut=st.booleans())
    @example(post={"topic": MAIL, "events": [{"mac": MAC, "site_id": MAIL}]}, cut=False)
    def whatever(post, cut):
        body = json.dumps(post).encode()
        assert_nobody_in(kept_of(opened, kind, body[:-1] if cut else body))

    whatever()


def test_an_operator_sees_what_was_wrong_and_where():
    sent = {
        "topic": "client-sessions",
        "events": [
            {"mac": "a1-b2c3:d4e5.f6", "timestamp": 1_700_000_000, "rssi": -60.5},
            {"email": MAIL, "name": "Ann", "mobile": 393475550199, "what": [1]},
            None,
            1,
            2,
        ],
    }
    assert json.loads(mask_body(json.dumps(sent).encode())) == {
        "topic": "client-sessions",
        "events": [
            {"mac": "a device address", "timestamp": 1_700_000_000, "rssi": -60.5},
            {
                "email": "an e-mail address",
                "name": "text of 3 characters",
                "mobile": "a number",
                "…": "1 more fields",
            },
            None,
            "and 2 more",
        ],
    }


def test_a_nas_is_shown_by_its_name_and_a_freeradius_value_by_its_attribute():
    sent = {
        "NAS-Identifier": {"type": "string", "value": ["nas-0451"]},
        "NAS-IP-Address": ["192.168.100.200"],
        "NAS-IPv6-Address": ["2001:db8:1234:5678::1"],
        "Acct-Status-Type": {
            "type": "integer",
            "value": [9],
            "mapping": ["Tunnel-Start"],
        },
        "Event-Timestamp": ["2020-03-09T17:54:42.123456Z"],
    }
    assert json.loads(mask_body(json.dumps(sent).encode())) == sent


@pytest.mark.parametrize(
    ("reason", "kept"),
    [
        ("topic: topic 'x' is not known; allowed: zone", "topic: topic … is not known"),
        ("'a' is not a MAC address, such as 0c:8d", "… is not a MAC address, such as"),
        ("data: is missing", "data: is missing"),
    ],
)
def test_a_reason_says_what_is_wrong_without_what_it_quotes(reason, kept):
    assert mask_reason(reason).startswith(kept)


@pytest.mark.parametrize(
    ("place", "kept"),
    [
        ("NAS 'n9', external id 'L_9'", "NAS 'n9', external id 'L_9'"),
        (
            "access point '00:00:00:00:00:09', NAS 'a1b2.c3d4.e5f6'",
            "access point '00:00:00:00:00:09', NAS 'a device address'",
        ),
        ("external id 'L_566327653141843049'",) * 2,
        ("external id '978c48e6-6ef6-11e6-8bbf-02e208b2d34f'",) * 2,
        ("NAS '192.0.2.14'",) * 2,
        ("NAS 'bar +39 347 555 0199'", "NAS 'bar a phone number'"),
        (f"NAS '{MAIL}'", "NAS 'an e-mail address'"),
    ],
)
def test_a_place_that_is_not_registered_is_named(place, kept):
    assert mask_place(f"place: {place} is not registered") == (
        f"place: {kept} is not registered"
    )


def test_of_invalid_or_very_long_json_only_the_size_is_kept():
    assert mask_body(b"{broken Ann") == "11 bytes that are not JSON"
    assert mask_body(b"[" * 100_000) == "100000 bytes: too long to show"
    assert mask_body(b"[" * 60_000) == "60000 bytes that are not JSON"
    deep = b'{"value":' * 200 + b"1" + b"}" * 200
    assert len(mask_body(deep)) < 500
    many = json.dumps({"NAS-Identifier": ["n" * 60] * 3, "x": "y" * 9000}).encode()
    assert len(mask_body(many)) < 4097
