"""Servers that share their rate limits, through a real Redis that comes and goes."""

import asyncio
import collections
import contextlib
import json
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest
import redis as client
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from footfall import server as running_service
from footfall import service
from footfall.core.instants import MINUTE
from footfall.core.rates import Buckets, Rate
from footfall.errors import SettingInvalid
from footfall.flows.accounts.rate_limits import FAILED_LOGINS
from footfall.runtime import shared_rates
from footfall.settings import Settings
from tests import redis_server
from tests.conftest import Tenant, start_server, stop_server
from tests.redis_server import PASSWORD

KEY = bytes(range(32))
BURST = 30
AWAY = "Redis is away: rate limits are not shared"
BACK = "rate limits are shared again"
# One more a second: far from twice the burst by the end of a test.
NARROW = {"FOOTFALL_RATE": "1", "FOOTFALL_BURST": str(BURST)}


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    with redis_server.running(tmp_path_factory.mktemp("redis")) as started:
        yield started


@pytest.fixture(scope="module")
def plain(redis):
    """A client of the same Redis, to look inside."""
    with client.Redis(port=redis.port, password=PASSWORD) as opened:
        yield opened


class Pair:
    """Two servers on one store, and the tenant that a test floods them with."""

    def __init__(self, folder, **environment):
        self.path = folder / "footfall.db"
        self.store = service.open_store(Settings(store=f"sqlite:{self.path}"))

        def start(_):
            return start_server(self.path, **NARROW, **environment)

        with ThreadPoolExecutor(2) as pool:
            self.servers = list(pool.map(start, range(2)))

    def close(self):
        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(stop_server, self.servers)) == [0, 0]
        self.store.close()

    def flood(self):
        """Ask both in turn until both refuse; return how many each answered."""
        tenant = Tenant(self.servers[0], self.store)
        answered: collections.Counter[str] = collections.Counter()
        refused: dict[str, httpx2.Response] = {}
        with contextlib.closing(tenant.client) as asking:
            while len(refused) < 2:
                for one in self.servers:
                    answer = asking.get(f"{one.address}{tenant.events_path}")
                    assert answer.status_code in (200, 429), answer.text
                    if answer.status_code == 429:
                        refused[one.address] = answer
                    else:
                        answered[one.address] += 1
        return answered, list(refused.values())

    def assert_shared(self):
        answered, _ = self.flood()
        assert BURST <= answered.total() < 2 * BURST

    def assert_apart(self):
        answered, _ = self.flood()
        assert answered.total() >= 2 * BURST
        assert min(answered.values()) >= BURST

    def wait_until_shared(self, *, shared=True):
        for one in self.servers:
            while shared_in_metrics(one) != float(shared):
                pass

    def log(self):
        """Return the lines of the log that are not about single requests."""
        lines = (self.path.parent / "log").read_text().splitlines()
        found = [json.loads(line) for line in lines]
        return [line["event"] for line in found if line["event"] != "request"]


def shared_in_metrics(server):
    metrics = httpx2.get(f"{server.address}/metrics").text
    found = re.search(r"^footfall_limits_shared (\S+)$", metrics, re.MULTILINE)
    return None if found is None else float(found[1])


@pytest.fixture(scope="module")
def pair(tmp_path_factory, redis):
    made = Pair(tmp_path_factory.mktemp("pair"), FOOTFALL_LIMITS=redis.address)
    yield made
    made.close()


def test_servers_with_one_redis_share_one_budget(pair):
    answered, refused = pair.flood()
    assert BURST <= answered.total() < 2 * BURST
    assert len(answered) == 2
    for answer in refused:
        assert int(answer.headers["Retry-After"]) == 1
        assert answer.headers["RateLimit-Limit"] == str(BURST)
        assert answer.headers["RateLimit-Remaining"] == "0"
        assert answer.headers["RateLimit-Policy"] == f"1;w=1;burst={BURST}"


def test_servers_without_a_redis_have_a_budget_each(tmp_path):
    pair = Pair(tmp_path)
    pair.assert_apart()
    assert [shared_in_metrics(one) for one in pair.servers] == [None, None]
    pair.close()


def test_failed_logins_are_counted_together_and_good_ones_are_not(pair):
    tenant = Tenant(pair.servers[0], pair.store)
    tenant.client.close()
    wrong = {"clientKey": "ck-nobody", "clientSecret": "x"}
    with httpx2.Client() as asking:
        urls = [f"{one.address}/v1/sts/login/services" for one in pair.servers]
        # One more may fail every 3 s.
        tried = [
            asking.post(urls[number % 2], json=wrong).status_code
            for number in range(2 * FAILED_LOGINS.burst)
        ]
    assert FAILED_LOGINS.burst <= tried.count(401) < 1.5 * FAILED_LOGINS.burst
    assert set(tried) == {401, 429}


@pytest.mark.parametrize(
    ("leave", "come_back"),
    [
        pytest.param("kill", "start", id="killed"),
        pytest.param("hang", "go_on", id="hung"),
    ],
)
def test_without_redis_each_server_goes_on_alone_until_it_is_back(
    pair, redis, leave, come_back
):
    pair.wait_until_shared()
    before = len(pair.log())
    getattr(redis, leave)()
    began = time.perf_counter()
    pair.assert_apart()
    # Not each of the sixty requests waited for Redis.
    assert time.perf_counter() - began < BURST * shared_rates.ANSWER_WITHIN_S
    pair.wait_until_shared(shared=False)
    assert pair.log()[before:] == [AWAY] * 2
    getattr(redis, come_back)()
    pair.wait_until_shared()
    pair.assert_shared()
    assert pair.log()[before + 2 :] == [BACK] * 2


def test_a_start_does_not_need_redis_and_finds_it_later(redis, plain):
    address, rate = redis.address.replace(PASSWORD, "other-canary"), Rate(1, 1, MINUTE)

    async def start():
        async with shared_rates.sharing(address, KEY) as buckets:
            assert [await buckets.take("late", rate) for _ in range(3)] == [0, 0, 0]
            plain.config_set("requirepass", "other-canary")
            while not await buckets.take("late", rate):
                await asyncio.to_thread(plain.ping)

    try:
        with structlog.testing.capture_logs() as said:
            asyncio.run(start())
    finally:
        plain.config_set("requirepass", PASSWORD)
    assert [line["event"] for line in said] == [AWAY, BACK]
    assert said[0]["reason"] == "AuthenticationError"
    assert "canary" not in str(said)


def test_redis_learns_no_key_and_no_address_and_forgets_what_is_full(pair, plain):
    plain.flushdb()
    pair.flood()
    kept = plain.keys("*")
    assert all(re.fullmatch(rb"footfall:rate:[0-9a-f]{32}", key) for key in kept)
    # What is given back at once, as by the login, is full: no key.
    assert len(kept) == 1
    assert 0 < plain.pttl(kept[0]) <= BURST * 1000


def test_no_password_is_in_a_log_or_a_metric(pair):
    assert PASSWORD not in (pair.path.parent / "log").read_text()
    for one in pair.servers:
        assert PASSWORD not in httpx2.get(f"{one.address}/metrics").text


@settings(max_examples=30)
@given(
    rate=st.builds(
        Rate, st.integers(1, 60), burst=st.integers(1, 20), per=st.just(60 * MINUTE)
    ),
    steps=st.lists(
        st.tuples(st.sampled_from([0, 0, 1, 7]), st.sampled_from([1, 1, 1, -1])),
        max_size=50,
    ),
)
def test_the_rule_in_redis_is_that_of_the_servers_own_buckets(plain, rate, steps):
    # Whole minutes, as Redis forgets by its own clock what is nearly full.
    told = shared_rates._SCRIPT.replace("redis.call('TIME')", "{0, ARGV[5]}")
    script = plain.register_script(told)
    own, now = Buckets(rate), 1_700_000_000_000_000
    plain.delete("one")
    for minutes, tokens in steps:
        now += minutes * MINUTE
        shared = script(["one"], [rate.amount, rate.burst, rate.per, tokens, now])
        if tokens < 0:
            own.give_back("one")
            assert shared == 0
        else:
            wait = own.wait("one", now)
            assert own.take("one", now) == (wait == 0)
            assert shared == wait


def test_simultaneous_requests_to_two_servers_do_not_exceed_the_rate(
    redis, monkeypatch
):
    # A Redis that is late counts as away, and this machine may be slow.
    monkeypatch.setattr(shared_rates, "ANSWER_WITHIN_S", 30)
    rate = Rate(100, burst=20)

    async def crowd():
        async with (
            shared_rates.sharing(redis.address, KEY) as one,
            shared_rates.sharing(redis.address, KEY) as two,
        ):
            began = time.perf_counter()
            asked = [each.take("crowd", rate) for each in (one, two) * 200]
            waits = await asyncio.gather(*asked)
            return waits, time.perf_counter() - began

    waits, took_s = asyncio.run(crowd())
    allowed = waits.count(0)
    assert rate.burst <= allowed <= rate.burst + rate.amount * took_s
    assert max(waits) <= 10_000


def test_installations_with_different_secrets_do_not_share(redis):
    async def takes():
        async with (
            shared_rates.sharing(redis.address, KEY) as one,
            shared_rates.sharing(redis.address, KEY[::-1]) as two,
        ):
            rate = Rate(1, burst=1, per=MINUTE)
            return [await each.take("same", rate) for each in (one, one, two)]

    first, second, other = asyncio.run(takes())
    assert (first, other) == (0, 0)
    assert second > 0


@pytest.mark.parametrize(
    "address",
    [
        f"redis://:{PASSWORD}#x@127.0.0.1:6379",
        f"redis://:{PASSWORD}@127.0.0.1:port",
        f"redis://:{PASSWORD}@127.0.0.1:6379?unknown={PASSWORD}",
        f"redis://:{PASSWORD}@127.0.0.1:6379?db=x",
    ],
)
def test_an_address_that_cannot_be_one_is_refused_and_not_quoted(address):
    with pytest.raises(SettingInvalid, match="redis://HOST") as refused:
        asyncio.run(share(address))
    assert PASSWORD not in refused.value.detail


def test_without_the_client_of_redis_it_is_said_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "footfall.runtime.shared_rates")
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(SettingInvalid, match=r"pip install 'footfall\[redis\]'"):
        asyncio.run(share("redis://127.0.0.1"))


async def share(address):
    chosen = Settings(limits=address)
    async with running_service._shared_buckets(chosen, "a secret"):
        pass
