"""The presence cache: bounded for all together, and free for the garbage collector."""

import gc

import pytest

from footfall.core.places import Place
from footfall.core.stays import Rules, Stay
from footfall.store.relational import cache as module
from footfall.store.relational.cache import Owner, PresenceCache, PresenceCaches
from footfall.store.transaction import StoredStay

HERE = Place(0, 1)


def fill(cache, count):
    for contact in range(count):
        stay = StoredStay(contact, contact, HERE, Stay(0, 1, 0), Rules())
        cache.read(contact, HERE, stay)
        cache.owners[contact.to_bytes(2, "big")] = Owner(contact, 0)


def test_the_garbage_collector_does_not_look_through_cached_stays():
    cache = PresenceCache()
    fill(cache, 100)
    stays = list(filter(None, cache.newest[HERE].values()))
    held: list[object] = [cache.owners, cache.newest[HERE], *cache.owners.values()]
    held += [part for one in stays for part in (one, one.place, one.stay, one.rules)]
    gc.collect()
    assert len(stays) == 100
    assert not any(map(gc.is_tracked, held))


def test_what_is_read_and_what_is_dropped_counts():
    cache = PresenceCache()
    fill(cache, 3)
    gone = StoredStay(1, 1, HERE, Stay(0, 1, 0), Rules())
    cache.dropped(gone)
    cache.dropped(gone)
    assert cache.size == 5
    cache.clear()
    assert cache.size == 0


@pytest.fixture
def caches(monkeypatch):
    """Caches with room for 100 entries, and 40 of an organization."""
    monkeypatch.setattr(module, "CACHE_MAX", 40)
    monkeypatch.setattr(module, "ALL_MAX", 100)
    return PresenceCaches()


def sizes(caches, *organizations):
    return [caches.of(one).size for one in organizations]


def test_the_cache_that_was_used_longest_ago_goes_first(caches):
    for organization in (1, 2, 3):
        fill(caches.of(organization), 16)
    assert sizes(caches, 1, 2, 3) == [32, 32, 32]
    fill(caches.of(4), 10)
    assert sizes(caches, 4, 1, 2, 3) == [20, 0, 32, 32]


def test_an_organization_with_too_many_guests_costs_only_itself(caches):
    fill(caches.of(1), 10)
    fill(caches.of(2), 60)
    assert sizes(caches, 1, 2, 1) == [20, 0, 20]


@pytest.mark.parametrize("forget", ["too large", "undone"])
def test_a_cache_in_use_keeps_what_it_has(caches, forget):
    used = caches.of(1)
    fill(used, 60)
    if forget == "undone":
        caches.clear()
    assert caches.of(1) is not used
    assert used.size == 120
