from tests.proof.crashes import crash_each


def test_a_power_cut_at_many_points_and_all_sent_again_gives_the_same_events(tmp_path):
    found = crash_each(tmp_path, every=4)  # `make proof` tries them all
    assert found.cuts > 10
    assert (found.lost, found.wrong) == (0, 0)
