from tests.proof import servers


def test_servers_that_are_killed_lose_skip_and_repeat_nothing(postgres_server):
    found = servers.kill_at_random(postgres_server, rounds=1)
    assert found.acknowledged > 0
    assert (found.missing, found.double, found.skipped) == (0, 0, 0)
    assert found.visits_wrong == 0
    assert found.slowest_close_s < 30


def test_what_two_servers_hear_at_once_gives_the_events_of_one(postgres_server):
    _, same = servers.hear_from_both(postgres_server, times=100)
    assert same


def test_a_database_that_restarts_is_a_503_and_heals():
    found = servers.restart_database(seconds=0.5)
    assert found.healed
    assert found.refused > 0
    assert (found.lost, found.odd) == (0, 0)
