"""Lists and synchronization, on a real server."""

import asyncio
import datetime as dt
import subprocess
import sys

import pytest

import footfall
from footfall import AsyncClient
from footfall.client import Event, errors
from footfall.core.access import Role
from tests.conftest import EXAMPLE, event


def ids(events):
    return [one.id for one in events]


def made(count, **changes):
    return [event(f"{number:032x}l", **changes) for number in range(count)]


def test_a_list_gives_everything_whatever_the_size_of_its_pages(tenant, client):
    tenant.send(made(25))
    expected = tenant.ids()
    for page_size in (1, 7, 25, 10_000):
        assert ids(client.events.list(page_size=page_size)) == expected
    pages = list(client.events.list(page_size=10).pages())
    assert [len(page) for page in pages] == [10, 10, 5]


def test_a_list_can_be_read_again(tenant, client):
    tenant.send(made(3))
    events = client.events.list()
    assert ids(events) == ids(events)


def test_the_filters_of_a_list_are_those_of_the_api(tenant, client):
    tenant.send(made(2, customerId="ann"))
    later = {"createdAt": "2026-05-02T10:00:00Z"}
    tenant.send(event("visit", event={"type": "visit", "id": "visit"}, when=later))
    listed = client.events.list
    assert ids(listed(types=["visit", "promo"])) == ["visit"]
    assert len(ids(listed(contact="ann"))) == 2
    assert ids(listed(date_start=dt.date(2026, 5, 2))) == ["visit"]
    noon = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
    assert len(ids(listed(date_end=noon))) == 2
    assert next(iter(listed(sort_by="utcTime", sort_reverse=True))).id == "visit"


def test_unknown_fields_and_spellings_are_kept(tenant, client):
    sent = event("id", extra={"deep": [1.5, None, "ü"]})
    sent["event"]["also"] = 10**25
    tenant.send(sent)
    [one] = client.events.list()
    assert one.to_dict() == sent | {"organizationId": tenant.id}


def test_the_example_is_typed_and_comes_back_equal(tenant, client):
    sent = [one | {"organizationId": tenant.id} for one in EXAMPLE]
    tenant.send(sent)
    found = list(client.events.list(sort_by="receivedTime"))
    assert [one.to_dict() for one in found] == sent
    visit = next(one for one in found if one.type == "visit")
    assert visit.event.visit.duration == 15
    assert visit.where.location_name == "Ivan Home"
    assert visit.when.timezone == "America/Los_Angeles"
    assert visit.created_at.isoformat() == "2022-07-21T18:56:23+00:00"
    assert not visit.withdrawn


def test_dicts_are_nested_or_flat(tenant, client):
    tenant.send(event("id"))
    [nested] = client.events.list().to_dicts()
    [flat] = client.events.list().to_dicts(flat=True)
    assert nested["event"]["id"] == flat["event.id"] == "id"
    assert flat["when.timezone"] == "Europe/Rome"


def test_sync_gives_all_and_then_what_arrived_since(tenant, client):
    tenant.send(made(3))
    events, token = client.events.sync()
    assert len(events) == 3
    again, same = client.events.sync(after=token)
    assert again == []
    late = {"createdAt": "2020-01-01T00:00:00Z"}
    tenant.send(event("late", when=late))
    events, _ = client.events.sync(after=same)
    assert ids(events) == ["late"]


def test_sync_of_an_empty_organization_gives_a_token_to_come_back_with(tenant, client):
    events, token = client.events.sync()
    assert events == []
    tenant.send(event("first"))
    assert ids(client.events.sync(after=token).events) == ["first"]


def test_a_withdrawn_event_says_so():
    body = b'{"customerId":"c","event":{"type":"visit","id":"x","withdrawn":true}}'
    assert Event(body).withdrawn
    assert not Event(body.replace(b"true", b'"no"')).withdrawn
    assert not Event(body.replace(b'"withdrawn":true', b'"note":"withdrawn"')).withdrawn


def test_an_event_with_other_types_than_documented_is_still_kept():
    odd = Event(b'{"customerId":7,"event":{"type":"visit"}}')
    with pytest.raises(errors.EventUnreadable, match="customerId"):
        _ = odd.type
    assert odd.to_dict()["customerId"] == 7
    with pytest.raises(errors.EventUnreadable, match=r"when\.createdAt"):
        _ = Event(b'{"customerId":"c","event":{"type":"visit"}}').created_at


def test_a_history_is_the_whole_of_it_by_date(tenant, client):
    tenant.send(made(25))
    tenant.send(event("old", when={"createdAt": "2020-01-01T00:00:00Z"}))
    parts = list(client.events.history(page_size=10))
    found = [one.id for events, _ in parts for one in events]
    assert (found[0], len(set(found)), len(found)) == ("old", 26, 26)
    [*_, last] = list(client.events.history(parts[1].position, page_size=10))
    assert [ids(part.events) for part in parts[2:]] == [ids(last.events)]


def test_both_clients_read_the_same(tenant, client, credential):
    tenant.send(made(25))

    async def read():
        async with AsyncClient(
            credential.base_url,
            organization=tenant.id,
            client_key=credential.client_key,
            client_secret=credential.client_secret,
        ) as other:
            listed = other.events.list(page_size=10)
            return (
                [one async for one in listed],
                await listed.to_dicts(flat=True),
                await other.events.sync(),
                [part.events async for part in other.events.history(page_size=10)],
            )

    listed, dicts, (synced, token), parts = asyncio.run(read())
    assert listed == list(client.events.list())
    assert dicts == client.events.list().to_dicts(flat=True)
    assert synced == client.events.sync().events
    assert client.events.sync(after=token).events == []
    assert [one for part in parts for one in part] == listed


def test_an_error_has_its_code_its_fields_and_the_id_of_the_log(tenant, client):
    with pytest.raises(errors.RequestInvalid) as raised:
        list(client.events.list(types=["lgin"], sort_by="when"))
    error = raised.value
    assert (error.status, error.code) == (409, "parameter-invalid")
    assert {one.field for one in error.errors} == {"events", "sortBy"}
    assert error.request_id
    assert error.request_id in str(error)
    if not tenant.server.chosen.is_postgres:
        # The server writes its lines together, a moment later.
        asked = range(1000)
        assert any(
            list(client.events.list()) or error.request_id in tenant.server.log
            for _ in asked
        )


def test_each_status_has_its_error(tenant, other_tenant, credential_of):
    with credential_of(tenant).client() as client:
        with pytest.raises(errors.ResourceUnknown):
            list(client.events.list(contact="nobody"))
        client.events._organization = other_tenant.id
        with pytest.raises(errors.Forbidden):
            client.events.sync()
    sender = credential_of(tenant, Role.PUBLIC_APP, ("events_write",))
    with sender.client() as client, pytest.raises(errors.Forbidden) as raised:
        client.events.sync()
    assert raised.value.code == "not-allowed"
    wrong = credential_of(tenant)
    wrong.client_secret = "x" * 32
    with wrong.client() as client, pytest.raises(errors.CredentialsRefused):
        client.events.sync()


def test_what_cannot_be_sent_is_said_before_it_is_sent(client, credential):
    for filters in (
        {"page_size": 0},
        {"date_start": dt.datetime(2026, 5, 1)},  # noqa: DTZ001
        {"contact": ""},
    ):
        with pytest.raises(errors.ArgumentInvalid):
            list(client.events.list(**filters))
    credential.base_url = "footfall.example"
    with pytest.raises(errors.ArgumentInvalid, match="https://"):
        credential.client()
    credential.base_url = "https://user:s3cret@footfall.example"
    with pytest.raises(errors.ArgumentInvalid, match="no password") as raised:
        credential.client()
    assert "s3cret" not in str(raised.value)
    credential.base_url, credential.client_secret = "http://x", ""
    with pytest.raises(errors.ArgumentInvalid, match="client_secret"):
        credential.client()


def test_a_token_is_fetched_again_when_it_is_refused(tenant, client):
    tenant.send(made(3))
    assert len(list(client.events.list())) == 3
    access = client._transport._access
    access._token = access._token[:-4] + "AAAA"
    assert len(list(client.events.list())) == 3


def test_a_token_is_fetched_again_before_it_expires(tenant, client):
    list(client.events.list())
    access = client._transport._access
    first = access.token
    access._expires_at = 0
    list(client.events.list())
    assert access.token != first


def test_a_token_alone_suffices(tenant, credential):
    tenant.send(event("id"))
    token = tenant.client.headers["Authorization"].removeprefix("Bearer ")
    credential.client_key = credential.client_secret = None
    with credential.client(token=token) as client:
        assert ids(client.events.list()) == ["id"]


IMPORT = """
import sys, time
began = time.process_time()
from footfall import Client
print(time.process_time() - began)
for name in ("litestar", "apsw", "granian", "psycopg", "cyclopts", "footfall.store"):
    assert name not in sys.modules, name
"""


def test_importing_the_client_is_fast_and_loads_no_server():
    def once():
        done = subprocess.run(
            [sys.executable, "-c", IMPORT],
            capture_output=True,
            text=True,
            check=True,
            env={},  # measuring coverage takes time too
        )
        return float(done.stdout)

    # Others use the machine too: the fastest tells what it takes.
    assert min(once() for _ in range(3)) < 0.15


def test_footfall_has_only_what_it_has():
    with pytest.raises(AttributeError, match="Clint"):
        _ = footfall.Clint
