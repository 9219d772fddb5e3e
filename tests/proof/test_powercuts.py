from tests.proof.powercuts import cut_often


def test_nothing_acknowledged_is_lost_in_a_power_cut(tmp_path):
    found = cut_often(tmp_path, range(8), "full")
    assert found.acknowledged > 200
    assert 0 < found.moving < found.cuts
    assert (found.lost, found.damaged) == (0, 0)


def test_the_proof_would_see_a_loss(tmp_path):
    """With less syncing, events must be lost; else the test above proves nothing."""
    assert cut_often(tmp_path, range(8), "normal").lost > 0
