import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core.queries import EventQuery, Position, Request, Sort
from footfall.core.scrolls import Scroll, ScrollSeal
from footfall.errors import ScrollForeign, ScrollMismatch, ScrollTampered

SEAL = ScrollSeal(bytes(range(64)))
INT = st.integers(-(2**62), 2**62)
QUERIES = st.builds(
    EventQuery,
    organization=st.text(min_size=1, max_size=128),
    contact=st.none() | st.text(min_size=1, max_size=128),
    start_at=st.none() | INT,
    end_at=st.none() | INT,
    types=st.lists(st.integers(0, 12), unique=True).map(sorted).map(tuple),
    sort=st.sampled_from(Sort),
    reverse=st.booleans(),
    size=st.integers(1, 10_000),
)
SCROLLS = st.builds(
    Scroll, query=QUERIES, position=st.builds(Position, INT, INT), bound=INT
)


def bare(query):
    return Request(
        EventQuery(query.organization, query.contact), frozenset(), True, None
    )


@given(SCROLLS)
def test_a_sealed_scroll_opens_and_is_short(scroll):
    scroll_id = SEAL.seal(scroll)
    assert len(scroll_id) < 512
    assert SEAL.open(scroll_id, bare(scroll.query)) == scroll


EXAMPLE = Scroll(EventQuery("org", "contact", size=7), Position(5, 6), 9)


def test_every_changed_bit_is_detected():
    scroll_id = SEAL.seal(EXAMPLE).encode()
    for position in range(len(scroll_id)):
        for bit in range(8):
            changed = bytearray(scroll_id)
            changed[position] ^= 1 << bit
            with pytest.raises(ScrollTampered):
                SEAL.open(changed.decode("latin-1"), bare(EXAMPLE.query))


@pytest.mark.parametrize("text", ["", "=", "A", "é", "x" * 511, "x" * 10**6, "\0"])
def test_an_invalid_scroll_id_is_refused(text):
    with pytest.raises(ScrollTampered):
        SEAL.open(text, bare(EXAMPLE.query))


@pytest.mark.parametrize("end", ["=", "==", "\n", " ", "A"])
def test_another_spelling_is_refused(end):
    with pytest.raises(ScrollTampered):
        SEAL.open(SEAL.seal(EXAMPLE) + end, bare(EXAMPLE.query))


def test_another_key_does_not_open_it():
    with pytest.raises(ScrollTampered):
        ScrollSeal(bytes(64)).open(SEAL.seal(EXAMPLE), bare(EXAMPLE.query))


def test_another_organizations_scroll_is_refused_as_foreign():
    with pytest.raises(ScrollForeign):
        SEAL.open(SEAL.seal(EXAMPLE), bare(EventQuery("other", "contact")))


def test_another_contact_is_another_query():
    for contact in (None, "other"):
        with pytest.raises(ScrollMismatch):
            SEAL.open(SEAL.seal(EXAMPLE), bare(EventQuery("org", contact)))


@given(SCROLLS, st.sampled_from(["start_at", "end_at", "types", "size", "reverse"]))
def test_the_same_value_is_fine_and_another_is_refused(scroll, name):
    query = scroll.query
    same = Request(query, frozenset({name}), True, None)
    assert SEAL.open(SEAL.seal(scroll), same) == scroll
    other = {
        "start_at": (query.start_at or 0) + 1,
        "end_at": (query.end_at or 0) + 1,
        "types": (0,) if query.types != (0,) else (1,),
        "size": query.size % 10_000 + 1,
        "reverse": not query.reverse,
    }[name]
    changed = msgspec.structs.replace(query, **{name: other})
    with pytest.raises(ScrollMismatch):
        SEAL.open(SEAL.seal(scroll), Request(changed, frozenset({name}), True, None))
