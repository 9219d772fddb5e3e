from tests.proof.kills import run_rounds


def test_sigkill_under_load_leaves_exactly_what_was_sent(tmp_path):
    found = run_rounds(tmp_path, 4, graceful=False)
    assert found.sent > 200
    assert (found.missing, found.surplus) == (0, 0)


def test_sigterm_under_load_cuts_no_request_and_takes_no_longer_than_5_s(tmp_path):
    found = run_rounds(tmp_path, 3, graceful=True)
    assert found.sent > 150
    assert (found.missing, found.surplus, found.cut_off) == (0, 0, 0)
    assert found.slowest_stop_s < 5
