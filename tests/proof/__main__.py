"""`make proof`: the proofs at full length, and one table of their results."""

import asyncio
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from footfall.settings import Settings
from footfall.web import concurrency
from tests import postgres
from tests.proof import (
    bystander,
    counting,
    crashes,
    crowds,
    faults,
    floods,
    fuzz,
    kills,
    powercuts,
    readers,
    servers,
    strangers,
)

Row = tuple[str, str, str, bool]
P99_MS_MAX = 250
LONGEST_MS_MAX = 250
STOP_S_MAX = 5
CLOSE_S_MAX = 30
MEMORY_MB_MAX = 300
FLOOD_MB_MAX = 600
FUZZ_S = 60


def power(folder: Path) -> Iterator[Row]:
    for synchronous in ("full", "normal"):
        found = powercuts.cut_often(folder, range(40), synchronous)
        tried = f"{found.cuts} cuts, {found.moving} of them during a checkpoint, "
        tried += f"{found.acknowledged} events acknowledged"
        result = f"{found.lost} lost, {found.damaged} files damaged"
        if synchronous == "full":
            fine = not found.lost and not found.damaged
            yield "power cut, synchronous=FULL", tried, result, fine
        else:
            what = "power cut, synchronous=NORMAL (must lose)"
            yield what, tried, result, found.lost > 0


def disk(folder: Path) -> Iterator[Row]:
    found = faults.fail_each(folder)
    tried = f"each of {found.faults} writes and syncs, {found.refused} sends refused"
    result = f"{found.lost} lost, {found.half} half-written, {found.stuck} stuck"
    fine = not (found.lost or found.half or found.stuck)
    yield "a write or sync that fails", tried, result, fine


def processes(folder: Path) -> Iterator[Row]:
    for name, rounds, graceful in (("kill -9", 40, False), ("SIGTERM", 20, True)):
        place = folder / name.replace(" ", "")
        place.mkdir()
        found = kills.run_rounds(place, rounds, graceful=graceful)
        tried = f"{rounds} rounds under load, {found.sent} events acknowledged"
        result = f"{found.missing} missing, {found.surplus} double or unknown"
        fine = not (found.missing or found.surplus)
        if graceful:
            slowest = found.slowest_stop_s
            result += f", {found.cut_off} cut off, slowest stop {slowest:.1f} s"
            fine = fine and not found.cut_off and slowest < STOP_S_MAX
        yield f"{name} of the server", tried, result, fine


def connections(folder: Path) -> Iterator[Row]:
    place = crowds.ServedStore(folder, events=5_000)
    try:
        found = asyncio.run(crowds.all_at_once(place, 1_000))
        result = f"{found.failed} failed, memory {found.peak_mb:.0f} MB"
        fine = not found.failed and found.peak_mb < MEMORY_MB_MAX
        yield "connections at once", "1,000", result, fine
        found = asyncio.run(crowds.tricklers(place, 2_000, 60))
        tried = f"2,000 for 60 s, {found.requests} good requests beside them"
        result = f"{found.failed} failed, p99 {found.p99_ms:.0f} ms"
        fine = not found.failed and found.p99_ms < P99_MS_MAX
        yield "connections that trickle a byte every 2 s", tried, result, fine
        found = asyncio.run(crowds.silent(place, 8_250))
        result = f"{found.failed} failed, health answered after {found.p99_ms:.0f} ms"
        yield (
            "connections that begin HTTP/2 and stop",
            "8,250",
            result,
            not found.failed,
        )
        found = asyncio.run(crowds.never_reading(place, 100, 10))
        result = f"{found.failed} failed, memory {found.peak_mb:.0f} MB"
        fine = not found.failed and found.peak_mb < MEMORY_MB_MAX
        yield "clients that never read a page of 5,000", "100", result, fine
        within_s = concurrency.PART_WITHIN_S + 15
        found = asyncio.run(crowds.stalled_streams(place, 100, within_s))
        tried = f"100 for {within_s} s"
        result = f"{found.failed} not cut off, memory {found.peak_mb:.0f} MB"
        fine = not found.failed and found.peak_mb < MEMORY_MB_MAX
        yield "streams that are never read", tried, result, fine
    finally:
        place.close()


def flooded(folder: Path) -> Iterator[Row]:
    for found in floods.flood_all(folder):
        result = (
            f"bystander's longest wait {found.longest_ms:.0f} ms of {found.requests} "
            f"requests, {found.failed} failed, memory {found.peak_mb:.0f} MB, "
            f"{found.long_turns} turns of the writer over "
            f"{bystander.TURN_S_MAX * 1000:.0f} ms"
        )
        fine = not (found.failed or found.long_turns)
        fine = fine and found.longest_ms < P99_MS_MAX
        yield found.name, found.tried, result, fine and found.peak_mb < FLOOD_MB_MAX


def waits(folder: Path) -> Iterator[Row]:
    for name, found in bystander.watch(folder):
        tried = f"{found.sends} sends and {found.reads} reads of another tenant"
        result = f"{found.failed} failed, longest wait: "
        result += f"send {found.send_ms:.0f} ms, read {found.read_ms:.0f} ms; "
        result += f"{found.long_turns} of {found.turns} turns of the writer over "
        result += f"{bystander.TURN_S_MAX * 1000:.0f} ms"
        worst = max(found.send_ms, found.read_ms)
        fine = not (found.failed or found.long_turns)
        fine = fine and worst <= bystander.WAIT_MS_MAX
        yield f"beside {name}", tried, result, fine


def presence(folder: Path) -> Iterator[Row]:
    found = crashes.crash_each(folder)
    tried = f"each of {found.cuts} writes and syncs, then all sent again"
    result = f"{found.lost} files damaged, {found.wrong} with other events"
    fine = found.cuts > 0 and not (found.lost or found.wrong)
    yield "a power cut while presence is taken in", tried, result, fine


def radius(folder: Path) -> Iterator[Row]:
    found = strangers.flood(folder, sources=100, a_second=1_500, seconds=10)
    tried = f"{found.sent} packets in {found.seconds:.0f} s to 100 sources"
    result = f"longest wait {found.longest_ms:.0f} ms, {found.counted} dropped and "
    result += f"counted, a NAS' {found.asked} packets: {found.unanswered} unanswered"
    fine = found.longest_ms < LONGEST_MS_MAX and not found.failed
    fine = fine and not found.unanswered and found.counted > 0
    yield "a stranger's RADIUS packets", tried, result, fine


def several(_folder: Path) -> Iterator[Row]:
    with postgres.running() as address:
        found = servers.kill_at_random(address, 20)
        tried = f"{found.rounds} rounds, {found.acknowledged} events acknowledged"
        result = (
            f"{found.missing} missing, {found.double} double, {found.skipped} skipped "
            f"by a reader, {found.visits} visits of which {found.visits_wrong} wrong, "
            f"slowest {found.slowest_close_s:.1f} s after a death"
        )
        fine = not (found.missing or found.double or found.skipped)
        fine = fine and not found.visits_wrong and found.slowest_close_s < CLOSE_S_MAX
        yield "kill -9 of one of two servers on PostgreSQL", tried, result, fine
        times, same = servers.hear_from_both(address, 2_000)
        result = "the events of one server" if same else "other events"
        yield "two servers hear the same devices", f"{times:,} times", result, same
    restarted = servers.restart_database(20)
    tried = f"{restarted.acknowledged} events acknowledged, {restarted.refused} refused"
    result = f"{restarted.lost} lost or double, {restarted.odd} other answers"
    fine = restarted.healed and not (restarted.lost or restarted.odd)
    yield "PostgreSQL away for 20 s under load", tried, result, fine


def consumers(folder: Path) -> Iterator[Row]:
    with postgres.running() as address, servers.estate(address) as several:
        yield _consumed("two servers on PostgreSQL", readers.consume(several, 15))
    chosen = Settings(store=f"sqlite:{folder / 'footfall.db'}")
    with servers.opened(chosen, servers=1) as one:
        yield _consumed("SQLite", readers.consume(one, 15))


def _consumed(where: str, found: readers.Consumed) -> Row:
    tried = f"{found.kills} kills, {found.events} events, {found.withdrawn} withdrawn"
    result = f"{found.differing} differ from what is stored, {found.repeated} repeated"
    what = f"kill -9 of who syncs, streams, gets webhooks; of a server: {where}"
    return what, tried, result, not (found.differing or found.repeated)


def counted(folder: Path) -> Iterator[Row]:
    with postgres.running() as address, servers.estate(address) as several:
        yield _counted("two servers on PostgreSQL", counting.count(several, 15))
    chosen = Settings(store=f"sqlite:{folder / 'footfall.db'}")
    with servers.opened(chosen, servers=1) as one:
        yield _counted("SQLite", counting.count(one, 15))


def _counted(where: str, found: counting.Counting) -> Row:
    tried = f"{found.kills} kills in {found.steps} steps, {found.events} events, "
    tried += f"{found.withdrawn} withdrawn, {found.erased} contacts erased"
    result = f"{found.differing} of {found.figures} figures differ from a scan"
    what = f"kill -9 of a server and of who counts beside it: {where}"
    return what, tried, result, found.figures > 0 and not found.differing


def decoders(_folder: Path) -> Iterator[Row]:
    for found in fuzz.fuzz_all(FUZZ_S):
        result = found.failed or "nothing unexpected"
        result += f", slowest {found.slowest_s * 1e3:.0f} ms, {found.peak_mb:.0f} MB"
        fine = not found.failed and found.slowest_s < fuzz.SLOWEST_S
        fine = fine and found.peak_mb < fuzz.MEMORY_MB_MAX
        yield f"anything as {found.name}", f"{found.tried:,} for 60 s", result, fine


CASES = (
    ("forged tokens", "tests/proof/test_tokens.py"),
    ("clocks set back and forward", "tests/proof/test_clocks.py"),
    ("upgrades, and power cuts in them", "tests/store/test_migrations.py"),
    (
        "a disk that refuses all writes, over HTTP",
        "tests/journeys/test_failing_disk.py",
    ),
    ("a full disk of 8 MB", "tests/journeys/test_full_disk.py"),
    ("backup while serving, and restore", "tests/journeys/test_backup.py"),
    ("floods, logins, canaries in logs", "tests/web/test_limits.py"),
    ("presence in any order, twice and late", "tests/flows/presence"),
    ("equipment's real senders", "tests/web/test_sources.py"),
)


def cases() -> Iterator[Row]:
    for name, file in CASES:
        command = [sys.executable, "-m", "pytest", "-q", file]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        counts = {
            word: int(number)
            for number, word in re.findall(
                r"(\d+) (passed|failed|error|skipped)", done.stdout.splitlines()[-1]
            )
        }
        passed, tried = counts.get("passed", 0), sum(counts.values())
        fine = passed == tried > 0 and done.returncode == 0
        if not fine:
            sys.stderr.write(done.stdout)
        result = f"{passed} held, {tried - passed} did not or were skipped"
        yield name, f"{tried} cases", result, fine


INTAKE = (connections, waits, flooded, radius)
PARTS = (
    power,
    disk,
    processes,
    *INTAKE,
    presence,
    several,
    consumers,
    counted,
    decoders,
)


def main() -> None:
    """Do all parts, or those that the arguments name."""
    began = time.monotonic()
    table = Table("what was tried", "how often", "result", "")
    fine = True
    names = [*(part.__name__ for part in PARTS), cases.__name__]
    wanted = sys.argv[1:] or names
    if unknown := set(wanted).difference(names):
        sys.exit(f"no such part: {', '.join(unknown)}; there are {', '.join(names)}")
    for part in PARTS:
        if part.__name__ in wanted:
            with tempfile.TemporaryDirectory() as folder:
                for *row, good in part(Path(folder)):
                    table.add_row(*row, "ok" if good else "FAILED")
                    fine = fine and good
    for *row, good in cases() if cases.__name__ in wanted else ():
        table.add_row(*row, "ok" if good else "FAILED")
        fine = fine and good
    Console(soft_wrap=True).print(table)
    Console().print(f"{time.monotonic() - began:.0f} s")
    sys.exit(0 if fine else 1)


if __name__ == "__main__":  # the fuzzers are processes that import this
    main()
