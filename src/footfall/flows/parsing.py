"""Parsing: threads that only turn bodies into values.

So the small work of other requests, on the usual threads, never waits behind a large
body.
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
    """Run work with a body on one of the parsing threads."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_pool, lambda: work(*args, **kwargs))
