"""Parsing: what turns bodies into values has threads of its own.

So other requests' small work, which is done on the usual threads, never waits behind
a large body.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
THREADS = 2
_pool = ThreadPoolExecutor(THREADS, "footfall-parse")


async def on_parser(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Do something with a body on one of the parsers' threads."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_pool, lambda: work(*args, **kwargs))
