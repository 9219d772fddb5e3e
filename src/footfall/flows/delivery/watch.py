"""Watch: the growth of organizations' logs, told on an event loop."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator

from footfall.store import Store


@contextlib.contextmanager
def watching(store: Store, on_growth: Callable[[str | None], None]) -> Iterator[None]:
    """Have `on_growth` called on the running loop whenever a log grows.

    Args:
        store: Whose logs.
        on_growth: Called with the organization; None means that any may have grown.
    """
    loop = asyncio.get_running_loop()

    def wake(organization: str | None) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(on_growth, organization)

    end = store.watch(wake)
    try:
        yield
    finally:
        end()
