"""Counting, against the plainest way to count."""

import bisect
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core.analytics import (
    QUARTER_S,
    Numbered,
    Stretches,
    distinct,
    divide,
    dwell_figures,
    first_of_each,
    presence_by_quarter,
)
from footfall.core.facts import cut, join, pack
from footfall.core.instants import SECOND

GROUPS = 5
CONTACTS = st.integers(0, 40) | st.integers(0, 2**32 - 1)
SECONDS = st.integers(0, 40 * QUARTER_S) | st.integers(0, 2**33)


@given(st.lists(st.tuples(st.integers(0, GROUPS - 1), CONTACTS), max_size=60))
def test_each_contact_of_a_group_counts_once(pairs):
    groups = np.array([group for group, _ in pairs], np.int64)
    contacts = np.array([contact for _, contact in pairs], np.uint32)
    expected = [len({c for g, c in pairs if g == group}) for group in range(GROUPS)]
    assert distinct(Numbered(groups, GROUPS), contacts).tolist() == expected
    order = np.argsort(groups, kind="stable")
    bounds = np.searchsorted(groups[order], np.arange(GROUPS + 1))
    assert distinct(Stretches(bounds), contacts[order]).tolist() == expected


@given(
    st.lists(st.tuples(SECONDS, st.integers(0, 2), st.booleans()), max_size=60),
    st.sampled_from((1, 1_800, QUARTER_S, 3_600)),
    st.integers(1, 3),
    st.booleans(),
)
def test_a_fact_lies_in_the_last_period_that_has_begun_in_its_zone(
    sent, step, zones, some
):
    # Of a step of a second, periods begin within quarters of an hour.
    edges = [[(shift + 3 * n) * step for n in range(9)] for shift in (0, 1, 2)]
    rows = pack((place, place, 0, 0, second * SECOND) for second, place, _ in sent)
    joined = join(cut(rows, newest=True))
    if some:
        joined = joined.some(joined["place"] != 1)
    division = divide(
        joined,
        [np.array(starts, np.int64) for starts in edges[:zones]],
        np.array([0, 1, 2], np.int64) % zones,
    )
    expected: list[list[int]] = [[] for _ in range(8)]
    for second, place, _ in sorted(sent):
        period = bisect.bisect(edges[place % zones], second) - 1
        if 0 <= period < len(expected) and not (some and place == 1):
            expected[period].append(second)
    found = [sorted(part.tolist()) for part in division.values(joined["second"])]
    assert found == expected
    assert division.sizes().tolist() == [len(part) for part in expected]
    assert sorted(joined["second"][division.inside]) == sorted(
        itertools.chain(*expected)
    )
    mask = joined["second"] % 2 == 1
    odd = [sum(second % 2 for second in part) for part in expected]
    assert division.sizes_of(mask).tolist() == odd


@given(st.lists(st.integers(0, 9) | CONTACTS, max_size=30))
def test_the_first_fact_of_each_contact_is_found(contacts):
    found = first_of_each(np.array(contacts, np.uint32)).tolist()
    assert found == [contacts.index(c) == n for n, c in enumerate(contacts)]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2**32 - 1)), max_size=30))
def test_dwell_is_as_numpy_computes_it(pairs):
    groups = np.array([group for group, _ in pairs], np.int64)
    lengths = np.array([length for _, length in pairs], np.uint32)
    for name, figure in (
        ("dwellMean", np.mean),
        ("dwellMedian", np.median),
        ("dwellP90", lambda some: np.quantile(some, 0.9)),
    ):
        expected = [
            pytest.approx(figure(some.astype(float)), abs=1e-3) if len(some) else None
            for some in (lengths[groups == group] for group in range(3))
        ]
        assert dwell_figures(name, Numbered(groups, 3), lengths) == expected


@given(st.lists(st.tuples(st.integers(0, 9_000), st.integers(1, 9_000)), max_size=20))
def test_a_visit_counts_at_each_quarter_at_which_it_goes_on(visits):
    starts = np.array([start for start, _ in visits], np.int64)
    ends = np.array([start + length for start, length in visits], np.int64)
    found = presence_by_quarter(starts, ends, 2, 8)
    expected = [
        sum(s <= (2 + n) * QUARTER_S < s + length for s, length in visits)
        for n in range(8)
    ]
    assert found.tolist() == expected
