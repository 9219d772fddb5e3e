"""The journal beside the database: whole lines, private, and nothing that expired."""

import threading

import pytest

from footfall.errors import StoreError, StoreUnwritable
from footfall.store.sqlite import journal
from footfall.store.sqlite.journal import Erasure, Journal, TokenRevocation


@pytest.fixture
def made(tmp_path):
    return Journal(tmp_path / "footfall.db")


def erasure(number):
    return Erasure(number.to_bytes(16, "big"), "org", bytes(16))


def test_what_is_appended_is_read_back_and_only_its_owner_can(made):
    entries = [erasure(1), TokenRevocation("t", 5)]
    for one in entries:
        made.append(one)
    assert made.read() == entries
    assert made.path.stat().st_mode & 0o777 == 0o600


def test_a_line_that_a_crash_cut_off_harms_neither_reading_nor_the_next(made):
    made.append(erasure(1))
    with made.path.open("ab") as file:
        file.write(b'{"type":"era')
    assert made.read() == [erasure(1)]
    made.append(erasure(2))
    assert made.read() == [erasure(1), erasure(2)]


def test_a_damaged_line_is_said_and_not_skipped(made):
    made.append(erasure(1))
    made.path.write_bytes(b"nonsense\n" + made.path.read_bytes())
    with pytest.raises(StoreError, match="line 1 is damaged"):
        made.read()


def test_only_tokens_that_expired_are_dropped_and_only_once_it_has_grown(
    made, monkeypatch
):
    for one in (erasure(1), TokenRevocation("old", 5), TokenRevocation("new", 50)):
        made.append(one)
    made.compact(10)
    assert len(made.read()) == 3
    monkeypatch.setattr(made, "_compact_at", 1)
    made.compact(10)
    assert made.read() == [erasure(1), TokenRevocation("new", 50)]
    assert made._compact_at == journal.COMPACT_BYTES
    assert made.path.stat().st_mode & 0o777 == 0o600


def test_nothing_is_lost_while_another_process_puts_a_shorter_one_in_its_place(made):
    # Each opens the file anew, so locks hold between threads as between processes.
    def append(first):
        for number in range(first, first + 50):
            Journal(made.path.with_suffix("")).append(erasure(number))

    threads = [threading.Thread(target=append, args=(n,)) for n in (0, 100, 200)]
    for one in threads:
        one.start()
    while any(one.is_alive() for one in threads):
        made._compact_at = 1
        if made.path.exists():
            made.compact(10)
    assert len({one.id for one in made.read()}) == 150


def test_a_symbolic_link_is_not_followed(made, tmp_path):
    other = tmp_path / "other"
    other.write_bytes(b"theirs")
    made.path.symlink_to(other)
    with pytest.raises(StoreUnwritable):
        made.append(erasure(1))
    assert other.read_bytes() == b"theirs"
