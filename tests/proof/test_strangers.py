from tests.proof import strangers


def test_strangers_packets_are_dropped_and_a_nas_is_answered(tmp_path):
    found = strangers.flood(tmp_path, sources=20, a_second=500, seconds=3)
    assert found.failed == found.unanswered == 0
    assert found.requests > 10
    assert found.asked > 3
    assert 0 < found.counted <= found.sent
