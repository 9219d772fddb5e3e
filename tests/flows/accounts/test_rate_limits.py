"""What fails is counted before it is tried; what proves itself is given back."""

import asyncio
import contextlib

import pytest

from footfall.core.instants import SECOND
from footfall.errors import CredentialsWrong, StoreError, TooManyRequests
from footfall.flows.accounts.rate_limits import FAILED_LOGINS, Limiter, network_of

NOW = 1_700_000_000 * SECOND
MOST = FAILED_LOGINS.burst


async def try_login(limiter, key, address, outcome=CredentialsWrong):
    with contextlib.suppress(CredentialsWrong, StoreError):
        async with limiter.login(key, address, NOW):
            await asyncio.sleep(0)
            if outcome is not None:
                raise outcome("so it is")


def test_a_key_is_limited_from_wherever_it_is_tried():
    async def tries():
        limiter = Limiter(200, 2000)
        for number in range(MOST):
            await try_login(limiter, "ck", f"192.0.2.{number}")
        with pytest.raises(TooManyRequests):
            await try_login(limiter, "ck", "192.0.2.99")
        await try_login(limiter, "other", "192.0.2.99")

    asyncio.run(tries())


def test_an_address_is_limited_whatever_keys_it_tries():
    async def tries():
        limiter = Limiter(200, 2000)
        for number in range(MOST):
            await try_login(limiter, f"ck-{number}", f"2001:db8::{number:x}")
        with pytest.raises(TooManyRequests, match="20 in 60 s"):
            await try_login(limiter, "ck", "2001:db8::ffff")
        await try_login(limiter, "ck", "2001:db8:0:1::1")

    asyncio.run(tries())


def test_simultaneous_attempts_cannot_exceed_the_limit():
    async def tries():
        limiter, tried = Limiter(200, 2000), 0

        async def one(number):
            nonlocal tried
            async with limiter.login("ck", f"192.0.2.{number}", NOW):
                tried += 1
                await asyncio.sleep(0)
                raise CredentialsWrong("no")

        ended = await asyncio.gather(*map(one, range(200)), return_exceptions=True)
        assert tried == MOST
        refused = [error for error in ended if isinstance(error, TooManyRequests)]
        assert len(refused) == 200 - MOST

    asyncio.run(tries())


@pytest.mark.parametrize("outcome", [None, StoreError])
def test_only_wrong_credentials_count_as_a_failed_login(outcome):
    async def tries():
        limiter = Limiter(200, 2000)
        logins = [
            try_login(limiter, "ck", "192.0.2.1", outcome) for _ in range(5 * MOST)
        ]
        await asyncio.gather(*logins)
        assert not limiter._trying

    asyncio.run(tries())


def test_an_attempt_refused_for_its_key_does_not_count_for_its_address():
    async def tries():
        limiter = Limiter(200, 2000)
        for number in range(MOST):
            await try_login(limiter, "ck", f"192.0.2.{number}")
        for _ in range(2 * MOST):
            with pytest.raises(TooManyRequests):
                await try_login(limiter, "ck", "192.0.2.99")
        await try_login(limiter, "other", "192.0.2.99")

    asyncio.run(tries())


def test_failed_posts_do_not_count_against_the_source():
    async def posts():
        limiter = Limiter(1, 3)

        async def fail(source="one", address="192.0.2.66"):
            await limiter.count_unproven(address, NOW)
            await limiter.count_unproven_post(source, address, NOW)

        for _ in range(3):
            await fail()
        with pytest.raises(TooManyRequests):
            await fail()
        await fail("two")  # behind the same proxy
        for _ in range(3):
            await fail("one", "192.0.2.1")
            await limiter.count_proven_post("one", "192.0.2.1", NOW)
        await fail("one", "192.0.2.1")
        with pytest.raises(TooManyRequests, match="This source's posts"):
            await limiter.count_proven_post("one", "192.0.2.1", NOW)

    asyncio.run(posts())


def test_guesses_at_sources_are_limited_by_address():
    async def guesses():
        limiter = Limiter(1, 3)
        for _ in range(12):
            await limiter.count_unproven("192.0.2.66", NOW)
        with pytest.raises(TooManyRequests):
            await limiter.count_unproven("192.0.2.66", NOW)
        await limiter.count_unproven("192.0.2.1", NOW)

    asyncio.run(guesses())


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("x" * 100, "x" * 64),
    ],
)
def test_an_ipv6_network_is_one_sender(address, network):
    assert network_of(address) == network
