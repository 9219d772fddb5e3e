"""Connections and headers: what a client gets, and what it does not."""

import contextlib
import re
import socket
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.conftest import event

# How long the server lets a connection be silent, and more for a busy machine.
SILENT_S = 10
PATIENCE_S = 25


@contextlib.contextmanager
def connected(server):
    parts = urlsplit(server.address)
    with socket.create_connection((parts.hostname, parts.port), PATIENCE_S) as client:
        yield client


@pytest.mark.parametrize(
    "said",
    [b"PRI * HTTP/2.0\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ids=["half a preface", "a preface"],
)
def test_http_2_is_closed_at_once(server, said):
    with connected(server) as client:
        client.sendall(said)
        wait_until_closed(client)


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_connections_that_say_nothing_or_too_little_are_closed(server):
    said = [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n"]
    # All at once, because each waits for the server's 10 s.
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connected(server)) for _ in said]
        for client, some in zip(clients, said, strict=True):
            client.sendall(some)
        for client in clients:
            wait_until_closed(client)


@pytest.mark.parametrize("length", [b"", b"x", b"-1", b"1, 2"])
@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_a_length_that_is_no_number_is_refused_before_it_gets_here(server, length):
    """Granian's HTTP library (hyper) answers; it asks no application for a body."""
    with connected(server) as client:
        client.sendall(
            b"GET /v3/hotspots/organizations/x HTTP/1.1\r\nHost: x\r\n"
            b"Content-Length: " + length + b"\r\n\r\n"
        )
        said = b"".join(iter(lambda: client.recv(4096), b""))
    head, _, body = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-length: 0" in head
    assert body == b""


def wait_until_closed(client):
    """Return once the server has closed the connection; else the socket times out."""
    while client.recv(4096):
        pass


def test_many_silent_connections_hold_up_nobody(server):
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            client = stack.enter_context(connected(server))
            client.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert httpx2.get(f"{server.address}/healthz", timeout=PATIENCE_S).text == "ok"


def requests_counted(server, route, status):
    text = httpx2.get(f"{server.address}/metrics").text
    labels = f'{{method="POST",route="{route}",status="{status}"}}'
    line = rf"footfall_requests_total{re.escape(labels)} (\d+)"
    found = re.search(line, text)
    return int(found[1]) if found else 0


EVENTS = "/v1/organizations/{cid}/events"


def head(tenant, more):
    authorization = tenant.client.headers["Authorization"]
    return (
        f"POST {tenant.events_path} HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: {authorization}\r\n{more}\r\n\r\n"
    ).encode()


def test_malformed_chunks_are_a_400(server, tenant):
    before = requests_counted(server, EVENTS, 400)
    with connected(server) as client:
        client.sendall(head(tenant, "Transfer-Encoding: chunked") + b"zz\r\nabc\r\n")
        assert client.recv(4096).startswith(b"HTTP/1.1 400 ")
    assert requests_counted(server, EVENTS, 400) == before + 1


def test_a_client_that_hangs_up_is_a_400_in_the_metrics(server, tenant):
    before = requests_counted(server, EVENTS, 400)
    with connected(server) as client:
        client.sendall(head(tenant, "Content-Length: 100") + b"[")
    # Until the server has noticed.
    while requests_counted(server, EVENTS, 400) == before:
        pass
    assert requests_counted(server, EVENTS, 500) == 0


@pytest.mark.parametrize(
    "path",
    ["/healthz", "/readyz", "/metrics", "/docs", "/openapi.json", "events", "/nowhere"],
)
def test_head_answers_as_get_does_without_a_body(server, tenant, path):
    tenant.send(event())
    path = tenant.events_path if path == "events" else path
    got, head_only = tenant.client.get(path), tenant.client.head(path)
    assert head_only.status_code == got.status_code
    assert head_only.content == b""
    assert head_only.headers["content-type"] == got.headers["content-type"]


def test_a_wrong_method_is_answered_with_the_allowed_ones(tenant):
    answer = tenant.client.put(tenant.events_path)
    assert answer.status_code == 405
    assert {"GET", "HEAD", "POST"} <= set(answer.headers["allow"].split(", "))


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("events", 200),
        ("/nowhere", 404),
        ("/v1/locations/nowhere", 404),
        ("/metrics", 200),
    ],
)
def test_answers_are_neither_cached_nor_sniffed(tenant, path, status):
    tenant.send(event())
    answer = tenant.client.get(tenant.events_path if path == "events" else path)
    assert answer.status_code == status
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_pages_run_only_their_own_scripts_and_cannot_be_framed(server):
    answer = httpx2.get(f"{server.address}/docs")
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert not re.search(r"<script>|\son\w+=|style=", answer.text)
    for script in re.findall(r'src="(.*?)"', answer.text):
        assert httpx2.get(f"{server.address}{script}").status_code == 200


def test_only_the_docs_own_files_may_be_cached(server):
    answer = httpx2.get(f"{server.address}/docs/assets/swagger-ui.css")
    assert "no-store" not in answer.headers.get("cache-control", "")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_an_answer_says_how_long_its_connection_stays_open(server):
    answer = httpx2.get(f"{server.address}/healthz")
    assert answer.headers["Keep-Alive"] == "timeout=10"
