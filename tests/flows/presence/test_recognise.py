"""Unknown senders cannot make packets costly, and cannot mute anybody."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core.instants import SECOND
from footfall.flows.accounts import tenants
from footfall.flows.accounts.source_secrets import SourceSecrets
from footfall.flows.presence import recognise
from footfall.flows.presence.recognise import (
    Candidate,
    Recogniser,
    SenderThrottled,
    UnknownSender,
)
from footfall.runtime.keys import derive_key
from footfall.store.transaction import Source

NOW = 1_700_000_000 * SECOND
UNUSED: Any = None  # by a recogniser that gets its sources
NAS, STRANGER = "192.0.2.1", "198.51.100.66"


class CountingSecrets(SourceSecrets):
    """Counts the secrets that were opened."""

    opened = 0

    def open(self, source):
        self.opened += 1
        return super().open(source)


class Check:
    """A packet made with one secret; counts the hashes it costs."""

    def __init__(self, secret=""):
        self.secret, self.tries = secret.encode(), 0

    def __call__(self, secret):
        self.tries += 1
        return secret == self.secret


@pytest.fixture
def source_secrets(store):
    return CountingSecrets(store, derive_key("x" * 32, "source", 64))


@pytest.fixture
def organization(store):
    return tenants.create_organization(store, "Test", None, NOW).id


@pytest.fixture
def make(source_secrets, organization):
    def make(secret, *networks, kind="radius"):
        made = source_secrets.create(
            organization, kind, NOW, secret=secret, networks=networks, validator="v"
        )
        return made.source

    return make


def refused(recogniser, address, check, now=NOW):
    with pytest.raises((UnknownSender, SenderThrottled)) as error:
        recogniser.recognise(address, check, now)
    return error.type


def test_secrets_are_opened_once_and_sources_read_once_a_second(
    store, source_secrets, make
):
    for number in range(5):
        make(f"secret-{number}")
    make("secret-5", kind="meraki")
    recogniser = Recogniser(store, source_secrets)
    for step in range(50):
        recogniser.renew(NOW + step * SECOND)
        found = recogniser.recognise(NAS, Check("secret-3"), NOW)
        assert found.secret == b"secret-3"
    assert len(recogniser) == 5
    assert source_secrets.opened == 5
    make("secret-6")
    recogniser.renew(NOW + 60 * SECOND)
    assert len(recogniser) == source_secrets.opened == 6


def test_a_source_is_heard_within_a_second_and_a_deleted_one_no_more(
    store, source_secrets, make, organization
):
    recogniser = Recogniser(store, source_secrets)
    recogniser.renew(NOW)
    source = make("secret-0")
    recogniser.renew(NOW + SECOND - 1)
    assert refused(recogniser, NAS, Check("secret-0")) is UnknownSender
    recogniser.renew(NOW + SECOND)
    assert recogniser.recognise(NAS, Check("secret-0"), NOW).source == source
    store.transaction(
        organization, lambda transaction: transaction.sources.delete(source.id)
    ).result()
    recogniser.renew(NOW + 2 * SECOND)
    assert refused(recogniser, NAS, Check("secret-0")) is UnknownSender
    make("secret-1")
    recogniser.renew(NOW - 3600 * SECOND)  # the clock was set back
    assert len(recogniser) == 1


def test_a_source_sealed_under_another_secret_is_skipped(store, source_secrets, make):
    other = SourceSecrets(store, derive_key("y" * 32, "source", 64))
    organization = make("secret-0").organization
    sealed = other.create(organization, "radius", NOW, secret="secret-1").source
    make("secret-2")
    recogniser = Recogniser(store, source_secrets)
    recogniser.renew(NOW)
    assert len(recogniser) == 2
    assert recogniser.recognise(NAS, Check("secret-2"), NOW).secret == b"secret-2"
    assert not source_secrets.can_open(sealed)


def test_no_secret_is_tried_for_an_address_that_no_source_names(
    store, source_secrets, make
):
    make("secret-0", "192.0.2.0/24", "2001:db8::/32")
    recogniser = Recogniser(store, source_secrets)
    recogniser.renew(NOW)
    for address in (STRANGER, "2001:db9::1", "192.0.3.1"):
        check = Check("secret-0")
        assert refused(recogniser, address, check) is UnknownSender
        assert check.tries == 0
    for address in (NAS, "::ffff:192.0.2.7", "2001:db8:1::1"):
        recogniser.recognise(address, Check("secret-0"), NOW)


ADDRESSES = st.ip_addresses()


@given(address=ADDRESSES, network=ADDRESSES, length=st.integers(0, 128))
def test_a_network_is_looked_up_as_ipaddress_says(address, network, length):
    import ipaddress  # noqa: PLC0415  beside its use

    length = min(length, network.max_prefixlen)
    named = ipaddress.ip_network((int(network), length), strict=False)
    if network.version == 4:
        named = ipaddress.ip_network(f"{network}/{length}", strict=False)
    recogniser = Recogniser(UNUSED, UNUSED)
    recogniser._arrange([candidate(0, str(named))])
    mapped = getattr(address, "ipv4_mapped", None)
    inside = (mapped or address) in named
    assert bool(recogniser._candidates(str(address))) == inside


def candidate(number, *networks):
    source = Source(str(number), "org", "radius", NOW, b"", networks=networks)
    return Candidate(source, f"secret-{number}".encode())


@pytest.fixture
def crowded():
    """A hundred sources that may be anywhere."""
    recogniser = Recogniser(UNUSED, UNUSED)
    recogniser._arrange([candidate(number) for number in range(100)])
    return recogniser


def test_an_address_that_only_fails_is_slowed(crowded):
    tries, slowed = [Check() for _ in range(14_500)], 0
    for step, check in enumerate(tries):  # 1,450 a second for 10 s
        now = NOW + step * SECOND // 1450
        slowed += refused(crowded, STRANGER, check, now) is SenderThrottled
    hashes = sum(check.tries for check in tries)
    rate = recognise.TRIES_OF_ADDRESS
    assert hashes <= rate.burst + 10 * rate.amount
    assert slowed > 12_000
    assert refused(crowded, NAS, Check(), NOW + 10 * SECOND) is UnknownSender


def test_a_known_nas_costs_one_hash_whoever_shares_its_address(crowded):
    crowded.recognise(NAS, Check("secret-70"), NOW)
    for _ in range(2_000):
        refused(crowded, NAS, Check())
    assert refused(crowded, NAS, Check()) is SenderThrottled
    for _ in range(100):
        check = Check("secret-70")
        assert crowded.recognise(NAS, check, NOW).source.id == "70"
        assert check.tries == 1


def test_a_nas_that_is_new_at_a_flooded_address_is_recognised_in_time(crowded):
    for second in range(100):
        now = NOW + second * SECOND
        for _ in range(1_000):
            refused(crowded, NAS, Check(), now)
        try:
            crowded.recognise(NAS, Check("secret-9"), now + SECOND // 100)
            break
        except SenderThrottled:
            continue
    else:
        pytest.fail("it was muted")


def test_good_packets_use_up_nothing(crowded):
    for number in range(5_000):
        crowded.recognise(NAS, Check(f"secret-{number % 100}"), NOW)


def test_made_up_addresses_are_bounded_in_hashes_and_in_memory(crowded):
    hashes = 0
    for number in range(30_000):
        check = Check()
        refused(crowded, f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", check)
        hashes += check.tries
    assert hashes <= recognise.TRIES_OF_ALL.burst
    assert len(crowded._tries) <= recognise.ADDRESSES_MAX
    assert not crowded._known


def test_known_addresses_are_bounded_in_memory(crowded):
    for number in range(recognise.ADDRESSES_MAX + 100):
        address = f"10.0.{number >> 8 & 255}.{number & 255}"
        now = NOW + number * SECOND
        for source in range(2):
            crowded.recognise(address, Check(f"secret-{source}"), now)
    assert len(crowded._known) == recognise.ADDRESSES_MAX


def test_with_too_many_sources_to_try_each_gets_its_turn():
    recogniser = Recogniser(UNUSED, UNUSED)
    count = recognise.CANDIDATES_MAX * 2 + 500
    recogniser._arrange([candidate(number) for number in range(count)])
    for at, wanted in enumerate((0, 999, 1000, 2300, count - 1)):
        for step in range(10 * at, 10 * at + 6):
            check = Check(f"secret-{wanted}")
            try:
                recogniser.recognise(
                    f"10.0.0.{wanted % 256}", check, NOW + step * SECOND
                )
                break
            except UnknownSender:
                assert check.tries == recognise.CANDIDATES_MAX
        else:
            pytest.fail(f"{wanted} was never tried")
