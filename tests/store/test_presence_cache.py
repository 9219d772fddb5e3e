"""The presence cache: what is in it costs the garbage collector nothing."""

import gc

from footfall.core.places import Place
from footfall.core.stays import Rules, Stay
from footfall.store.relational.cache import PresenceCache
from footfall.store.transaction import StoredStay


def test_the_garbage_collector_does_not_look_through_cached_stays():
    cache = PresenceCache()
    held: list[object] = []
    for contact in range(100):
        stay = StoredStay(contact, contact, Place(0, 1), Stay(0, 1, 0), Rules())
        cache.newest[contact, stay.place] = stay
        cache.owners[contact.to_bytes()] = (contact, 0)
        held += [stay, stay.place, stay.stay, stay.rules]
    gc.collect()
    held += [*cache.newest, *cache.owners.values()]
    assert not any(map(gc.is_tracked, held))
