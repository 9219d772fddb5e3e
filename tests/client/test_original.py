"""The client at a server that is not footfall, on the worst of its days."""

import itertools

import pytest

from footfall import Client
from footfall.client import HistoryPosition, RetryPolicy, errors, transports
from tests.client.original import Original, serving
from tests.conftest import EXAMPLE, event


def history(count, a_second=3):
    """Make events of which several share a second, in another order by local time."""
    return [
        event(
            f"{number:032x}l",
            when={
                "createdAt": f"2026-05-01T10:{number // a_second // 60:02}:"
                f"{number // a_second % 60:02}Z",
                "createdAtLocal": f"2026-05-01T{12 - number % 3}:00:00Z",
                "timezone": "Europe/Rome",
            },
        )
        for number in range(count)
    ]


def client_of(original):
    return Client(
        original.address,
        organization="155d60f2",
        client_key="ck-x",
        client_secret="s",
        policy=RetryPolicy(attempts=8),
    )


def read(original, **more):
    with client_of(original) as client:
        return [e.id for part in client.events.history(**more) for e in part.events]


def test_a_list_of_the_original_is_read_whole():
    with serving(Original(EXAMPLE)) as original, client_of(original) as client:
        for page_size in (1, 4, 19, 100):
            found = client.events.list(page_size=page_size).to_dicts()
            assert sorted(found, key=str) == sorted(EXAMPLE, key=str)
        assert original.logins == 1
        assert original.paths[0].startswith("//v1/organizations/155d60f2/events?")


def test_a_token_that_the_original_refuses_is_fetched_again():
    with serving(Original(EXAMPLE, refuses_token_at=2)) as original:
        assert len(read(original, page_size=5)) >= 19
        assert original.logins == 2


def test_a_contacts_list_without_scrolling_that_may_go_on_is_not_taken_for_whole():
    class WithoutScrolling(Original):
        def page(self, asked):
            return super().page(asked | {"enableScroll": "false"})

    with (
        serving(WithoutScrolling(history(20))) as original,
        client_of(original) as client,
    ):
        assert len(list(client.events.list(contact="x", page_size=21))) == 20
        with pytest.raises(errors.ListCutOff, match="page_size"):
            list(client.events.list(contact="x", page_size=20))
        # By date, the whole of it can still be had.
        assert len(set(read(original, page_size=4))) == 20


def test_a_page_that_may_be_gone_is_not_asked_for_again():
    with (
        serving(Original(history(20), drops_every=2)) as original,
        client_of(original) as client,
        pytest.raises(errors.NoResponse),
    ):
        list(client.events.list(page_size=5))


def test_a_server_that_gives_the_same_page_for_ever_is_found_out():
    class Forgetful(Original):
        def page(self, _asked):
            return super().page({"enableScroll": "true", "size": "5"})

    with (
        serving(Forgetful(history(20))) as original,
        client_of(original) as client,
        pytest.raises(errors.ResponseUnreadable, match="same page"),
    ):
        list(client.events.list(page_size=5))


def test_a_server_without_an_order_of_arrival_cannot_be_synchronized_with():
    class WithoutScrolling(Original):
        def page(self, asked):
            return super().page(asked | {"enableScroll": "false"})

    with (
        serving(WithoutScrolling(history(2))) as original,
        client_of(original) as client,
        pytest.raises(errors.ResponseUnreadable, match="order of arrival"),
    ):
        client.events.sync()


def test_what_is_no_events_api_is_said_to_be_none():
    class Elsewhere(Original):
        def page(self, _asked):
            return 200, {"hello": "world"}

    with (
        serving(Elsewhere([])) as original,
        client_of(original) as client,
        pytest.raises(errors.ResponseUnreadable, match="address right"),
    ):
        list(client.events.list())


@pytest.fixture
def small(monkeypatch):
    """Little is read of an answer, so that the test need not send much."""
    monkeypatch.setattr(transports, "RESPONSE_BYTES_MAX", 2**20)


@pytest.mark.parametrize("status", [200, 404])
def test_an_answer_without_an_end_is_not_read_to_its_end(small, status):
    class Flood(Original):
        def page(self, _asked):
            return status, {"message": "x" * 2**21}

    with (
        serving(Flood([])) as original,
        client_of(original) as client,
        pytest.raises(errors.ResponseTooLarge, match="over 1 MiB"),
    ):
        list(client.events.list())
    assert original.requests == 1


BAD_DAYS = [
    {"expires_after": 3},
    {"expires_after": 1},
    {"expires_after": 3, "expired": 200},
    {"expires_after": 2, "expired": 500},
    {"drops_every": 3},
    {"limits_every": 2},
    {"expires_after": 4, "drops_every": 5, "limits_every": 3},
    {"expires_after": 2, "expired": 200, "drops_every": 3, "limits_every": 7},
]


@pytest.mark.parametrize("day", BAD_DAYS, ids=str)
@pytest.mark.parametrize("page_size", [4, 10])
def test_a_history_is_read_whole_on_a_bad_day(day, page_size):
    events = history(100)
    with serving(Original(events, **day)) as original:
        found = read(original, page_size=page_size)
    assert set(found) == {one["event"]["id"] for one in events}
    assert len(found) < 4 * len(events)


def test_a_history_goes_on_from_its_place():
    events = history(40)
    with serving(Original(events)) as original, client_of(original) as client:
        parts = list(itertools.islice(client.events.history(page_size=10), 2))
        position = parts[-1].position
        # The scroll of a server that is not footfall is not trusted later.
        assert position == HistoryPosition("2026-05-01T10:00:06Z")
        rest = read(original, position=position, page_size=10)
    first = [e.id for part in parts for e in part.events]
    assert set(first) | set(rest) == {one["event"]["id"] for one in events}
    assert len(rest) < 30


def test_more_of_one_second_than_a_scroll_gives_is_said_and_not_left_out():
    with (
        serving(Original(history(50, a_second=50), expires_after=2)) as original,
        pytest.raises(errors.ResourceUnknown, match="Scroll not found"),
    ):
        read(original, page_size=10)


def test_a_wait_that_the_server_asks_for_is_not_cut_short():
    problem = errors.Problem(429, "refused", "", retry_after_s=7.0)
    assert errors.refusal(problem).retry_after_s == 7
    with serving(Original(history(5), limits_every=1)) as original:
        with pytest.raises(errors.RateLimited, match="Slow down") as raised:
            read(original)
        assert raised.value.retry_after_s == 7
        assert original.requests == 8
