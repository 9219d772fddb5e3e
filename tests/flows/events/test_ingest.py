"""What is sent again is recognised before it is decoded."""

import json

import pytest

from footfall.flows.events import ingest
from footfall.store import Organization
from tests.conftest import event
from tests.store.test_contract import accept

COUNT = 120


@pytest.fixture
def sent(store):
    """Events that are stored, as they were sent."""
    store.create_organization(Organization("org", "Org", 1)).result()
    sent = [event(organizationId="org") for _ in range(COUNT)]
    store.append("org", [accept(one) for one in sent]).result()
    return sent


def find(store, items):
    return ingest.find_stored(store, "org", [one.encode() for one in items])


def test_a_batch_that_is_sent_again_is_found_whatever_its_white_space(store, sent):
    compact = [json.dumps(one, separators=(",", ":")) for one in sent]
    spaced = [json.dumps(one, indent=2) for one in sent]
    assert find(store, compact) == find(store, spaced) == set(range(COUNT))


def test_only_items_that_are_stored_byte_by_byte_are_found(store, sent):
    items = [json.dumps(one) for one in sent]
    items[7] = json.dumps(sent[7] | {"customerId": "another"})
    items[8] = json.dumps(event())
    items[9] = items[9][:-1]
    items[10] = "{}"
    assert find(store, items) == set(range(COUNT)) - {7, 8, 9, 10}


def test_a_batch_that_begins_with_something_new_is_read_as_usual(store, sent):
    items = [json.dumps(one) for one in (event(), *sent)]
    assert find(store, items) == set()


def test_nothing_of_another_organization_is_found(store, sent):
    store.create_organization(Organization("other", "Other", 2)).result()
    items = [json.dumps(one).encode() for one in sent]
    assert ingest.find_stored(store, "other", items) == set()


def test_what_was_found_counts_as_duplicates_and_is_not_read_again():
    items = [json.dumps(event()).encode(), b"{}", b"{}"]
    batch = ingest.read(items, "org", 0, known={0, 1})
    assert [one.index for one in batch.rejected] == [2]
    assert (batch.events, batch.duplicates) == ([], 2)
