"""Counting, against the plainest way to count."""

import bisect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footfall.core.analytics import (
    QUARTER_S,
    distinct,
    dwell_figures,
    first_of_each,
    periods_of,
    presence_by_quarter,
)

GROUPS = 5
# Close together, and so far apart that no table has room for all between them.
CONTACTS = st.integers(0, 40) | st.integers(0, 2**32 - 1)
SECONDS = st.integers(0, 40 * QUARTER_S) | st.integers(0, 2**33)


@given(st.lists(st.tuples(st.integers(0, GROUPS - 1), CONTACTS), max_size=60))
def test_each_contact_of_a_group_counts_once(pairs):
    groups = np.array([group for group, _ in pairs], np.int64)
    contacts = np.array([contact for _, contact in pairs], np.uint32)
    expected = [len({c for g, c in pairs if g == group}) for group in range(GROUPS)]
    assert distinct(groups, contacts, GROUPS).tolist() == expected


@given(
    st.lists(st.tuples(SECONDS, st.integers(0, 2)), max_size=60).map(sorted),
    st.sampled_from((1, 1_800, QUARTER_S)),
    st.integers(1, 3),
)
def test_a_fact_lies_in_the_last_period_that_has_begun_in_its_zone(facts, step, zones):
    # Of a step of a second, periods begin within quarters of an hour.
    edges = [[(shift + 3 * n) * step for n in range(9)] for shift in (0, 1, 2)]
    seconds = np.array([second for second, _ in facts], np.int64)
    places = np.array([place for _, place in facts], np.uint32)
    arrays = [np.array(starts, np.int64) for starts in edges[:zones]]
    zone_of = np.array([0, 1, 2], np.int64) % zones
    found = periods_of(seconds, places, arrays, zone_of)
    expected = [
        bisect.bisect(edges[place % zones], second) - 1 for second, place in facts
    ]
    assert found.tolist() == expected


@given(st.lists(st.integers(0, 9) | CONTACTS, max_size=30))
def test_the_first_fact_of_each_contact_is_found(contacts):
    found = first_of_each(np.array(contacts, np.uint32))
    assert sorted(found.tolist()) == sorted(contacts.index(c) for c in set(contacts))


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
        assert dwell_figures(name, groups, lengths, 3) == expected


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
