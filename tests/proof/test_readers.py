from tests.proof import readers, servers


def test_killed_consumers_end_with_what_is_stored(new_place):
    chosen = new_place()
    with servers.opened(chosen, servers=2 if chosen.is_postgres else 1) as place:
        found = readers.consume(place, rounds=1)
    assert found.events > 0
    assert found.withdrawn > 0
    assert (found.differing, found.repeated) == (0, 0)
