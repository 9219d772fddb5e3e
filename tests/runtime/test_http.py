"""The HTTP server's stop."""

import subprocess
import sys

PROGRAM = """
import asyncio, os, signal
from footfall.runtime.http import on_signals

async def main():
    left = asyncio.Event()
    on_signals(left.set)
    loop = asyncio.get_running_loop()
    for _ in range(10_000):  # more than the pipe that wakes the loop can hold
        loop.call_soon_threadsafe(lambda: None)
    os.kill(os.getpid(), signal.{name})
    await left.wait()

asyncio.run(main())
"""


def test_no_signal_is_lost_while_the_loop_is_woken_by_thousands():
    for name in ("SIGTERM", "SIGINT"):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(name=name)], timeout=20, check=False
        )
        assert done.returncode == 0
