from tests.proof.faults import fail_each


def test_a_failing_write_or_sync_loses_nothing_and_is_recovered_from(tmp_path):
    found = fail_each(tmp_path)
    assert found.faults > 10
    assert found.refused > 0
    assert (found.lost, found.half, found.stuck) == (0, 0, 0)
