"""Memory: how much of it the process keeps for the next request."""

import ctypes

# As glibc's malloc.h numbers what can be set.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENAS_MAX = -1, -3, -8
_KEPT = 64 << 20
_LARGEST = 32 << 20  # the most that glibc allows


def keep_freed() -> None:
    """Keep some 64 MB that were freed, where the C library is glibc.

    Large pages and charts take megabytes for some milliseconds. By default glibc gives
    them back at once, and the system clears each 4 kB that it hands out again: a
    quarter of the time of a year's chart. Threads share two arenas, so that not each of
    them keeps as much.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        set_option(_ARENAS_MAX, 2)
        set_option(_TRIM_THRESHOLD, _KEPT)
        set_option(_MMAP_THRESHOLD, _LARGEST)
