"""Where webhooks may lead, and where they may not."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core.targets import may_connect, wrong_url

PRIVATE = [
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "100.64.0.0/10",
    "0.0.0.0/8",
    "192.0.0.0/24",
    "198.18.0.0/15",
    "192.88.99.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "192.0.2.0/24",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "::1/128",
    "::/128",
    "::/96",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
    "64:ff9b::/96",
    "64:ff9b:1::/48",
    "2002::/16",
    "2001::/32",
    "2001:db8::/32",
    "100::/64",
    "5f00::/16",
    "3fff::/20",
]
METADATA = ["169.254.169.254", "100.100.100.200", "168.63.129.16", "fd00:ec2::254"]
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "93.184.215.14",
    "172.15.9.9",
    "100.63.0.1",
    "2606:4700::1",
]


@pytest.mark.parametrize("network", PRIVATE)
def test_an_address_of_a_special_network_is_closed(network):
    found = ipaddress.ip_network(network)
    for at in (0, found.num_addresses // 2, found.num_addresses - 1):
        assert not may_connect(str(found[at])), found[at]


@pytest.mark.parametrize("address", METADATA)
def test_the_metadata_of_clouds_is_closed(address):
    assert not may_connect(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_addresses_of_the_internet_are_open(address):
    assert may_connect(address)
    assert not may_connect(address, public=False)


@given(st.ip_addresses(v=4))
def test_an_address_in_another_spelling_of_ipv6_is_no_more_open(address):
    if address.is_global:
        return
    number = int(address)
    for prefix in (0, 0xFFFF << 32, 0x64FF9B << 96, 0x2002 << 112 | number << 80):
        assert not may_connect(str(ipaddress.IPv6Address(prefix | number)))


@given(st.ip_addresses())
def test_whatever_is_open_is_global_for_python_too(address):
    if may_connect(str(address)):
        assert address.is_global
        assert not address.is_multicast


def test_the_operator_opens_a_network_and_only_that():
    allowed = [ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("fd00::/8")]
    assert may_connect("10.1.2.3", allowed)
    assert may_connect("::ffff:10.1.2.3", allowed)
    assert may_connect("fd00::1%eth0", allowed, public=False)
    assert not may_connect("10.2.0.1", allowed)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://a.example/", "https://"),
        ("ftp://a.example/", "https://"),
        ("https:///path", "host"),
        ("a.example", "https://"),
        ("", "https://"),
        ("https://user@a.example/", "user name"),
        ("https://:secret@a.example/", "password"),
        ("https://a.example/#part", "fragment"),
        ("https://a.example:99999/", "URL"),
        ("https://a.example:x/", "URL"),
        ("https://[::1/", "URL"),
        ("https://a.example/ b", "percent-encoded"),
        ("https://a.example\\@127.0.0.1/", "percent-encoded"),
        ("https://a.example/\r\nx: y", "percent-encoded"),
        ("https://\u24d0.example/", "percent-encoded"),
        ("https://127.0.0.1/", "may not reach"),
        ("https://127.1/", "unusual"),
        ("https://2130706433/", "unusual"),
        ("https://0x7f000001/", "unusual"),
        ("https://0177.0.0.01./", "unusual"),
        ("https://[::ffff:10.0.0.1]/", "may not reach"),
        ("https://a.example/" + "x" * 2_048, "at most 2048"),
    ],
)
def test_a_url_that_cannot_work_is_refused_early(url, reason):
    assert reason in (wrong_url(url) or "")


def test_urls_that_can_work_are_taken():
    assert wrong_url("https://a.example:8443/hooks/%C3%A4?x=1") is None
    allowed = [ipaddress.ip_network("127.0.0.1")]
    assert wrong_url("http://127.0.0.1:8080/", allowed) is None
    assert wrong_url("http://internal/", allowed) is None
    assert wrong_url("http://1.1.1.1/", allowed) is not None
