"""What the sender connects to, and what it makes of answers."""

import asyncio
import contextlib
import datetime as dt
import ipaddress
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from footfall.core.webhooks import Answer
from footfall.runtime.webhook_sender import RESOLVERS_EACH, Sender
from tests.receiver import Receiver

LOOPBACK = [ipaddress.ip_network("127.0.0.1/32")]
FORBIDDEN = "the address is not one that webhooks may reach"
HEADERS = {"webhook-id": "msg_1"}

_connected: list[Any] = []
_watching = threading.Event()


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect" and _watching.is_set():
        _connected.append(arguments[1])


sys.addaudithook(_audit)


@contextlib.contextmanager
def connections() -> Iterator[list[Any]]:
    """Yield the addresses to which the process connects, as the system is asked to."""
    _connected.clear()
    _watching.set()
    try:
        yield _connected
    finally:
        _watching.clear()


def send(*urls: str, sender: Sender | None = None, body: bytes = b"{}") -> list[Answer]:
    async def run() -> list[Answer]:
        async with (sender or Sender()).open() as opened:
            return [await opened(url, body, HEADERS, "org") for url in urls]

    return asyncio.run(run())


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.close()


# The hosts of URLs to a port at which a receiver listens.
TARGETS = """
127.0.0.1 127.0.0.2 127.1 127.0.1 127.255.255.254 0 0.0.0.0 0.0.0.1
2130706433 017700000001 0x7f000001 0x7F000001 0x7f.1 0x7f.0.0.1 0177.1 0177.0.0.1
0177.0.0.01 00000177.0.0.1 127.0.0x1 127.0.00.1 0x7f.0x0.0x0.0x1 127.0.0.1.
localhost localhost. LOCALHOST
[::1] [::] [0:0:0:0:0:0:0:1] [0000::0001] [::ffff:127.0.0.1] [::ffff:7f00:1]
[0:0:0:0:0:ffff:7f00:0001] [::FFFF:127.0.0.1] [::ffff:0:127.0.0.1] [::127.0.0.1]
[64:ff9b::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b:1::7f00:1] [2002:7f00:1::]
[2002:7f00:1::1] [2001:0:7f00:1::1] [fe80::1] [fe80::1%25lo] [fec0::1] [fc00::1]
[fd00:ec2::254] [ff02::1] [2001:db8::1] [100::1]
10.0.0.1 10.255.255.255 167772161 012.0.0.1 0xa.0.0.1 172.16.0.1 172.31.255.255
192.168.0.1 192.168.1 3232235521 0xc0a80001 169.254.0.1 169.254.169.254 2852039166
0xa9fea9fe 0251.0376.0251.0376 [::ffff:169.254.169.254] [64:ff9b::a9fe:a9fe]
[2002:a9fe:a9fe::] 100.64.0.1 100.100.100.200 168.63.129.16 192.0.0.192 192.88.99.1
198.18.0.1 203.0.113.1 224.0.0.1 239.255.255.250 255.255.255.255
user@127.0.0.1 user:secret@127.0.0.1 a.example@127.0.0.1 127.0.0.1%40@127.0.0.1
a.example:443@127.0.0.1 127%2e0%2e0%2e1 %31%32%37.0.0.1
\u0661\u0662\u0667.0.0.1 \uff11\uff12\uff17.0.0.1 127\u30020\u30020\u30021
\u2460\u2461\u2466.0.0.1
""".split()  # noqa: SIM905


def test_there_are_at_least_sixty_forms_of_forbidden_targets():
    assert len(set(TARGETS)) >= 60


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_no_form_of_a_forbidden_target_is_connected_to(scheme, receiver):
    urls = [f"{scheme}://{one}:{receiver.port}/hook" for one in TARGETS]
    with connections() as connected:
        answers = send(*urls)
    assert connected == []
    assert receiver.received == []
    taken = [url for url, one in zip(urls, answers, strict=True) if one.status]
    assert taken == []


def test_without_tls_only_what_the_operator_allows_is_connected_to(receiver):
    with connections() as connected:
        [there, elsewhere] = send(
            receiver.url, "http://1.1.1.1/", sender=Sender(LOOPBACK)
        )
    assert (there.status, elsewhere.reason) == (200, FORBIDDEN)
    assert connected == [("127.0.0.1", receiver.port)]


def resolve_to(monkeypatch, *answers):
    """Let names lead to the addresses of each answer in turn."""
    left = list(answers)

    def getaddrinfo(host, port, *_args, **_more):
        addresses = left.pop(0) if len(left) > 1 else left[0]
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_a_name_that_leads_elsewhere_the_next_time_is_looked_at_again(
    receiver, monkeypatch
):
    # The second request finds its connection closed, and must open another.
    receiver.reply = lambda _: None if len(receiver.received) > 1 else (200, {}, b"ok")
    resolve_to(monkeypatch, ["127.0.0.1"], ["127.0.0.9"])
    url = f"http://rebinding.example:{receiver.port}/"

    async def run():
        async with Sender(LOOPBACK).open() as sender:
            answers = [await sender(url, b"{}", HEADERS, "org")]
            sender.forget_names()
            return [*answers, await sender(url, b"{}", HEADERS, "org")]

    with connections() as connected:
        first, second = asyncio.run(run())
    assert first.status == 200
    assert second.status is None
    assert {address for address, _ in connected} == {"127.0.0.1"}


def test_of_several_addresses_only_those_that_are_allowed_are_connected_to(
    receiver, monkeypatch
):
    resolve_to(monkeypatch, ["10.0.0.1", "127.0.0.1", "169.254.169.254"])
    with connections() as connected:
        [answer] = send(
            f"http://mixed.example:{receiver.port}/", sender=Sender(LOOPBACK)
        )
    assert answer.status == 200
    assert connected == [("127.0.0.1", receiver.port)]


def test_an_organizations_slow_names_keep_none_of_anothers_waiting(
    receiver, monkeypatch
):
    asked, answered = threading.Semaphore(0), threading.Event()

    def getaddrinfo(host, port, *_args, **_more):
        if host.startswith("slow"):
            asked.release()
            answered.wait()
        address = ("127.0.0.1", port)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    slow = [
        f"http://slow{n}.example:{receiver.port}/" for n in range(2 * RESOLVERS_EACH)
    ]
    quick = f"http://quick.example:{receiver.port}/"

    async def run():
        async with Sender(LOOPBACK).open() as sender:
            waiting = [
                asyncio.create_task(sender(url, b"{}", HEADERS, "slow")) for url in slow
            ]
            for _ in range(RESOLVERS_EACH):
                await asyncio.to_thread(asked.acquire)
            answer = await sender(quick, b"{}", HEADERS, "quick")
            more = asked.acquire(blocking=False)
            answered.set()
            return answer, more, await asyncio.gather(*waiting)

    answer, more, late = asyncio.run(run())
    assert answer.status == 200
    assert not more
    assert {one.status for one in late} == {200}


def test_a_redirect_is_not_followed(receiver):
    trap = Receiver()
    receiver.reply = lambda _: (307, {"location": trap.url}, b"")
    [answer] = send(receiver.url, sender=Sender(LOOPBACK))
    trap.close()
    assert answer.status == 307
    assert not answer.succeeded
    assert trap.received == []


def test_a_proxy_of_the_environment_is_not_used(receiver, monkeypatch):
    trap = Receiver()
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, trap.url)
    [answer] = send(receiver.url, sender=Sender(LOOPBACK))
    trap.close()
    assert answer.status == 200
    assert trap.received == []


def test_the_first_kilobyte_of_an_answer_is_kept(receiver):
    receiver.reply = lambda _: (200, {}, b"x" * 5_000_000)
    [answer] = send(receiver.url, sender=Sender(LOOPBACK))
    assert answer.body == b"x" * 1_024


def test_an_answer_that_is_packed_is_not_unpacked(receiver):
    receiver.reply = lambda _: (200, {"content-encoding": "gzip"}, b"no gzip")
    [answer] = send(receiver.url, sender=Sender(LOOPBACK))
    assert answer.body == b"no gzip"


def test_a_wait_that_the_endpoint_asks_for_is_read(receiver):
    receiver.reply = lambda _: (429, {"retry-after": "7"}, b"")
    [answer] = send(receiver.url, sender=Sender(LOOPBACK))
    assert (answer.status, answer.retry_after) == (429, 7_000_000)


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"", "no answer within"),
        (b"HTTP/1.1 200 OK\r\n", "no answer within"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx", "no answer within"),
        (b"SSH-2.0-x\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 20_000, "not HTTP"),
        (None, "closed"),
    ],
)
def test_an_answer_that_does_not_end_or_is_none_has_a_reason(sent, reason):
    """A server that sends a part, and then nothing; or hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        held = []

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listening.accept()
                    client.recv(65_536)
                    if sent is None:
                        client.close()
                    else:
                        client.sendall(sent)
                        held.append(client)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        [answer] = send(url, sender=Sender(LOOPBACK, timeout_s=0.3))
        assert answer.status is None
        assert reason in (answer.reason or "")
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
        for client in held:
            client.close()


def test_a_refused_connection_and_an_unknown_name_have_their_reasons():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    refused, unknown = send(
        f"http://127.0.0.1:{port}/", "https://nowhere.invalid/", sender=Sender(LOOPBACK)
    )
    assert refused.reason == "the connection was refused"
    assert unknown.reason == "the name is not known"


# -- TLS ---------------------------------------------------------------------------


@pytest.fixture
def secure(tmp_path):
    """A server with a certificate for hooks.example, and who trusts that."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hooks.example")])
    today = dt.datetime.now(dt.UTC)  # noqa: TID251  of a real certificate
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("hooks.example")]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "hooks.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(pem)
    receiver = Receiver(serving)
    yield receiver, ssl.create_default_context(cafile=pem)
    receiver.close()


def test_the_certificate_must_be_of_the_name_though_the_address_is_connected_to(
    secure, monkeypatch
):
    receiver, trusted = secure
    resolve_to(monkeypatch, ["127.0.0.1"])
    urls = [f"https://{name}.example:{receiver.port}/" for name in ("hooks", "other")]
    right, wrong = send(*urls, sender=Sender(LOOPBACK, trusted))
    assert right.status == 200
    assert wrong.reason == "the certificate does not hold"
    assert len(receiver.received) == 1


def test_a_certificate_that_nobody_vouches_for_is_refused(secure, monkeypatch):
    receiver, _ = secure
    resolve_to(monkeypatch, ["127.0.0.1"])
    [answer] = send(f"https://hooks.example:{receiver.port}/", sender=Sender(LOOPBACK))
    assert answer.reason == "the certificate does not hold"
    assert receiver.received == []
