"""What a process keeps of the memory that it has freed."""

import subprocess
import sys

PROGRAM = """
import resource, threading
import numpy as np
from footfall.runtime import memory

memory.keep_freed()

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(20 << 20, np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def work():
    faults()
    print(faults())

thread = threading.Thread(target=work)
thread.start()
thread.join()
work()
"""


def test_what_a_thread_has_freed_it_gets_again_without_a_page_fault():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    of_thread, of_main = map(int, done.stdout.split())
    # 20 MB are 5,120 pages.
    assert of_thread < 100
    assert of_main < 100
