from footfall.settings import Settings
from tests.proof import counting, servers


def test_figures_are_what_a_scan_counts_whoever_was_killed(tmp_path):
    chosen = Settings(store=f"sqlite:{tmp_path / 'footfall.db'}")
    with servers.opened(chosen, servers=1) as place:
        found = counting.count(place, rounds=1)
    assert found.steps > 0
    assert found.withdrawn > 0
    assert found.erased > 0
    assert found.figures > 0
    assert found.differing == 0
