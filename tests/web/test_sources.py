"""Equipment against a real server: what it sends, and the events made of it."""

import json
import re
import socket

import httpx2
import pytest

from footfall import clock
from footfall.core import instants
from footfall.core.instants import SECOND
from footfall.sources import mist
from footfall.store.transaction import HeardKind
from tests.conftest import Tenant
from tests.shared import data, needs
from tests.sources.equipment import SECRET, freeradius, radclient

AP = "00:10:a4:23:19:c0"
GUEST = "0C-8D-DB-00-11-22"

# Presence has tests on both engines; this is about what vendors' equipment sends.
pytestmark = pytest.mark.parametrize("server", ["sqlite"], indirect=True)


@pytest.fixture
def source_secrets(server, server_store):
    return server.source_secrets(server_store)


@pytest.fixture
def venue(tenant: Tenant):
    """A tenant with a location and a hotspot in it."""
    place = {
        "id": "cafe",
        "name": "Cafe",
        "timezone": "Europe/Rome",
        "externalId": "L_1",
    }
    locations = f"/v1/organizations/{tenant.id}/locations"
    assert tenant.client.post(locations, json=place).status_code == 201
    reference = {"id": "h1", "name": "Bar", "venueId": "cafe", "macAddress": AP}
    hotspots = f"/v3/hotspots/organizations/{tenant.id}"
    assert tenant.client.post(hotspots, json=reference).status_code == 201
    return tenant


def events(tenant, *kinds):
    found = tenant.read(size=1000, sortBy="utcTime").json()["events"]
    return [e for e in found if not kinds or e["event"]["type"] in kinds]


def rejections(tenant):
    return tenant.store.read(
        tenant.id, lambda transaction: transaction.sources.rejections(100)
    )


def packet(status="Start", **more):
    named = {name.replace("_", "-"): value for name, value in more.items()}
    return {
        "Acct-Status-Type": status,
        "User-Name": "ann",
        "Calling-Station-Id": GUEST,
        "Called-Station-Id": "00-10-A4-23-19-C0:Guests",
        "NAS-Identifier": "nas-1",
        "Acct-Session-Id": "s1",
    } | named


def at(minutes: float) -> str:
    """A time of the NAS's clock, minutes after an hour long ago."""
    return str(1_700_000_000 + int(minutes * 60))


# RADIUS, with Debian's radclient.


@needs("radclient")
def test_radius_accounting_makes_a_login_and_a_visit(venue, source_secrets, server):
    made = source_secrets.create(venue.id, "radius", clock.now(), secret=None)
    said = radclient(
        server.radius_port,
        made.secret,
        packet(Event_Timestamp=at(0)),
        packet("Interim-Update", Event_Timestamp=at(8)),
        packet("Stop", Event_Timestamp=at(15)),
    )
    assert said.count("Received Accounting-Response") == 3, said
    kinds = [e["event"]["type"] for e in events(venue)]
    assert kinds == ["signup", "arriving", "login", "visit"]
    [visit] = events(venue, "visit")
    assert visit["event"]["visit"]["duration"] == 15
    assert visit["event"]["visit"]["startAt"] == "2023-11-14T22:13:20Z"
    assert events(venue, "login")[0]["where"]["hotspotId"] == "h1"
    assert rejections(venue) == []
    heard = venue.store.read(
        venue.id, lambda transaction: transaction.last_heard.all_of(HeardKind.SOURCE)
    )
    assert heard.keys() == {made.source.id}


@needs("radclient")
def test_a_retransmission_makes_nothing_new(venue, source_secrets, server):
    made = source_secrets.create(venue.id, "radius", clock.now(), secret=None)
    for delay in ("0", "3"):
        said = radclient(server.radius_port, made.secret, packet(Acct_Delay_Time=delay))
        assert "Received Accounting-Response" in said
    assert len(events(venue)) == 3


@needs("radclient")
def test_accounting_on_lets_a_nas_count_its_sessions_anew(
    venue, source_secrets, server
):
    made = source_secrets.create(venue.id, "radius", clock.now(), secret=None)
    nas = {"Acct-Status-Type": "Accounting-On", "NAS-Identifier": "nas-1"}
    for sent in (
        packet(Event_Timestamp=at(0)),
        nas | {"Event-Timestamp": at(30)},
        packet(Event_Timestamp=at(60)),
    ):
        said = radclient(server.radius_port, made.secret, sent)
        assert "Received Accounting-Response" in said
    assert len(events(venue, "login")) == 2


@needs("radclient")
def test_a_wrong_secret_is_not_answered_and_counted(venue, source_secrets, server):
    source_secrets.create(venue.id, "radius", clock.now(), secret=None)

    def refused():
        text = httpx2.get(f"{server.address}/metrics").text
        found = re.search(r'radius_packets_total\{result="refused"\} (\S+)', text)
        return 0 if found is None else float(found[1])

    before = refused()
    said = radclient(server.radius_port, "wrong", packet(), retries=1, timeout=1)
    assert "No reply" in said
    assert refused() == before + 1
    assert events(venue) == []


@needs("radclient")
def test_a_source_hears_only_the_addresses_that_it_names(venue, source_secrets, server):
    made = source_secrets.create(
        venue.id, "radius", clock.now(), secret=None, networks=("192.0.2.0/24",)
    )
    said = radclient(server.radius_port, made.secret, packet(), retries=1, timeout=1)
    assert "No reply" in said


@needs("radclient")
def test_a_packet_that_cannot_be_understood_is_kept_and_answered(
    venue, source_secrets, server
):
    made = source_secrets.create(venue.id, "radius", clock.now(), secret=None)
    elsewhere = packet(Called_Station_Id="00-00-00-00-00-09:x", NAS_Identifier="n9")
    said = radclient(
        server.radius_port, made.secret, packet(Calling_Station_Id="x"), elsewhere
    )
    assert said.count("Received Accounting-Response") == 2
    reasons = " ".join(one.reason for one in rejections(venue))
    assert "is not a MAC address" in reasons
    assert "00:00:00:00:00:09" in reasons


def test_datagrams_that_are_no_packets_harm_nobody(server):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        for junk in (
            b"",
            b"x",
            b"\x04" * 20,
            b"\x04\x00\x00\x14" + b"\0" * 16,
            b"\xff" * 4096,
        ):
            client.sendto(junk, ("127.0.0.1", server.radius_port))
    assert httpx2.get(f"{server.address}/readyz").text == "ready"


# FreeRADIUS' rlm_rest, with Debian's server.


@needs("radclient", "freeradius")
def test_a_real_freeradius_posts_accounting(venue, source_secrets, server, tmp_path):
    made = source_secrets.create(venue.id, "freeradius", clock.now(), secret=None)
    with freeradius(tmp_path, server.address, made.source.id, made.secret) as port:
        for sent in (
            packet(Event_Timestamp=at(0), Class="0x616e6e"),
            packet("Interim-Update", Event_Timestamp=at(8)),
            packet("Stop", Event_Timestamp=at(15)),
        ):
            said = radclient(port, SECRET, sent, retries=10, timeout=1)
            log = (tmp_path / "radius.log").read_text()
            assert "Received Accounting-Response" in said, log
    kinds = [e["event"]["type"] for e in events(venue)]
    assert kinds == ["signup", "arriving", "login", "visit"]
    assert rejections(venue) == []


def test_freeradius_without_its_password_is_refused(venue, source_secrets):
    made = source_secrets.create(venue.id, "freeradius", clock.now(), secret=None)
    path = f"/v1/sources/{made.source.id}"
    assert httpx2.post(f"{venue.server.address}{path}", json={}).status_code == 401
    answer = httpx2.post(
        f"{venue.server.address}{path}", json={}, auth=("footfall", made.secret)
    )
    assert answer.status_code == 204
    assert len(rejections(venue)) == 1


# Meraki.


@pytest.fixture
def meraki(venue, source_secrets):
    made = source_secrets.create(
        venue.id, "meraki", clock.now(), secret="demo", validator="val-1"
    )
    return f"{venue.server.address}/v1/sources/{made.source.id}"


def test_meraki_gets_its_validator_in_plain_text(meraki):
    answer = httpx2.get(meraki)
    assert answer.text == "val-1"
    assert answer.headers["content-type"].startswith("text/plain")


def test_a_real_meraki_post_is_taken_in(venue, meraki, source_secrets):
    post = data("meraki-scanning-v3.json").read_bytes()
    rules = f"/v1/organizations/{venue.id}/presence"
    assert venue.client.patch(rules, json={"pseudonymous": True}).status_code == 200
    place = {"externalId": "L_566327653141843049"}
    assert venue.client.patch("/v1/locations/cafe", json=place).status_code == 200
    for _ in range(2):
        assert httpx2.post(meraki, content=post).status_code == 204
    sent = json.loads(post)["data"]["observations"]
    people = {c["clientMac"] for c in sent if c["clientMac"][1] not in "26ae"}
    arrived = events(venue, "arriving")
    assert len(arrived) == len(people)
    assert len({e["customerId"] for e in arrived}) == len(people)
    assert rejections(venue) == []


def test_a_meraki_post_with_another_secret_is_refused(venue, meraki):
    body = json.dumps({"version": "3.0", "secret": "other", "type": "WiFi"})
    assert httpx2.post(meraki, content=body).status_code == 401
    assert rejections(venue) == []


def test_a_meraki_post_from_an_unknown_place_is_kept_without_addresses(venue, meraki):
    item = {
        "clientMac": "30:23:03:57:b1:0d",
        "latestRecord": {"nearestApMac": "e0:55:3d:c0:76:f4", "time": "x"},
    }
    other = item | {"latestRecord": {"time": "2020-03-09T17:54:42Z"}}
    body: dict[str, object] = {"version": "3.0", "secret": "demo", "type": "WiFi"}
    body["data"] = {"networkId": "L_9", "observations": [item, other]}
    assert httpx2.post(meraki, json=body).status_code == 204
    kept = rejections(venue)
    text = json.dumps([[one.reason, one.body] for one in kept])
    assert "is not an ISO 8601 time" in text
    assert "external id 'L_9' is not registered" in text
    assert "30:23:03:57:b1:0d" not in text
    assert "device " in text


def test_a_sources_own_location_is_for_observations_without_a_known_place(
    venue, source_secrets
):
    other = {"id": "other", "name": "Other"}
    path = f"/v1/organizations/{venue.id}/locations"
    assert venue.client.post(path, json=other).status_code == 201
    made = source_secrets.create(
        venue.id, "mist", clock.now(), secret="s3cret", location="other"
    )
    sent = {"mac": "0c8ddb001122", "timestamp": 1_700_000_000}
    # A registered site, a registered access point, and neither.
    where = [{"site_id": "L_1"}, {"ap": AP.replace(":", "")}, {"site_id": "x"}]
    who = {"device": GUEST, "hotspot": "h1", "username": "ann", "at": 1_600_000_000}
    assert post(venue, "logins", who).status_code == 201
    events_sent = [sent | place for place in where]
    body = json.dumps({"topic": "client-join", "events": events_sent}).encode()
    url = f"{venue.server.address}/v1/sources/{made.source.id}"
    header = {"X-Mist-Signature-v2": mist.sign("s3cret", body)}
    assert httpx2.post(url, content=body, headers=header).status_code == 204
    found = [e["where"]["locationId"] for e in events(venue, "arriving")]
    assert sorted(found) == ["cafe", "cafe", "other"]


# Mist.


@pytest.fixture
def send_mist(venue, source_secrets):
    made = source_secrets.create(venue.id, "mist", clock.now(), secret=None)

    def send(value, secret=made.secret):
        body = json.dumps(value).encode()
        return httpx2.post(
            f"{venue.server.address}/v1/sources/{made.source.id}",
            content=body,
            headers={"X-Mist-Signature-v2": mist.sign(secret, body)},
        )

    return send


def test_mists_example_of_a_guest_logs_in(venue, send_mist):
    example = json.loads(data("mist-webhook-examples.json").read_text())
    post = example["guest_authorizations"]["Example"]["value"]
    [guest] = post["events"]
    guest["ap"] = AP.replace(":", "")
    for _ in range(2):
        assert send_mist(post).status_code == 204
    kinds = [e["event"]["type"] for e in events(venue)]
    assert kinds == ["signup", "arriving", "login"]
    contact = events(venue, "login")[0]["customerId"]
    path = f"/v1/organizations/{venue.id}/customers/{contact}"
    shown = venue.client.get(path).json()
    assert shown["email"] == guest["email"]
    assert shown["devices"][0]["randomised"] is False


def test_a_mist_post_with_another_signature_is_refused(venue, send_mist):
    assert send_mist({"topic": "zone", "events": []}, "wrong").status_code == 401


def test_an_address_where_nothing_is_received_is_not_found(venue):
    for method in ("GET", "POST"):
        answer = httpx2.request(method, f"{venue.server.address}/v1/sources/nope")
        assert answer.status_code == 404
        assert answer.json()["type"].endswith("source-unknown")


# Plain observations and a captive portal.


def post(tenant, what, value, **more):
    return tenant.client.post(
        f"/v1/organizations/{tenant.id}/{what}", json=value, **more
    )


def test_a_portals_login_is_a_signup_once_and_presence(venue):
    for _ in range(2):
        login = {"email": "ann@example.com", "device": GUEST, "hotspot": "h1"}
        login |= {"at": "2022-07-21T18:41:09Z"}
        answer = post(venue, "logins", login)
        assert answer.status_code == 201, answer.text
        assert answer.json() == {"status": "OK", "accepted": 1, "rejected": []}
    later = [{"device": GUEST, "hotspot": "h1", "at": "2022-07-21T18:51:09Z"}]
    assert post(venue, "observations", {"observations": later}).status_code == 201
    kinds = [e["event"]["type"] for e in events(venue)]
    assert kinds == ["signup", "arriving", "login", "visit"]


def test_observations_come_as_lines_too(venue):
    lines = '{"contact":"c1","location":"cafe","at":1000}\n\n{"contact":"c1"}\n'
    answer = venue.client.post(
        f"/v1/organizations/{venue.id}/observations",
        content=lines,
        headers={"Content-Type": "application/x-ndjson"},
    )
    assert answer.status_code == 201
    [rejected] = answer.json()["rejected"]
    assert rejected["index"] == 1
    assert rejected["errors"][0]["field"] == "location"
    assert [e["customerId"] for e in events(venue)] == ["c1"]


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ({"device": "x", "hotspot": "h1"}, "device"),
        ({"hotspot": "h1"}, "device"),
        ({"device": GUEST, "contact": "c", "hotspot": "h1"}, "device"),
        ({"device": GUEST}, "location"),
        ({"device": GUEST, "hotspot": "h1", "at": "soon"}, "at"),
        ({"device": GUEST, "hotspot": "h1", "at": -5}, "at"),
        ({"device": GUEST, "hotspot": "h1", "at": "9999-01-01T00:00:00Z"}, "at"),
        ({"device": GUEST, "hotspot": "h1", "rssi": 5000}, "rssi"),
        ({"device": GUEST, "hotspot": "h1", "rssi": "-60"}, "rssi"),
        ({"device": GUEST, "hotspot": "nowhere"}, "place"),
        ({"contact": "a\nb", "hotspot": "h1"}, "contact"),
        (5, ""),
    ],
)
def test_an_invalid_observation_is_rejected_with_its_wrong_field(venue, item, field):
    good = {"device": GUEST, "hotspot": "h1"}
    answer = post(venue, "observations", [good, item])
    assert answer.status_code == 201
    assert answer.json()["accepted"] == 1
    [rejected] = answer.json()["rejected"]
    assert rejected["index"] == 1
    assert rejected["errors"][0]["field"] == field
    alone = post(venue, "observations", [item])
    assert alone.status_code == 409
    assert alone.json()["rejected"][0]["errors"][0]["field"] == field


@pytest.mark.parametrize(
    ("item", "field"),
    [
        ({"device": GUEST, "hotspot": "h1"}, "email"),
        ({"email": "x", "hotspot": "h1"}, "email"),
        ({"phone": "123", "hotspot": "h1"}, "phone"),
        ({"username": "ann"}, "hotspot"),
        ({"username": "ann", "hotspot": "nowhere"}, "place"),
    ],
)
def test_an_invalid_login_is_rejected_with_its_wrong_field(venue, item, field):
    answer = post(venue, "logins", [item])
    assert answer.status_code == 409
    assert answer.json()["rejected"][0]["errors"][0]["field"] == field
    assert events(venue) == []


def test_more_observations_than_the_limit_are_too_many(venue):
    many = [{"device": GUEST, "hotspot": "h1"}] * 10_001
    assert post(venue, "observations", many).status_code == 413


def test_a_stay_closes_by_itself_while_the_server_runs(venue):
    over = clock.now() - 15 * 60 * SECOND + 2 * SECOND  # closes in two seconds
    for when in (over - 6 * 60 * SECOND, over):
        at_that = instants.format_instant(when)
        sent = {"contact": "c", "location": "cafe", "at": at_that}
        assert post(venue, "observations", [sent]).status_code == 201
    assert events(venue, "visit") == []
    while not events(venue, "visit"):
        httpx2.get(f"{venue.server.address}/healthz")
    assert events(venue, "visit")[0]["event"]["visit"]["duration"] == 6
