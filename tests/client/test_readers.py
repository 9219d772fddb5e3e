"""The rules of reading, without a network: whatever a server does, nothing is lost."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from footfall.client import errors
from footfall.client.readers import HistoryPosition, HistoryReader, ListReader
from footfall.client.requests import EventsQuery
from footfall.client.responses import Response
from tests.client.original import Original


def events_at(seconds):
    return [
        {
            "customerId": "c",
            "event": {"type": "login", "id": f"{number}"},
            "when": {"createdAt": f"2026-05-01T10:00:{second:02}Z"}
            | {"createdAtLocal": f"2026-05-01T10:00:{number:03}Z"},
        }
        for number, second in enumerate(seconds)
    ]


def answered(server, call):
    """Return the answer of a server, or raise what the client would."""
    status, body = server.page(dict(call.parameters))
    if status != 200:
        raise errors.refusal(errors.Problem(status, "refused", "No."))
    return Response(200, {}, msgspec.json.encode(body))


def query(page_size):
    return EventsQuery(organization="x", page_size=page_size)


@given(
    counts=st.lists(st.integers(0, 4), min_size=10, max_size=40),
    more=st.integers(1, 4),
    expires_after=st.integers(2, 4),
    expired=st.sampled_from([200, 404, 500]),
    lost=st.lists(st.booleans(), max_size=60),
    restarts=st.lists(st.booleans(), max_size=60),
)
def test_a_history_has_every_event_whatever_gets_lost(
    counts, more, expires_after, expired, lost, restarts
):
    # A scroll must get over one second; otherwise it is an error, not a loss.
    seconds = [second for second, count in enumerate(counts) for _ in range(count)]
    page_size = max(counts) + more
    server = Original(events_at(seconds), expires_after=expires_after, expired=expired)
    reader = HistoryReader(query(page_size), HistoryPosition())
    found = []
    while (call := reader.call) is not None:
        try:
            answer = answered(server, call)
            if lost and lost.pop() and call.parameters[0][0] == "scrollId":
                raise errors.NoResponse("It broke off.")
        except errors.NoResponse as error:
            try:
                reader.fail(error)
            except errors.NoResponse:
                return  # it is said, and nothing is taken for whole
            continue
        except errors.Refused as error:
            reader.fail(error)
            continue
        part = reader.take(answer)
        found += [event.id for event in part.events]
        if restarts and restarts.pop() and reader.call is not None:
            kept = msgspec.json.decode(
                msgspec.json.encode(part.position), type=HistoryPosition
            )
            reader = HistoryReader(query(page_size), kept)
    assert set(found) == {f"{number}" for number in range(len(seconds))}


@given(seconds=st.lists(st.integers(0, 20), max_size=40), page_size=st.integers(1, 50))
def test_a_list_has_every_event_once(seconds, page_size):
    server = Original(events_at(seconds))
    reader = ListReader(query(page_size))
    found = []
    while reader.call is not None:
        found += [
            event.id for event in reader.take(answered(server, reader.call)).events
        ]
    assert sorted(found, key=int) == [f"{number}" for number in range(len(seconds))]


def test_a_history_of_footfall_is_read_without_asking_twice():
    class Footfall(Original):
        def _next(self, scroll):
            status, body = super()._next(scroll)
            more = bool(self.scrolls[scroll][0])
            return status, body | {"hasMore": more}

    server = Footfall(events_at(range(20)))
    reader = HistoryReader(query(10), HistoryPosition())
    first = reader.take(answered(server, reader.call))
    assert first.position.scroll_id == "scroll-0"
    assert reader.call is not None
    assert reader.call.repeatable
    assert len(reader.take(answered(server, reader.call)).events) == 10
    assert reader.call is None
