"""Limits come before work: sizes, turns and secrets."""

import asyncio
import gzip
import json
import random
import re
import socket
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest
import zstandard

from footfall import clock
from footfall.core.events.types import unknown_type
from footfall.errors import Overloaded, TooLarge, TooManyRequests
from footfall.flows.accounts import source_secrets
from footfall.web import payload
from footfall.web.intake import LARGE_TURNS, Intake
from tests.conftest import event

MB = 1024 * 1024
EMPTY = gzip.compress(b"")


def unpack(data, encoding, size_max=MB):
    return payload._unpacked(data, encoding, size_max)


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
@pytest.mark.parametrize("size", [0, 1, 1_000, 300_000, MB])
@pytest.mark.parametrize("parts", [1, 2, 7])
def test_a_body_packed_in_parts_is_unpacked_whole(encoding, size, parts):
    data = random.Random(size).randbytes(size // 2) + b"x" * (size - size // 2)
    pack = gzip.compress if encoding == "gzip" else zstandard.compress
    cut = [data[n * size // parts : (n + 1) * size // parts] for n in range(parts)]
    assert unpack(b"".join(map(pack, cut)), encoding) == data


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_body_of_too_many_packed_members_is_too_large(encoding):
    empty = EMPTY if encoding == "gzip" else zstandard.compress(b"")
    assert unpack(empty * payload.MEMBERS_MAX, encoding) == b""
    with pytest.raises(TooLarge, match="members"):
        unpack(empty * 200_000, encoding)


def test_unpacking_stops_at_the_first_byte_too_many():
    bomb = zlib.compressobj(wbits=31)
    data = b"".join(bomb.compress(bytes(MB)) for _ in range(100)) + bomb.flush()
    steps = payload._gzip(data)
    with pytest.raises(TooLarge):
        unpack(data, "gzip", 2 * MB)
    assert max(len(next(steps)) for _ in range(20)) <= 256 * 1024


def test_bytes_in_flight_are_counted_by_sender_and_together():
    intake = Intake(total=100, share=60)
    with intake.lease("a") as first, intake.lease("b") as second:
        first.grow(60)
        with pytest.raises(TooManyRequests):
            first.grow(1)
        second.grow(40)
        with pytest.raises(Overloaded), intake.lease("c") as third:
            third.grow(1)
        assert intake.used == 100
    assert intake.used == 0


def test_each_sender_has_one_turn_for_large_bodies_and_all_together_a_few():
    async def main():
        intake, most, now = Intake(), 0, 0
        own: dict[str, int] = {}

        async def work(who):
            nonlocal most, now
            async with intake.large.of(who):
                now += 1
                own[who] = own.get(who, 0) + 1
                assert own[who] == 1
                most = max(most, now)
                for _ in range(3):
                    await asyncio.sleep(0)
                own[who] -= 1
                now -= 1

        await asyncio.gather(*(work(f"who {n % 5}") for n in range(40)))
        assert not len(intake.large)
        return most

    assert asyncio.run(main()) == LARGE_TURNS


def peak_mb(server):
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1024


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_packed_bodies_of_32_mib_take_a_few_turns_of_memory(server, tenant):
    bomb = gzip.compress(b"[" + b" " * (32 * MB - 3) + b"]")
    headers = dict(tenant.client.headers) | {"Content-Encoding": "gzip"}
    before = peak_mb(server)

    def send(_):
        url = f"{server.address}{tenant.events_path}"
        return httpx2.post(url, content=bomb, headers=headers, timeout=60).status_code

    with ThreadPoolExecutor(12) as pool:
        assert set(pool.map(send, range(24))) == {409}
    assert peak_mb(server) - before < 250


def test_more_items_than_allowed_are_refused_whatever_they_are(tenant):
    for body in (b"[" + b"[]," * 1_000_000 + b"[]]", b"[" + b"{}," * 10_000 + b"{}]"):
        answer = tenant.client.post(tenant.events_path, content=body)
        assert answer.status_code == 413, answer.text
        assert "10000" in answer.json()["detail"]
    for what in ("observations", "logins"):
        path = tenant.events_path.replace("events", what)
        for body in (b"[" + b"{}," * 10_000 + b"{}]", b"{}\n" * 10_001):
            lines = {"Content-Type": "application/x-ndjson"} if b"\n" in body else {}
            assert (
                tenant.client.post(path, content=body, headers=lines).status_code == 413
            )


def test_the_nearest_type_is_named_for_short_names_only():
    assert "nearest is 'click_email'" in unknown_type("clik_email")
    assert "nearest" not in unknown_type("x" * 65)


@pytest.fixture
def make_source(tenant, server):
    source_secrets = server.source_secrets(tenant.store)

    def make(kind):
        made = source_secrets.create(tenant.id, kind, clock.now(), validator="v")
        return f"/v1/sources/{made.source.id}"

    return make


def ask_with_no_body(server, path, headers):
    """Announce a body and send none of it; return the status that comes."""
    parts = urlsplit(server.address)
    with socket.create_connection((parts.hostname, parts.port), 30) as client:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n{headers}\r\n"
        )
        client.sendall(head.encode())
        return client.recv(4096)[9:12]


@pytest.mark.parametrize("kind", ["freeradius", "mist"])
def test_a_post_without_a_secret_is_refused_before_its_body_is_read(
    server, make_source, kind
):
    assert kind in source_secrets.KINDS
    assert ask_with_no_body(server, make_source(kind), "") == b"401"


def test_a_post_to_nowhere_is_refused_before_its_body_is_read(server):
    assert ask_with_no_body(server, "/v1/sources/nowhere", "") == b"404"


def test_a_request_without_a_token_is_refused_before_its_body_is_read(server, tenant):
    assert ask_with_no_body(server, tenant.events_path, "") == b"401"


def test_a_vendors_post_may_not_be_as_large_as_a_batch(server, make_source):

    answer = httpx2.post(
        f"{server.address}{make_source('meraki')}", content=b" " * (9 * MB), timeout=30
    )
    assert answer.status_code == 413


def test_a_rejected_event_makes_no_contact_known(tenant):
    first = event(customerId="known")
    tenant.send(first)
    answer = tenant.send([first | {"customerId": "somebody else"}])
    assert answer.status_code == 409
    path = f"/v1/organizations/{tenant.id}/customers/somebody%20else/events"
    assert tenant.client.get(path).status_code == 404


def test_ids_that_differ_in_blanks_are_different(tenant):
    plain = "ab" * 16 + "l"
    blank = "ab " * 10 + "abl"
    assert len(blank) == len(plain)
    tenant.send([event(plain), event(blank)])
    assert tenant.ids() == [plain, blank]


@pytest.mark.parametrize("number", ["1e400", "9" * 400, "1" * 5_000])
def test_a_number_beyond_a_double_is_refused_wherever_it_is_sent(tenant, number):
    body = json.dumps(event(x=0)).replace('"x": 0', f'"x": {number}')
    answer = tenant.client.post(tenant.events_path, content=body)
    assert answer.status_code == 409
    assert "send it as text" in answer.text
    for what in ("customers", "locations"):
        path = tenant.events_path.replace("events", what)
        answer = tenant.client.post(path, content=f'{{"name":"x","x":{number}}}')
        assert answer.status_code == 409, answer.text
    for what in ("observations", "logins"):
        path = tenant.events_path.replace("events", what)
        item = f'{{"at":{number},"rssi":{number},"device":"0c8ddb001122"}}'
        assert tenant.client.post(path, content=item).status_code == 409
