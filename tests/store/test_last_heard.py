"""When equipment was last heard, on each engine."""

import pytest

from footfall import service
from footfall.core.instants import MINUTE, SECOND
from footfall.store import Organization
from footfall.store.relational.repository import Repository
from footfall.store.transaction import HeardKind, StoredRejection

SOURCE, OTHER = (HeardKind.SOURCE, "a"), (HeardKind.SOURCE, "b")
HOTSPOT = (HeardKind.HOTSPOT, "a")


@pytest.fixture(autouse=True)
def organizations(store):
    store.create_organization(Organization("org", "Org", 1)).result()
    store.create_organization(Organization("other", "Other", 2)).result()


def note(store, heard, organization="org"):
    store.transaction(organization, lambda t: t.last_heard.note(heard)).result()


def heard(store, kind=HeardKind.SOURCE, organization="org"):
    return store.read(organization, lambda t: t.last_heard.all_of(kind))


def test_the_latest_instant_stays_of_each_thing_and_each_organization(store):
    note(store, {SOURCE: 5 * MINUTE, OTHER: 0, HOTSPOT: 1})
    note(store, {SOURCE: 9 * MINUTE, OTHER: 3 * MINUTE})
    note(store, {SOURCE: 7 * MINUTE})
    note(store, {SOURCE: 1}, "other")
    assert heard(store) == {"a": 9 * MINUTE, "b": 3 * MINUTE}
    assert heard(store, HeardKind.HOTSPOT) == {"a": 1}
    assert heard(store, organization="other") == {"a": 1}


def test_of_what_two_processes_heard_the_latest_stays(store, chosen):
    note(store, {SOURCE: 9 * MINUTE})
    other = service.open_store(chosen)
    note(other, {SOURCE: 7 * MINUTE})
    assert heard(store) == {"a": 9 * MINUTE}
    note(other, {SOURCE: 11 * MINUTE})
    note(store, {SOURCE: 10 * MINUTE})
    other.close()
    assert heard(store) == {"a": 11 * MINUTE}


def test_within_a_minute_nothing_is_written_again(store, monkeypatch):
    note(store, {SOURCE: MINUTE})
    written: list[object] = []
    real = Repository._many

    def many(self, name, rows):
        rows = list(rows)
        written.extend(rows if name == "note_heard" else [])
        return real(self, name, rows)

    monkeypatch.setattr(Repository, "_many", many)
    note(store, {SOURCE: MINUTE + 59 * SECOND})
    assert written == []
    note(store, {SOURCE: 2 * MINUTE})
    assert len(written) == 1
    assert heard(store) == {"a": 2 * MINUTE}


def test_what_is_forgotten_is_heard_anew(store):
    note(store, {SOURCE: 5 * MINUTE, OTHER: 5 * MINUTE})
    store.transaction("org", lambda t: t.last_heard.forget(SOURCE)).result()
    assert heard(store) == {"b": 5 * MINUTE}
    note(store, {SOURCE: 5 * MINUTE})
    assert heard(store) == {"a": 5 * MINUTE, "b": 5 * MINUTE}


def test_rejections_of_a_source_are_paged_and_counted(store):
    kept = [StoredRejection("ab"[n % 2], n, str(n), "{}") for n in range(7)]
    store.transaction("org", lambda t: t.sources.add_rejections(kept)).result()
    mine = store.read("org", lambda t: t.sources.rejections(3, "a"))
    assert [one.at for one in mine] == [6, 4, 2]
    older = store.read("org", lambda t: t.sources.rejections(3, "a", mine[-1].number))
    assert [one.at for one in older] == [0]
    assert store.read("org", lambda t: t.sources.rejection_counts()) == {"a": 4, "b": 3}
    assert store.read("other", lambda t: t.sources.rejection_counts()) == {}
